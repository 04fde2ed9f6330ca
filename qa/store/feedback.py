"""Users' verdicts on answers, kept until somebody makes an eval question of them or sets them aside.

Works on the database alone, so that a command need not load an encoder.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from qa.errors import ConflictError, NotFoundError
from qa.store.database import Database
from qa.store.records import now, storable
from qa.store.tables import feedback

MOST = 10_000
"""Verdicts kept; of more, those dealt with go first, then the oldest."""
State = Literal["pending", "taken", "dismissed"]
Judgement = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class NewVerdict:
    """What a user said of an answer, or of one passage (``document_id``, ``passage_id``) of it."""

    collection: str
    question: str
    verdict: Judgement
    language: str | None = None
    comment: str | None = None
    answer: str | None = None
    document_id: str | None = None
    passage_id: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict as it is kept. ``taken_as``: ids of the eval questions made of it, separated by blanks."""

    number: int
    created: str
    collection: str
    question: str
    verdict: Judgement
    language: str | None
    comment: str | None
    answer: str | None
    document_id: str | None
    passage_id: str | None
    state: State
    taken_as: str | None


_COLUMNS = [feedback.c[name] for name in Verdict.__slots__]
_GIVEN = NewVerdict.__slots__


def add(database: Database, given: NewVerdict) -> Verdict:
    """Keep a verdict; on disk when this returns."""
    values: dict[str, Any] = {name: storable(getattr(given, name)) for name in _GIVEN}
    values |= {"created": now(), "state": "pending"}
    with database.exclusive() as connection:
        inserted = connection.execute(feedback.insert().values(values)).inserted_primary_key
        assert inserted is not None
        _forget(connection)
        return _verdict(connection, inserted[0])


def listed(
    database: Database,
    *,
    state: State | None = "pending",
    collections: Collection[str] | None = None,
    offset: int = 0,
    limit: int = 100,
) -> tuple[list[Verdict], int]:
    """Verdicts, newest first, and how many there are in all. ``collections``: only of these; None means of all."""
    conditions = [] if state is None else [feedback.c.state == state]
    if collections is not None:
        conditions.append(feedback.c.collection.in_(list(collections)))
    with database.reading() as connection:
        total = connection.scalar(sa.select(sa.func.count()).select_from(feedback).where(*conditions)) or 0
        statement = sa.select(*_COLUMNS).where(*conditions).order_by(feedback.c.number.desc())
        rows = connection.execute(statement.offset(offset).limit(limit)).all()
    return [Verdict(*row) for row in rows], total


def missing(number: int) -> NotFoundError:
    return NotFoundError(f"There is no verdict {number}.", "The pending ones: `qa eval feedback`.")


def verdict(database: Database, number: int) -> Verdict:
    """Raises NotFoundError."""
    with database.reading() as connection:
        return _verdict(connection, number)


def settle(database: Database, number: int, state: Literal["taken", "dismissed"], taken_as: str | None = None) -> None:
    """Note what became of a verdict. Raises NotFoundError, ConflictError where it was dealt with already."""
    with database.exclusive() as connection:
        check_pending(_verdict(connection, number))
        values = {"state": state, "taken_as": taken_as}
        connection.execute(feedback.update().where(feedback.c.number == number).values(values))


def check_pending(found: Verdict) -> None:
    """Raises ConflictError for a verdict that was dealt with already."""
    if found.state != "pending":
        raise ConflictError(
            f"Verdict {found.number} was {found.state} already.", "The pending ones: `qa eval feedback`."
        )


def _verdict(connection: sa.Connection, number: int) -> Verdict:
    row = connection.execute(sa.select(*_COLUMNS).where(feedback.c.number == number)).first()
    if row is None:
        raise missing(number)
    return Verdict(*row)


def _forget(connection: sa.Connection) -> None:
    c = feedback.c
    order = (sa.case((c.state == "pending", 0), else_=1), c.number.desc())
    beyond = sa.select(c.number).order_by(*order).offset(MOST)
    connection.execute(feedback.delete().where(c.number.in_(beyond)))
