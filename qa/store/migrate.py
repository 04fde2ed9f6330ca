"""Moving the records of an index to another database, row by row and under the same numbers, without encoding.

What is copied becomes the index of the other place when all of it is there and agrees with the source; until then it
is out of reach of everybody. A copy that was interrupted is taken up where it was: rows go over in the order of their
numbers, so that the last row over there says how far it came. Where documents have changed since it was begun, it is
begun anew. Writers of documents are kept out meanwhile.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from pydantic import SecretStr

from qa.errors import ConflictError, DamagedIndexError
from qa.store import builds, lexical, migrations, records, rows, schemas, sequences
from qa.store.database import Database, SqliteDatabase
from qa.store.location import Location
from qa.store.opening import DATABASE, IDENTITY
from qa.store.rows import Sum
from qa.store.tables import collections, documents, encodings, meta, passages, sources

PAGED: Final = (collections, documents, sources, encodings, passages)
"""Tables that change with documents only; the others are small, and copied at the end."""
OF_ENGINES: Final = frozenset({"milvus_gone", "token_counts"})
"""What a search engine keeps in the database for itself, and makes anew."""
STATE: Final = "_migration"
"""The note of what a copy was begun from; gone when it is done."""
PLACE: Final = "migrating"
"""Folder of an index directory, and schema, of a copy that is not done."""

Told = Callable[[str, int, int], None]
"""Is told how far it is: table, rows copied, rows in all."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was copied, and compared: for each table its rows and checksum. ``resumed``: rows that were there already
    from an earlier attempt."""

    tables: dict[str, Sum]
    resumed: int


class _Target(ABC):
    """Where the copy is made, and how it takes its place."""

    database: Database

    @abstractmethod
    def adopt(self, connection: sa.Connection) -> None:
        """Make the copy the index of its place; in the transaction that ends the copy, or right after."""

    @abstractmethod
    def renew(self) -> None:
        """Begin with nothing."""


def migrate(source: Database, target: Location, *, force: bool = False, told: Told | None = None) -> Moved:
    """Copy the records of ``source`` to ``target`` and make them the index there.

    Raises ConflictError where there is an index already and not ``force`` (which keeps it as the build before),
    where documents are being written to the source, or somebody else is copying to the same place;
    DamagedIndexError where the copy does not agree with the source; what writing raises.
    """
    with _kept_still(source), source.reading() as reading, _opened(target, force) as copy:
        if source.shared:  # It waits while words are indexed on the other side.
            reading.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        resumed = _begun(reading, copy)
        for table in PAGED:
            _copy_pages(reading, copy.database, table, told)
        _copy_rest(reading, copy.database)
        _index_words(copy.database)
        tables = verified(reading, copy.database)
        with copy.database.writing() as writing:
            records.write_note(writing, STATE, None)
            copy.adopt(writing)
        return Moved(tables, resumed)


def _kept_still(source: Database) -> AbstractContextManager[None]:
    return nullcontext() if source.read_only else source.holding()


def verified(reading: sa.Connection, copy: Database) -> dict[str, Sum]:
    """Rows and checksum of every table. Raises DamagedIndexError naming the tables that differ."""
    with copy.reading() as other:
        there = {table.name: _summed(other, table) for table in _carried()}
    here = {table.name: _summed(reading, table) for table in _carried()}
    if wrong := [name for name, found in here.items() if there[name] != found]:
        said = ", ".join(f"{name} ({here[name].rows} rows, {there[name].rows} in the copy)" for name in wrong)
        raise DamagedIndexError(
            f"The copy does not agree with the index: {said}.", "Nothing was changed; run `qa migrate` again."
        )
    return here


def _summed(connection: sa.Connection, table: sa.Table) -> Sum:
    """The note of the copy itself does not count."""
    return rows.summed(connection, table, (STATE,) if table is meta else None)


def _carried() -> list[sa.Table]:
    return [table for table in rows.every_table() if table.name not in OF_ENGINES]


def _begun(reading: sa.Connection, copy: _Target) -> int:
    """Note what is copied, and begin anew unless it is what was begun with; returns rows that are there already."""
    state = _state(reading)
    with copy.database.reading() as connection:
        noted = records.get_meta(connection, STATE)
        there = sum(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in PAGED)
    if noted == state:
        return there
    copy.renew()
    with copy.database.writing() as writing:
        records.write_note(writing, STATE, state)
    return 0


def _state(connection: sa.Connection) -> list[Any]:
    """Changes with every write of documents."""
    c = collections.c
    heads = connection.execute(sa.select(c.id, c.name, c.revision, c.deletions).order_by(c.id)).all()
    identity = records.get_meta(connection, IDENTITY) or {}
    return [identity.get("id"), *(list(head) for head in heads)]


def _copy_pages(reading: sa.Connection, copy: Database, table: sa.Table, told: Told | None) -> None:
    with copy.reading() as connection:
        place = rows.last(connection, table)
        done = connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
    total = reading.scalar(sa.select(sa.func.count()).select_from(table)) or 0
    for page in rows.pages(reading, table, place):
        with copy.writing() as writing:
            rows.write(writing, table, page)
        done += len(page)
        if told is not None:
            told(table.name, done, total)


def _copy_rest(reading: sa.Connection, copy: Database) -> None:
    """The small tables in one transaction, whatever an earlier attempt left of them; and all counters."""
    rest = [table for table in _carried() if table not in PAGED]
    with copy.writing() as writing:
        state = records.get_meta(writing, STATE)
        for table in reversed(rest):
            writing.execute(table.delete())
        for table in rest:
            for page in rows.pages(reading, table):
                rows.write(writing, table, page)
        records.write_note(writing, STATE, state)
        for table in _carried():
            if sequences.numbered_by(table) is not None:
                sequences.advance(writing, table, sequences.last(reading, table))


def _index_words(copy: Database) -> None:
    """The lexical index is derived, and made anew."""
    with copy.reading() as connection:
        every = records.heads(connection)
    for head in every:
        with copy.writing() as writing:
            lexical.rebuild(writing, head.id)


def _opened(target: Location, force: bool) -> AbstractContextManager[_Target]:
    return _file(target.root, force) if target.url is None else _schema(target.url, force)


@contextmanager
def _file(root: Path, force: bool) -> Iterator[_Target]:
    root.mkdir(parents=True, exist_ok=True)
    with builds.rebuilding(root):
        before = builds.read_place(root)
        there = (root / before.build / DATABASE).exists()
        if there and not force:
            raise _taken(str(root))
        copy = _File(root / PLACE)
        with closing(copy):
            yield copy
        if copy.done:
            copy.move(root)


class _File(_Target):
    """A SQLite file in a folder that no other process looks into."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.done = False
        folder.mkdir(exist_ok=True)
        self.database = self._open()

    def _open(self) -> Database:
        database = SqliteDatabase(self._folder / DATABASE, read_only=False, create=True)
        _make_tables(database)
        return database

    def adopt(self, connection: sa.Connection) -> None:
        self.done = True

    def renew(self) -> None:
        self.database.close()
        shutil.rmtree(self._folder)
        self._folder.mkdir()
        self.database = self._open()

    def close(self) -> None:
        self.database.close()

    def move(self, root: Path) -> None:
        """Nobody has the file open: this process has closed it, and others do not know of it."""
        build = builds.new_build(root)
        build.rmdir()
        self._folder.rename(build)
        builds.adopt(root, build, "migrate")


