"""Chats of several processes over one database, of either kind: each event once, one connection for all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from chat_parts import LIMITS, message, new_database
from pydantic import SecretStr

from qa.chat.alone import Alone
from qa.chat.events import Events, Work
from qa.store import migrations
from qa.store.database import Database
from qa.store.owner import FileOwner, Owner, RowOwner
from qa.store.postgres import PostgresDatabase
from qa.store.roles import Roles

PROCESSES = 6


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        made: Database = new_database(tmp_path / "chat.sqlite")
    else:
        url = request.getfixturevalue("postgres").database()
        made = PostgresDatabase(SecretStr(url), "public")
        with made.writing() as connection:
            migrations.create(connection)
    yield made
    made.close()


@pytest.fixture
def process(database: Database, tmp_path: Path) -> Callable[[], Owner]:
    return lambda: RowOwner(database) if database.shared else FileOwner(tmp_path / "owners")


def at_once(do: Callable[[int], object]) -> list[object]:
    barrier = threading.Barrier(PROCESSES)

    def begun(number: int) -> object:
        barrier.wait()
        return do(number)

    with ThreadPoolExecutor(PROCESSES) as pool:
        return list(pool.map(begun, range(PROCESSES)))


def test_an_event_that_comes_to_all_processes_is_one_processs(database: Database) -> None:
    events = [Events(database, f"process {number}", LIMITS) for number in range(PROCESSES)]
    for identity in ("e1", "e2", "e3"):
        taken = at_once(lambda number: events[number].receive("slack", "A1", message(identity), None))  # noqa: B023
        assert len([work for work in taken if work is not None]) == 1


def test_what_a_gone_process_left_is_taken_over_by_one_and_is_not_its_own_any_more(
    database: Database, process: Callable[[], Owner]
) -> None:
    dead, *others = (process() for _ in range(PROCESSES + 1))
    for owner in (dead, *others):
        owner.take()
    first = Events(database, dead.id, LIMITS)
    work = first.receive("slack", "A1", message("e1"), None)
    assert work is not None
    assert at_once(lambda number: _left(database, others[number])) == [[]] * PROCESSES
    dead.close()
    taken = [one for left in at_once(lambda number: _left(database, others[number])) for one in left]  # type: ignore[attr-defined]
    assert [one.message.event for one in taken] == ["e1"]
    assert not first.sending(work)
    first.finish(work, "answered")
    assert first.state("slack", "A1", "e1") == "received"
    for owner in others:
        owner.close()


def _left(database: Database, owner: Owner) -> list[Work]:
    return Events(database, owner.id, LIMITS).abandoned(owner.is_gone)


def test_a_role_is_one_processs_until_it_is_gone(database: Database, process: Callable[[], Owner]) -> None:
    owners = [process() for _ in range(PROCESSES)]
    for owner in owners:
        owner.take()
    roles = [Roles(database, owner) for owner in owners]
    held = at_once(lambda number: roles[number].hold("dingtalk A1"))
    assert held.count(True) == 1
    holder = held.index(True)
    assert [role.hold("dingtalk A1") for role in roles] == held
    assert roles[(holder + 1) % PROCESSES].hold("dingtalk A2")
    owners[holder].close()
    after = at_once(lambda number: number != holder and roles[number].hold("dingtalk A1"))
    assert after.count(True) == 1
    for owner in owners:
        owner.close()


def test_one_process_listens_and_another_goes_on(database: Database, process: Callable[[], Owner]) -> None:
    async def run() -> list[str]:
        said: list[str] = []
        owners = [process(), process()]
        for owner in owners:
            owner.take()

        def kept(name: str, owner: Owner) -> asyncio.Task[None]:
            async def listen() -> None:
                said.append(f"{name} listens")
                try:
                    await asyncio.sleep(3600)
                finally:
                    said.append(f"{name} ends")

            return asyncio.create_task(Alone(Roles(database, owner), "robot", listen, 0.02).listen())

        one = kept("one", owners[0])
        while not said:
            await asyncio.sleep(0.01)
        other = kept("other", owners[1])
        await asyncio.sleep(0.2)
        assert said == ["one listens"]
        owners[0].close()  # as when the database has not heard of it for long
        await asyncio.wait_for(one, 60)
        while "other listens" not in said:
            await asyncio.sleep(0.01)
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)
        owners[1].close()
        return said

    said = asyncio.run(run())
    assert sorted(said) == ["one ends", "one listens", "other ends", "other listens"]


def test_a_connection_that_breaks_is_told_as_it_broke(database: Database, process: Callable[[], Owner]) -> None:
    async def run() -> None:
        async def listen() -> None:
            raise ConnectionResetError

        owner = process()
        owner.take()
        with pytest.raises(ConnectionResetError):
            await Alone(Roles(database, owner), "robot", listen).listen()
        owner.close()

    asyncio.run(run())
