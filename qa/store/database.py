"""The system of record: connections, transactions, and what a database's errors mean to a user.

``Database`` is what every part of the program knows; here is its SQLite implementation, in postgres.py the other.

SQLite runs in WAL mode with ``synchronous=FULL``: a commit has reached the disk when it returns, readers never wait
for the writer, and a read transaction sees one state of the database for as long as it lasts. Transactions are begun
explicitly (the driver's own implicit ones do not cover SELECT).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from qa.errors import BusyError, CiteqaError, ConflictError, DamagedIndexError, IndexError_
from qa.store.lock import locked

RESTORE = "What cannot be repaired comes back from a backup: `qa restore FILE --force`."
_IDLE, _MOST = 8, 256
"""Connections kept open, and the most at one time (each live snapshot holds one)."""
_BUSY_MS = 30_000
_WAL_BYTES = 64_000_000
"""The write-ahead log shrinks back to this size after a large transaction."""


class Database(ABC):
    """Transactions on one build's tables. Safe to share between threads."""

    shared = False
    """Whether processes on other machines may write to it too."""

    def __init__(self, engine: sa.Engine, name: str, *, read_only: bool) -> None:
        self.name = name
        """What messages call it: a path, or an address without secrets."""
        self.read_only = read_only
        self.guard: Callable[[sa.Connection], None] | None = None
        """Called when a write transaction has begun, with no other writer about: what it raises ends it."""
        self._engine = engine
        self._fence = threading.local()

    def begin(self) -> sa.Connection:
        """A connection with an open read transaction; closing it ends the transaction."""
        with self.translated():
            connection = self._engine.connect()
            try:
                return self._begun(connection)
            except BaseException:
                connection.close()
                raise

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A read transaction: one state of the database, whatever is committed meanwhile."""
        with self.translated(), self._engine.connect() as connection:
            yield self._begun(connection)

    @abstractmethod
    def writing(self) -> AbstractContextManager[sa.Connection]:
        """A write transaction, alone among those begun so: committed, and on disk, when the block ends; nothing of it
        if the block raises."""

    def alongside(self) -> AbstractContextManager[sa.Connection]:
        """A write transaction beside others, for statements that are right in any order."""
        return self.writing()

    @abstractmethod
    def exclusive(self) -> AbstractContextManager[sa.Connection]:
        """A write transaction of the one writer of documents. Raises ConflictError where another does not finish."""

    @abstractmethod
    def holding(self) -> AbstractContextManager[None]:
        """Keep writers of documents out, for several transactions. Raises ConflictError."""

    @abstractmethod
    def _begun(self, connection: sa.Connection) -> sa.Connection:
        """The connection in a read transaction."""

    @abstractmethod
    def _meaning(self, error: BaseException) -> CiteqaError | None:
        """What an error of the driver means for a user, None for one that no user can cause."""

    @contextmanager
    def fenced(self, check: Callable[[sa.Connection], None]) -> Iterator[None]:
        """For as long as this lasts, every write transaction of this thread begins with ``check``: what it raises ends
        the transaction."""
        self._fence.check = check
        try:
            yield
        finally:
            self._fence.check = None

    def _guarded(self, connection: sa.Connection) -> None:
        if self.guard is not None:
            self.guard(connection)
        if (check := getattr(self._fence, "check", None)) is not None:
            check(connection)

    def _refuse_read_only(self, what: object) -> None:
        if self.read_only:
            raise IndexError_(
                f"{what} can only be read.",
                "Make it writable, or use another index.",
                code="index_read_only",
            )

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what drivers and the pool raise into errors that say what to do. Programming errors pass."""
        try:
            yield
        except exc.TimeoutError as error:
            raise BusyError("Too many searches at one time.", "Try again in a moment.") from error
        except exc.DBAPIError as error:
            meaning = None if error.orig is None else self._meaning(error.orig)
            if meaning is None:
                raise
            raise meaning from error

    @abstractmethod
    def checkpoint(self) -> None:
        """After much was written: never an error, never a wait."""

    def close(self) -> None:
        self._engine.dispose()


class SqliteDatabase(Database):
    """One SQLite file."""

    def __init__(self, path: Path, *, read_only: bool, create: bool = False) -> None:
        self.path = path
        self._uri = _uri(path, read_only, create)
        engine = sa.create_engine(
            "sqlite://",
            creator=self._connect,
            poolclass=QueuePool,
            pool_size=_IDLE,
            max_overflow=_MOST - _IDLE,
            pool_timeout=_BUSY_MS / 1000,
        )
        event.listen(engine, "connect", self._configure)
        event.listen(engine, "begin", _begin)
        super().__init__(engine, str(path), read_only=read_only)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self._uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_MS / 1000
        )

    def _configure(self, connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", "cache_size=-16000"):
            connection.execute(f"PRAGMA {pragma}")
        if not self.read_only:
            connection.execute("PRAGMA page_size=8192")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA journal_size_limit={_WAL_BYTES}")

    def _begun(self, connection: sa.Connection) -> sa.Connection:
        connection.begin()
        return connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        self._refuse_read_only(self.path.parent)
        with self.translated(), self._engine.connect() as connection:
            connection = connection.execution_options(immediate=True)
            with connection.begin():
                self._guarded(connection)
                yield connection

    @contextmanager
    def exclusive(self) -> Iterator[sa.Connection]:
        with self.holding(), self.writing() as connection:
            yield connection

    def holding(self) -> AbstractContextManager[None]:
        return locked(self.path.parent)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """The driver is asked directly, too: for backups and checkpoints."""
        try:
            with super().translated():
                yield
        except sqlite3.Error as error:
            meaning = self._meaning(error)
            if meaning is None:
                raise
            raise meaning from error

    def _meaning(self, error: BaseException) -> CiteqaError | None:
        return _meaning(error, self.path)

    def checkpoint(self) -> None:
        """Move the write-ahead log into the database where no reader is in the way."""
        with self.translated(), self._engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            raw.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _uri(path: Path, read_only: bool, create: bool) -> str:
    address = f"file:{quote(str(path.absolute()))}"
    if not read_only:
        return f"{address}?mode={'rwc' if create else 'rw'}"
    return f"{address}?mode=ro" + ("" if _has_log(path) else "&immutable=1")


def _has_log(path: Path) -> bool:
    """Whether a write-ahead log has to be read along. Without one, and without the right to make one, the file is
    read as it stands."""
    log = path.with_name(path.name + "-wal")
    return os.access(path.parent, os.W_OK) or (log.exists() and log.stat().st_size > 0)


def _begin(connection: sa.Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _meaning(error: BaseException, path: Path) -> CiteqaError | None:
    """The error for a user, None for one that no user can cause. Codes: https://www.sqlite.org/rescode.html"""
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if "decode to UTF-8" in str(error):
        primary = sqlite3.SQLITE_CORRUPT
    match primary:
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return DamagedIndexError(f"{path} is damaged: {error}.", f"Run `qa doctor --repair`. {RESTORE}")
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            return IndexError_(
                f"{path} could not be written or read: {error}.",
                "Free disk space or check the disk; what was acknowledged before is kept.",
                code="disk",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_PROTOCOL:
            return IndexError_(
                f"{path} cannot be opened: {error}.",
                "Check the permissions of the index directory and of the files in it.",
                code="index_read_only",
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return ConflictError(f"{path} is in use by another program.", "Try again when it is done.")
    return None