@contextmanager
def _schema(url: SecretStr, force: bool) -> Iterator[_Target]:
    from qa.store.postgres import PostgresDatabase, connected

    name = f"citeqa_{PLACE}"
    with connected(url) as connection:
        schemas.prepare(connection)
        if schemas.read_place(connection) is not None and not force:
            raise _taken("the database")
        connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {name}"))
    # Whoever else copies to this database waits for the lock; pages are written under another.
    with closing(PostgresDatabase(url, name)) as database, database.holding():
        _make_tables(database)
        yield _Schema(database, name)


class _Schema(_Target):
    """A schema that no pointer names."""

    def __init__(self, database: Database, name: str) -> None:
        self.database = database
        self._name = name

    def adopt(self, connection: sa.Connection) -> None:
        before = schemas.read_place(connection)
        final = schemas.new_name()
        connection.execute(sa.text(f"ALTER SCHEMA {self._name} RENAME TO {final}"))
        connection.execute(sa.text("ANALYZE"))
        schemas.switch(connection, schemas.Place(final, before.build if before else None, "migrate"))

    def renew(self) -> None:
        with self.database.writing() as connection:
            connection.execute(sa.text(f"DROP SCHEMA {self._name} CASCADE"))
            connection.execute(sa.text(f"CREATE SCHEMA {self._name}"))
        _make_tables(self.database)


def _make_tables(database: Database) -> None:
    with database.reading() as connection:
        standing = migrations.standing(connection)
    if standing != migrations.HEAD:
        with database.writing() as connection:
            if standing is None:
                migrations.create(connection)
            else:
                migrations.upgrade(connection)


def _taken(what: str) -> ConflictError:
    return ConflictError(
        f"There is an index in {what} already.",
        "With --force this one takes its place, and that one is kept as the build before.",
        code="exists",
    )
