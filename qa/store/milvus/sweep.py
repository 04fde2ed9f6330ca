"""Removing from Milvus what was deleted from the database, once no search needs it any more."""

from __future__ import annotations

import time

import sqlalchemy as sa

from qa.store.database import Database
from qa.store.encodings import slices
from qa.store.milvus.schema import Shape
from qa.store.milvus.server import Server
from qa.store.milvus.writing import remove
from qa.store.tables import milvus_gone

GRACE = 60.0
"""Seconds that a search which began before a delete has left to find what it saw."""
_AT_ONCE = 10_000


def sweep(database: Database, server: Server, shape: Shape, grace: float | None = None) -> int:
    """Returns how many passages were removed. Raises EngineError; the next sweep then goes on where this ended."""
    before, removed = int(time.time() - (GRACE if grace is None else grace)), 0
    while rows := _due(database, before):
        remove(server, shape, rows)
        _forget(database, rows)
        removed += len(rows)
    return removed


def _due(database: Database, before: int) -> list[int]:
    c = milvus_gone.c
    with database.reading() as connection:
        return list(connection.scalars(sa.select(c.row).where(c.since <= before).order_by(c.row).limit(_AT_ONCE)))


def _forget(database: Database, rows: list[int]) -> None:
    with database.writing() as connection:
        for some in slices(rows):
            connection.execute(milvus_gone.delete().where(milvus_gone.c.row.in_(some)))
