"""Records in PostgreSQL, shared by any number of processes: one schema holds one build's tables.

A read transaction is REPEATABLE READ and READ ONLY: one state for as long as it lasts. A write transaction takes an
advisory lock until it ends: the one writer of documents (``exclusive``) one, all others (keys, feedback, chat, jobs,
notes) another. So code that was written for SQLite's single writer stays right; such transactions have to be short.
A connection that is lost is an error that says so, and the next request gets a new one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy import event, exc
from sqlalchemy.pool import ConnectionPoolEntry

from qa.errors import BusyError, CiteqaError, ConfigError, ConflictError, DamagedIndexError, IndexError_, InputError
from qa.store.database import Database
from qa.store.lock import WAIT

if TYPE_CHECKING:
    import psycopg

_IDLE, _MOST = 5, 25
"""Connections kept open, and the most at one time: four processes stay below PostgreSQL's own limit of 100."""
_POOL_SECONDS = 30.0
_CONNECT_SECONDS = 10
_LOST_MS = 30_000
"""A server that acknowledges nothing for so long is taken for lost."""
_STATEMENT_MS, _LONG_STATEMENT_MS = 60_000, 1_800_000
"""The longest statement of a reader, and of the writer of documents, who may rebuild an index."""
_IDLE_MS = 900_000
"""The longest that a transaction may do nothing: a search keeps one open while a model writes its answer."""
_KEEPALIVE: Final = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
_DOCUMENTS, _OTHERS = "documents", "records"
_AWAY = "Check that the database runs and can be reached; what was acknowledged is kept. Then try again."


class PostgresDatabase(Database):
    """The tables of one schema."""

    shared = True

    def __init__(self, url: SecretStr, schema: str) -> None:
        """Connects when it is first used. Raises ConfigError for an address that is none, or without psycopg."""
        self.schema = schema
        engine = _engine(url, schema)
        super().__init__(engine, f"{address(engine.url)}, schema {schema}", read_only=False)
        with self.reading() as connection:
            self.read_only = bool(connection.scalar(sa.text(_READ_ONLY)))

    def _begun(self, connection: sa.Connection) -> sa.Connection:
        """Nothing is sent yet: the state is fixed by the first statement."""
        return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def writing(self) -> AbstractContextManager[sa.Connection]:
        return self._locked(_OTHERS, _STATEMENT_MS)

    @contextmanager
    def alongside(self) -> Iterator[sa.Connection]:
        self._refuse_read_only(self.name)
        with self.translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    def exclusive(self) -> AbstractContextManager[sa.Connection]:
        return self._locked(_DOCUMENTS, _LONG_STATEMENT_MS)

    @contextmanager
    def _locked(self, what: str, longest: int) -> Iterator[sa.Connection]:
        self._refuse_read_only(self.name)
        with self.translated(), self._engine.connect() as connection, connection.begin():
            _limit(connection, longest)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(*self._key(what))))
            self._guarded(connection)
            yield connection

    @contextmanager
    def holding(self) -> Iterator[None]:
        """The lock belongs to a connection of its own, and goes with it."""
        with self.translated(), self._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            key = self._key(_DOCUMENTS)
            connection.execute(sa.text(f"SET lock_timeout = {int(WAIT * 1000)}"))
            connection.execute(sa.select(sa.func.pg_advisory_lock(*key)))
            try:
                yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(*key)))
                connection.execute(sa.text("RESET lock_timeout"))

    def _key(self, what: str) -> tuple[int, int]:
        return _number(self.schema), _number(what)

    def checkpoint(self) -> None:
        """The server does that by itself."""

    @contextmanager
    def translated(self) -> Iterator[None]:
        try:
            with super().translated():
                yield
        except exc.PendingRollbackError as error:  # A transaction that goes on after its connection was lost.
            raise _away(self.name) from error

    def _meaning(self, error: BaseException) -> CiteqaError | None:
        return meaning(error, self.name)


_READ_ONLY = (
    "SELECT pg_is_in_recovery() OR NOT has_schema_privilege(current_schema(), 'USAGE') "
    "OR current_setting('default_transaction_read_only') = 'on' "
    "OR NOT coalesce(has_table_privilege(to_regclass('passages'), 'INSERT'), TRUE)"
)


def _limit(connection: sa.Connection, longest: int) -> None:
    """For the length of the transaction."""
    limits = {"lock_timeout": int(WAIT * 1000), "statement_timeout": longest}
    connection.execute(sa.select(*(sa.func.set_config(name, str(value), True) for name, value in limits.items())))


def _number(text: str) -> int:
    """A signed 32-bit number that stands for a text."""
    number = zlib.crc32(text.encode())
    return number - 2**32 if number >= 2**31 else number


