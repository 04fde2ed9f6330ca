"""A limit that several processes keep together: each with a store of its own over one PostgreSQL database."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from qa.service import rate as module
from qa.service.rate import LocalRate, RateError, SharedRate, rate
from qa.store.database import Database
from qa.store.tables import rates

sys.path.insert(0, str(Path(__file__).parents[1] / "store"))

from store_samples import open_store


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    store = open_store(tmp_path / "index", url=request.getfixturevalue("postgres").database())
    yield store.database
    store.close()


def passed(limits: list[SharedRate], who: str, each: int) -> tuple[int, list[int]]:
    """How many of ``each`` requests to every process pass, and the waits told to the others."""

    async def ask() -> tuple[int, list[int]]:
        done, waits = 0, []
        for _ in range(each):
            for limit in limits:
                try:
                    await limit.take(who)
                    done += 1
                except RateError as error:
                    waits.append(error.retry_after)
        return done, waits

    return asyncio.run(ask())


def test_all_processes_together_let_through_what_one_would(database: Database) -> None:
    """12 a minute: two at once, the next after five seconds. Three processes."""
    limits = [SharedRate(12, database) for _ in range(3)]
    began = time.monotonic()
    done, waits = passed(limits, "a", 4)
    since = time.monotonic() - began
    assert 2 <= done <= 2 + since / 5
    assert all(1 <= wait <= 5 for wait in waits)
    assert passed(limits, "b", 1)[0] >= 2


def test_a_high_limit_is_drawn_in_shares(database: Database) -> None:
    """6,000 a minute: a share is 50 requests, and one statement for all of them."""
    asked: list[str] = []
    sa.event.listen(database._engine, "before_cursor_execute", lambda *event: asked.append(event[2]))
    limit = SharedRate(6000, database)
    assert passed([limit], "a", 100) == (100, [])
    assert len([statement for statement in asked if "INTO rates" in statement]) == 2


def test_who_was_refused_does_not_reach_the_database_before_the_wait_is_over(database: Database) -> None:
    limit = SharedRate(1, database)
    assert passed([limit], "a", 1) == (1, [])
    assert passed([limit], "a", 1)[0] == 0
    asked: list[str] = []
    sa.event.listen(database._engine, "before_cursor_execute", lambda *event: asked.append(event[2]))
    done, waits = passed([limit], "a", 50)
    assert (done, asked) == (0, [])
    assert all(1 <= wait <= 60 for wait in waits)


def test_time_gives_requests_back_and_forgets_callers(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = SharedRate(600, database)
    done, waits = passed([limit], "a", 200)
    assert 100 <= done < 200
    assert waits[0] == 1
    time.sleep(1.1)
    assert passed([limit], "a", 5)[0] == 5
    monkeypatch.setattr(module, "TIDY_SECONDS", 0.0)
    with database.alongside() as connection:
        connection.execute(sa.update(rates).values(spent=0.0))
    assert passed([limit], "b", 1)[0] == 1
    with database.reading() as connection:
        assert list(connection.scalars(sa.select(rates.c.who))) == ["b"]


def test_only_a_shared_database_counts(database: Database, tmp_path: Path) -> None:
    local = open_store(tmp_path / "local")
    assert isinstance(rate(60, local.database), LocalRate)
    assert isinstance(rate(60, database), SharedRate)
    assert isinstance(rate(0, database), LocalRate)
    local.close()
