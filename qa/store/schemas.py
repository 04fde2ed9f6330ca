"""Builds in PostgreSQL: each in a schema of its own, and one row that says which is current.

    citeqa.current             (build, previous, origin): names of schemas
    citeqa_<time>_<random>     a build: the tables of tables.py and the lexical index

The row takes the place of the file that points at builds in an index directory (builds.py).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from qa.errors import ConflictError
from qa.store.builds import Origin

_POINTER = "citeqa.current"
_FORM = "^citeqa_[0-9]{8}t[0-9]{6}_[0-9a-f]{8}$"


@dataclass(frozen=True, slots=True)
class Place:
    """Schemas of the current build and of the one before; ``origin``: how the current one came about."""

    build: str
    previous: str | None = None
    origin: Origin | None = None


def read_place(connection: sa.Connection) -> Place | None:
    """Which build is current, None where no index was made in this database."""
    if connection.scalar(sa.text("SELECT to_regclass(:name)"), {"name": _POINTER}) is None:
        return None
    found = connection.execute(sa.text(f"SELECT build, previous, origin FROM {_POINTER}")).first()
    return None if found is None else Place(*found)


def current(connection: sa.Connection) -> str:
    """The schema of the current build, where it is known that there is one."""
    return str(connection.scalar(sa.text(f"SELECT build FROM {_POINTER}")))


def prepare(connection: sa.Connection) -> None:
    """Make the row's table. Whoever comes first makes it; the others wait until the transaction ends."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(_POINTER))))
    connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS citeqa"))
    connection.execute(
        sa.text(
            f"CREATE TABLE IF NOT EXISTS {_POINTER} (one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one), "
            "build TEXT NOT NULL, previous TEXT, origin TEXT)"
        )
    )


def new_name() -> str:
    return f"citeqa_{datetime.now(UTC):%Y%m%dt%H%M%S}_{secrets.token_hex(4)}"


def new_schema(connection: sa.Connection) -> str:
    """A new, empty schema; the transaction goes on in it."""
    name = new_name()
    connection.execute(sa.text(f"CREATE SCHEMA {name}"))
    connection.execute(sa.text(f"SET LOCAL search_path = {name}"))
    return name


def switch(connection: sa.Connection, place: Place) -> None:
    """Make another build current, when the transaction is committed."""
    connection.execute(sa.text(f"DELETE FROM {_POINTER}"))
    connection.execute(
        sa.text(f"INSERT INTO {_POINTER} (build, previous, origin) VALUES (:build, :previous, :origin)"),
        {"build": place.build, "previous": place.previous, "origin": place.origin},
    )


def hold(connection: sa.Connection) -> None:
    """The right to make builds, until the transaction ends. Raises ConflictError where another process has it."""
    key = sa.func.hashtext(f"{_POINTER} builds")
    if not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(key))):
        raise ConflictError("Another build of this index is being made.", "Wait until the other program is done.")


def abandoned(connection: sa.Connection) -> list[str]:
    """Schemas of builds that are neither current nor the one before. Only while their making is held."""
    place = read_place(connection)
    if place is None:
        return []
    return [name for name in every(connection) if name not in (place.build, place.previous)]


def every(connection: sa.Connection) -> list[str]:
    """Schemas of all builds."""
    named = sa.text("SELECT nspname FROM pg_namespace WHERE nspname ~ :form ORDER BY nspname")
    return list(connection.scalars(named, {"form": _FORM}))


def drop(connection: sa.Connection, name: str) -> None:
    """Delete a build. Raises ConflictError where somebody still reads it."""
    connection.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
    connection.execute(sa.text(f"DROP SCHEMA IF EXISTS {name} CASCADE"))