def _engine(url: SecretStr, schema: str) -> sa.Engine:
    parsed = _parsed(url)
    settings = f"-c search_path={schema} -c idle_in_transaction_session_timeout={_IDLE_MS}"
    given: Any = parsed.query.get("options", "")
    engine = sa.create_engine(
        parsed.difference_update_query(["options"]),
        connect_args={
            "options": f"{given} {settings} -c statement_timeout={_STATEMENT_MS}".strip(),
            "connect_timeout": _CONNECT_SECONDS,
            "tcp_user_timeout": _LOST_MS,
            "application_name": "citeqa",
            **_KEEPALIVE,
        },
        pool_size=_IDLE,
        max_overflow=_MOST - _IDLE,
        pool_timeout=_POOL_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _configure)
    return engine


def _parsed(url: SecretStr) -> sa.URL:
    """The address for SQLAlchemy; nothing of it is told where it cannot be read."""
    try:
        import psycopg  # noqa: F401

        return sa.make_url(url.get_secret_value()).set(drivername="postgresql+psycopg")
    except ImportError as error:
        raise ConfigError(
            "QA_DATABASE_URL names a PostgreSQL database, and psycopg is not installed.",
            "Install it: pip install 'citeqa[postgres]'.",
        ) from error
    except (exc.ArgumentError, ValueError):
        raise ConfigError(
            "QA_DATABASE_URL is not the address of a database.", "Write postgresql://USER:PASSWORD@HOST:5432/NAME."
        ) from None


def address(url: sa.URL) -> str:
    """Server and database, without user, password and options."""
    host = url.host or url.query.get("host") or "localhost"
    return f"PostgreSQL {host}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def _configure(connection: psycopg.Connection[Any], _: ConnectionPoolEntry) -> None:
    from psycopg.types.string import StrDumper

    class Dumper(StrDumper):
        """PostgreSQL holds every character but NUL."""

        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd"))

    connection.adapters.register_dumper(str, Dumper)


@contextmanager
def connected(url: SecretStr) -> Iterator[sa.Connection]:
    """A transaction outside of any build: to find one, and to make one. Errors are translated."""
    engine = _engine(url, "pg_catalog")
    try:
        with engine.connect() as connection, connection.begin():
            yield connection
    except exc.DBAPIError as error:
        found = None if error.orig is None else meaning(error.orig, address(engine.url))
        if found is None:
            raise
        raise found from error
    finally:
        engine.dispose()


def meaning(error: BaseException, name: str) -> CiteqaError | None:
    """The error for a user, None for one that no user can cause.

    Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    state = getattr(error, "sqlstate", None) or ""
    if type(error).__name__ in ("OperationalError", "InterfaceError") and not state:
        return _unreachable(error, name)
    said = str(error).strip().splitlines()
    reason = said[0] if said else type(error).__name__
    for prefix, made in _meanings(name, reason).items():
        if state.startswith(prefix):
            return made
    return None


def _unreachable(error: BaseException, name: str) -> CiteqaError:
    """Also a wrong password: the driver says only in words why a connection cannot be made."""
    said = str(error)
    if "authentication failed" in said or "no password supplied" in said or "pg_hba.conf" in said:
        return IndexError_(f"{name} does not let us in.", "Check QA_DATABASE_URL.", code="database_denied")
    if "does not exist" in said:
        return IndexError_(f"{name} does not exist.", "Make it, or check QA_DATABASE_URL.", code="database_denied")
    return BusyError(f"{name} cannot be reached.", _AWAY, code="database_away")


def _away(name: str) -> BusyError:
    return BusyError(f"{name} ended the connection.", _AWAY, code="database_away")


def _meanings(name: str, reason: str) -> Mapping[str, CiteqaError]:
    away = _away(name)
    taken = ConflictError(f"Somebody else is writing to {name}.", "Wait until the other program is done.")
    full = IndexError_(f"{name} could not be written: {reason}.", "Free disk space there.", code="disk")
    return {
        "08": away,
        "57P": away,
        "25P03": away,
        "57014": BusyError(f"{name} took too long.", "Try again in a moment."),
        "55P03": taken,
        "40": taken,
        "53300": BusyError(f"{name} has no connection left.", "Raise its max_connections, or start fewer processes."),
        "53": full,
        "58": full,
        "XX001": DamagedIndexError(f"{name} is damaged: {reason}.", "Restore it from a backup."),
        "XX002": DamagedIndexError(f"{name} is damaged: {reason}.", "REINDEX it, or restore it from a backup."),
        "28": IndexError_(f"{name} does not let us in.", "Check QA_DATABASE_URL.", code="database_denied"),
        "3D000": IndexError_(f"{name} does not exist.", "Make it, or check QA_DATABASE_URL.", code="database_denied"),
        "3F000": IndexError_(f"{name} is not there any more.", "Start the program again.", code="index_replaced"),
        "42501": IndexError_(
            f"{name}: {reason}.", "Grant it to the user of QA_DATABASE_URL (CREATE on the database).", code="denied"
        ),
        "25006": IndexError_(f"{name} can only be read.", "Name the primary server.", code="index_read_only"),
        "22001": InputError(f"A value is too long to be kept: {reason}.", "Shorten it."),
    }
