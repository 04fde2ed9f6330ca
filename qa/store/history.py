"""The history of evals: what was measured when, with which questions, encoder and code.

Works on the database alone. ``about`` says what was run, ``figures`` are what `qa eval --json` prints, ``report`` is
what the eval page draws.
"""

from __future__ import annotations

import json
import secrets
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa

from qa.errors import ConflictError, DamagedIndexError, NotFoundError
from qa.store.database import Database
from qa.store.records import now
from qa.store.tables import evals

KEPT = 100
"""Evals remembered; of more, the oldest go."""
State = Literal["running", "done", "failed"]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    id: str
    state: State
    created: str
    """ISO date and time, UTC: when it began."""
    about: Json
    figures: Json | None
    owner: str | None = None
    """The process of the service that runs it."""


_COLUMNS = [evals.c[name] for name in Run.__slots__]


def begin(database: Database, about: Json, owner: str | None = None) -> str:
    """Note an eval that begins; returns its id. Raises ConflictError where ``owner`` is named and one runs already."""
    identity = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    values = {"id": identity, "state": "running", "created": now(), "about": about, "owner": owner}
    with database.exclusive() as connection:
        if owner is not None:
            _refuse_second(connection)
        connection.execute(evals.insert().values(values))
        beyond = sa.select(evals.c.number).order_by(evals.c.number.desc()).offset(KEPT)
        connection.execute(evals.delete().where(evals.c.number.in_(beyond)))
    return identity


def _refuse_second(connection: sa.Connection) -> None:
    running = sa.select(evals.c.number).where(evals.c.state == "running", evals.c.owner.is_not(None))
    if connection.execute(running).first() is not None:
        raise ConflictError("An eval is running already.", "Wait until it is done.", code="eval_running")


def note(database: Database, identity: str, about: Json, state: State = "running") -> None:
    """How far an eval is, or why it failed."""
    with database.exclusive() as connection:
        connection.execute(evals.update().where(evals.c.id == identity).values(about=about, state=state))


def finish(database: Database, identity: str, about: Json, figures: Json, report: Json) -> None:
    """What came of an eval."""
    packed = zlib.compress(json.dumps(report, ensure_ascii=False).encode("utf-8", "backslashreplace"))
    values = {"state": "done", "about": about, "figures": figures, "report": packed}
    with database.exclusive() as connection:
        connection.execute(evals.update().where(evals.c.id == identity).values(values))


def runs(database: Database) -> list[Run]:
    """All that are remembered, newest first."""
    with database.reading() as connection:
        return [Run(*row) for row in connection.execute(sa.select(*_COLUMNS).order_by(evals.c.number.desc()))]


def run(database: Database, identity: str) -> Run:
    """Raises NotFoundError."""
    return Run(**_row(database, identity, _COLUMNS)._mapping)


def report(database: Database, identity: str) -> Json | None:
    """What the eval page draws of it; None while it runs, and where it failed. Raises NotFoundError."""
    packed = _row(database, identity, [evals.c.report])[0]
    try:
        made: Json | None = None if packed is None else json.loads(zlib.decompress(packed))
    except (zlib.error, ValueError) as error:
        raise DamagedIndexError(f"The report of eval {identity} is damaged.", "Run the eval again.") from error
    return made


def _row(database: Database, identity: str, columns: list[sa.Column[Any]]) -> sa.Row[Any]:
    with database.reading() as connection:
        row = connection.execute(sa.select(*columns).where(evals.c.id == identity)).first()
    if row is None:
        raise NotFoundError(f"There is no eval {identity[:64]!r}.", f"The last {KEPT} are remembered.")
    return row
