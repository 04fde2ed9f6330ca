"""The SQLite file: connections, transactions, and what its errors mean to a user.

WAL mode with ``synchronous=FULL``: a commit has reached the disk when it returns, readers never wait for the writer,
and a read transaction sees one state of the database for as long as it lasts. Transactions are begun explicitly
(the driver's own implicit ones do not cover SELECT).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from qa.errors import BusyError, CiteqaError, ConflictError, DamagedIndexError, IndexError_

RESTORE = "What cannot be repaired comes back from a backup: `qa restore FILE --force`."
_IDLE, _MOST = 8, 256
"""Connections kept open, and the most at one time (each live snapshot holds one)."""
_BUSY_MS = 30_000
_WAL_BYTES = 64_000_000
"""The write-ahead log shrinks back to this size after a large transaction."""


class Database:
    """Transactions on one SQLite file."""

    def __init__(self, path: Path, *, read_only: bool, create: bool = False) -> None:
        self.path = path
        self.guard: Callable[[], None] | None = None
        """Called when a write transaction has begun, with no other writer about: what it raises ends it."""
        self.read_only = read_only
        self._uri = _uri(path, read_only, create)
        self._engine = sa.create_engine(
            "sqlite://",
            creator=self._connect,
            poolclass=QueuePool,
            pool_size=_IDLE,
            max_overflow=_MOST - _IDLE,
            pool_timeout=_BUSY_MS / 1000,
        )
        event.listen(self._engine, "connect", self._configure)
        event.listen(self._engine, "begin", _begin)

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

    def begin(self) -> sa.Connection:
        """A connection with an open read transaction; closing it ends the transaction."""
        with self.translated():
            connection = self._engine.connect()
            try:
                connection.begin()
            except BaseException:
                connection.close()
                raise
            return connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A read transaction: one state of the database, whatever is committed meanwhile."""
        with self.translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A write transaction: committed, and on disk, when the block ends; nothing of it if the block raises."""
        if self.read_only:
            raise IndexError_(
                f"{self.path.parent} can only be read.",
                "Make it writable, or use another index.",
                code="index_read_only",
            )
        with self.translated(), self._engine.connect() as connection:
            connection = connection.execution_options(immediate=True)
            with connection.begin():
                if self.guard is not None:
                    self.guard()
                yield connection

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what SQLite and the pool raise into errors that say what to do. Programming errors pass."""
        try:
            yield
        except exc.TimeoutError as error:
            raise BusyError("Too many searches at one time.", "Try again in a moment.") from error
        except (exc.DBAPIError, sqlite3.Error) as error:
            meaning = _meaning(error.orig if isinstance(error, exc.DBAPIError) else error, self.path)
            if meaning is None:
                raise
            raise meaning from error

    def checkpoint(self) -> None:
        """Move the write-ahead log into the database where no reader is in the way; never an error, never a wait."""
        with self.translated(), self._engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            raw.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        self._engine.dispose()


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


def _meaning(error: BaseException | None, path: Path) -> CiteqaError | None:
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
