"""Moving records between SQLite and PostgreSQL: both directions, killed in the middle, and a row that changed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from postgres_server import Postgres
from pydantic import SecretStr
from store_samples import document, open_store

from qa.errors import ConflictError, DamagedIndexError
from qa.store import builds, feedback, migrate, rows
from qa.store.check import check
from qa.store.database import Database
from qa.store.feedback import NewVerdict
from qa.store.local import LocalStore
from qa.store.location import Location
from qa.store.opening import open_existing
from qa.store.rows import AT_ONCE
from qa.store.tables import documents, passages

MOVER = Path(__file__).with_name("store_migrate_mover.py")


Both = tuple[LocalStore, LocalStore]


def filled(path: Path, url: str = "", many: int = 0) -> LocalStore:
    """Three documents, one of them deleted since; and ``many`` more."""
    store = open_store(path, url=url)
    store.create_collection("default")
    store.create_collection("empty")
    store.add("default", [document("one", ["alpha beta", "covid-19"]), document("two", ["北京 beta"], language="zh")])
    store.delete("default", "one")
    store.add("default", [document("three", ["gamma beta"], publisher="Xinhua", published="2024-12-02")])
    store.add("default", [document(f"more{n}", [f"filler {n} {k}" for k in range(40)]) for n in range(many)])
    store.keys.create("reader", collections=["default"])
    feedback.add(store.database, NewVerdict("default", "问什么？", "up", comment="\u200b so"))
    store.set_meta("note", {"b": [1, 2.5, None], "a": "鹤"})
    return store


def place(tmp_path: Path, kind: str, postgres: Postgres, name: str = "target") -> Location:
    return Location(tmp_path / name, SecretStr(postgres.database()) if kind == "postgres" else None)


def opened(where: Location) -> LocalStore:
    return open_store(where.root, url=where.url.get_secret_value() if where.url else "", create=False)


def found(store: LocalStore, words: list[str]) -> list[tuple[int, str, float]]:
    snapshot = store.snapshot("default")
    hits = snapshot.lexical(words, 50, None)
    quotes = [passage.quote for passage in snapshot.passages(hits.rows)]
    snapshot.close()
    return [(row, quote, round(score, 6)) for row, quote, score in zip(hits.rows, quotes, hits.scores, strict=True)]


@pytest.fixture(params=[("sqlite", "postgres"), ("postgres", "sqlite"), ("sqlite", "sqlite")], ids="-".join)
def moved(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> Iterator[Both]:
    of, to = request.param
    start = place(tmp_path, of, postgres, "source")
    source = filled(start.root, start.url.get_secret_value() if start.url else "")
    where = place(tmp_path, to, postgres)
    report = migrate.migrate(source.database, where)
    assert report.resumed == 0
    assert report.tables["passages"].rows == 2
    target = opened(where)
    yield source, target
    source.close()
    target.close()


def test_everything_arrives_under_the_same_numbers(moved: Both) -> None:
    source, target = moved
    assert target.identity == source.identity
    assert target.collections() == source.collections()
    assert target.documents("default") == source.documents("default")
    assert target.keys.list() == source.keys.list()
    assert target.meta("note") == source.meta("note")
    assert feedback.listed(target.database) == feedback.listed(source.database)
    for words in (["beta"], ["北京", "gamma"], ["covid-19"]):
        assert found(target, words) == found(source, words)
    assert check(target) == []


def test_numbers_go_on_where_they_were(moved: Both) -> None:
    for store in moved:
        store.add("default", [document("new", ["delta beta"])])
        store.create_collection("later")
    source, target = moved
    assert found(source, ["delta"]) == found(target, ["delta"])
    assert [head[0] for head in numbers(source.database)] == [head[0] for head in numbers(target.database)]
    target.publish("default")
    assert check(target) == []


def numbers(database: Database) -> list[tuple[int, ...]]:
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(sa.select(documents.c.number).order_by(documents.c.number))]


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_a_copy_that_was_killed_is_taken_up_where_it_was(kind: str, tmp_path: Path, postgres: Postgres) -> None:
    source = filled(tmp_path / "source", many=12)
    where = place(tmp_path, kind, postgres)
    url = where.url.get_secret_value() if where.url else ""
    command = [sys.executable, str(MOVER), str(source.root), str(where.root), url, "encodings"]
    assert subprocess.run(command, timeout=60).returncode == -9
    with pytest.raises(Exception, match="There is no index"):
        open_existing(where)
    told: list[tuple[str, int]] = []
    report = migrate.migrate(source.database, where, told=lambda table, done, _: told.append((table, done)))
    assert report.resumed >= AT_ONCE
    assert ("encodings", AT_ONCE) not in told  # the first page was there
    assert report.tables["encodings"].rows > AT_ONCE
    with closing(opened(where)) as target:
        assert found(target, ["filler"]) == found(source, ["filler"])
        assert check(target) == []
    source.close()


def test_a_copy_of_another_state_is_begun_anew(tmp_path: Path, postgres: Postgres) -> None:
    source = filled(tmp_path / "source", many=12)
    where = place(tmp_path, "postgres", postgres)
    assert where.url is not None
    command = [sys.executable, str(MOVER), str(source.root), str(where.root), where.url.get_secret_value(), "passages"]
    assert subprocess.run(command, timeout=60).returncode == -9
    source.delete("default", "two")
    assert migrate.migrate(source.database, where).resumed == 0
    with closing(opened(where)) as target:
        assert target.documents("default") == source.documents("default")
    source.close()


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_a_row_that_is_not_the_same_is_found(
    kind: str, tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = filled(tmp_path / "source")
    where = place(tmp_path, kind, postgres)
    original = migrate._index_words

    def damaged(copy: Database) -> None:
        original(copy)
        with copy.writing() as connection:
            connection.execute(passages.update().where(passages.c.row == 3).values(quote="北京 beto"))

    monkeypatch.setattr(migrate, "_index_words", damaged)
    with pytest.raises(DamagedIndexError, match=r"passages \(2 rows, 2 in the copy\)"):
        migrate.migrate(source.database, where)
    with pytest.raises(Exception, match="There is no index"):
        open_existing(where)
    source.close()


def test_an_index_in_the_way_is_kept_as_the_one_before(tmp_path: Path, postgres: Postgres) -> None:
    source = filled(tmp_path / "source")
    for kind in ("postgres", "sqlite"):
        where = place(tmp_path, kind, postgres, kind)
        url = where.url.get_secret_value() if where.url else ""
        with closing(open_store(where.root, url=url)) as other:
            other.create_collection("other")
            with pytest.raises(ConflictError):
                migrate.migrate(source.database, where)
            migrate.migrate(source.database, where, force=True)
            with pytest.raises(Exception, match="encoded anew or restored"):
                other.create_collection("late")
        with closing(opened(where)) as target:
            assert [info.name for info in target.collections()] == ["default", "empty"]
    assert builds.previous(tmp_path / "sqlite") == tmp_path / "sqlite"
    source.close()


def test_writers_wait_while_it_is_copied(tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    source = filled(tmp_path / "source", postgres.database())
    told = []

    def write(table: str, *_: object) -> None:
        with pytest.raises(ConflictError):
            source.delete("default", "two")
        told.append(table)

    with monkeypatch.context() as patched:
        patched.setattr("qa.store.postgres.WAIT", 0.2)
        migrate.migrate(source.database, Location(tmp_path / "target"), told=write)
    assert told == ["collections", "documents", "sources", "encodings", "passages"]
    source.delete("default", "two")
    source.close()


def test_a_checksum_does_not_depend_on_the_order_and_sees_every_column(tmp_path: Path) -> None:
    store = filled(tmp_path / "source")
    with store.database.writing() as connection:
        for table in rows.every_table():
            before = rows.summed(connection, table)
            assert sum(map(len, rows.pages(connection, table))) == before.rows
        first = rows.summed(connection, documents)
        connection.execute(documents.update().where(documents.c.id == "two").values(author="x"))
        assert rows.summed(connection, documents) != first
    store.close()
