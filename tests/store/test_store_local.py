"""Opening a store: what is there, what is not, and what does not fit."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from store_samples import CODEC, DIMS, VERSIONS, document, open_store

from qa.errors import ConflictError, DamagedIndexError, EncoderMismatchError, FormatError, IndexError_, NoIndexError
from qa.store import migrations, records, tables
from qa.store.database import SqliteDatabase
from qa.store.local import LocalStore
from qa.store.lock import locked
from qa.store.opening import open_existing
from qa.store.tokens import TokenCodec
from qa.types import Filters


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A closed index with one document."""
    path = tmp_path / "index"
    store = open_store(path)
    store.create_collection("default")
    store.add("default", [document("a", ["one"])])
    store.publish("default")
    store.close()
    return path


def test_none_is_made_unless_asked_for(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "deep" / "index"):
        with pytest.raises(NoIndexError) as caught:
            open_store(path, create=False)
        assert "qa ingest" in caught.value.hint
        assert not (path / "citeqa.sqlite").exists()


def test_half_made_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "citeqa.sqlite").touch()
    with pytest.raises(NoIndexError):
        open_store(tmp_path, create=False)
    open_store(tmp_path).close()
    open_store(tmp_path, create=False).close()


def test_a_file_in_place_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(IndexError_) as caught:
        open_store(tmp_path / "file")
    assert caught.value.code == "index_read_only"


def test_what_was_added_is_there_when_it_is_opened_again(made: Path) -> None:
    store = open_store(made, create=False)
    assert store.snapshot("default").size == 1
    store.close()


def test_another_encoder_is_refused_with_the_command_that_helps(made: Path) -> None:
    other = TokenCodec(CODEC.low, CODEC.high * 2)
    for fingerprint, dims, codec in (("other", DIMS, CODEC), ("test", DIMS * 2, CODEC), ("test", DIMS, other)):
        with pytest.raises(EncoderMismatchError) as caught:
            LocalStore.open(made, fingerprint=fingerprint, dims=dims, codec=codec, versions=VERSIONS, create=True)
        assert "qa doctor --reencode" in caught.value.hint


def test_other_versions_are_said(made: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        LocalStore.open(
            made, fingerprint="test", dims=DIMS, codec=CODEC, versions=VERSIONS | {"splitter": "2"}, create=False
        ).close()
    assert "'splitter': '2'" in caplog.text


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "citeqa.sqlite").write_bytes(b"This is no database. " * 1000)
    with pytest.raises(DamagedIndexError) as caught:
        open_store(tmp_path)
    assert "qa doctor" in caught.value.hint


def test_derived_files_without_their_database(made: Path) -> None:
    (made / "citeqa.sqlite").unlink()
    for create in (False, True):
        with pytest.raises(DamagedIndexError, match="missing"):
            open_store(made, create=create)


def test_a_format_of_the_future(made: Path) -> None:
    with sqlite3.connect(made / "citeqa.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(FormatError) as caught:
        open_store(made)
    assert "newer" in caught.value.hint


def test_candidates_are_looked_up_by_their_rows(made: Path) -> None:
    """Whatever else is in the collection: begun with its documents, it took 0.2 s among a million passages."""
    database = open_existing(made)
    said: list[tuple[str, object]] = []
    with database.reading() as connection:
        head = records.head(connection, "default")
        sa.event.listen(connection, "before_cursor_execute", lambda *told: said.append((told[2], told[3])))
        stamps = records.allowed_stamps(connection, records.admitting(head.id, Filters(), ()), [1, 99])
        assert stamps.keys() == {1}
        statement, parameters = said[0]
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    database.close()
    looks = [step for step in plan if step.startswith(("SEARCH", "SCAN"))]
    assert len(looks) == 2
    assert all("USING INTEGER PRIMARY KEY" in look for look in looks), plan


@pytest.mark.parametrize("said", [None, "", "\x80\x7f"])
def test_a_format_that_cannot_be_read_is_damage(made: Path, said: str | None) -> None:
    """What SQLite makes of a damaged page may be a row less or any text."""
    with sqlite3.connect(made / "citeqa.sqlite") as connection:
        connection.execute("DELETE FROM alembic_version")
        if said is not None:
            connection.execute("INSERT INTO alembic_version VALUES (?)", [said])
    connection.close()
    with pytest.raises(DamagedIndexError, match="format") as caught:
        open_store(made)
    assert "qa restore" in caught.value.hint


def test_a_lost_list_of_tables_is_damage(made: Path) -> None:
    with sqlite3.connect(made / "citeqa.sqlite", isolation_level=None) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("DELETE FROM sqlite_master")
    connection.close()
    for create in (False, True):
        with pytest.raises(DamagedIndexError, match="tables"):
            open_store(made, create=create)


def test_a_database_that_does_not_say_how_it_was_made(made: Path) -> None:
    with sqlite3.connect(made / "citeqa.sqlite") as connection:
        connection.execute("DELETE FROM meta")
    connection.close()
    with pytest.raises(DamagedIndexError):
        open_store(made)


def test_migrations_make_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    stepwise, at_once = (SqliteDatabase(tmp_path / name, read_only=False, create=True) for name in ("steps", "once"))
    with stepwise.writing() as connection:
        migrations.upgrade(connection)
    with at_once.writing() as connection:
        migrations.create(connection)
    schemas = []
    for database in (stepwise, at_once):
        with database.reading() as connection:
            assert migrations.standing(connection) == migrations.HEAD
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, tables.metadata) == []
            listed = connection.exec_driver_sql("SELECT name, type FROM sqlite_master ORDER BY name").all()
            schemas.append([tuple(row) for row in listed])
        database.close()
    assert schemas[0] == schemas[1]


def test_writes_reach_the_disk_before_they_return(made: Path) -> None:
    store = open_store(made)
    with store.database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    store.close()


def test_a_lock_that_is_held_is_waited_for_and_then_given_up(made: Path) -> None:
    with locked(made), pytest.raises(ConflictError) as caught, locked(made, wait=0.1):
        raise AssertionError
    assert "other program" in caught.value.hint
    with locked(made, wait=0):
        pass


def test_rows_are_never_used_again(made: Path) -> None:
    store = open_store(made)
    store.delete("default", "a")
    store.add("default", [document("b", ["two"])])
    assert store.snapshot("default").lexical(["two"], 1, None).rows.tolist() == [2]
    store.close()


def test_an_unchanged_passage_keeps_its_row_and_a_changed_word_does_not(made: Path) -> None:
    store = open_store(made)
    store.add("default", [document("a", ["zero", "one"])])
    snapshot = store.snapshot("default")
    assert snapshot.lexical(["one"], 1, None).rows.tolist() == [1]
    (found,) = snapshot.passages(snapshot.lexical(["one"], 1, None).rows)
    assert (found.ordinal, found.start, found.end) == (1, 5, 8)
    store.close()
