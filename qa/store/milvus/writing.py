"""Putting passages into Milvus, and making sure that they are there.

A write is counted before the database commits it: a broker may drop what was acknowledged, and a row number that a
rollback gave back (SQLite) may still be taken by what the rollback left. Where the count is not what it should be,
everything from the first new row on is removed and put in again. There is no upsert: that of Milvus 2.3 puts
entities into the wrong partition where there is a partition key.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import sqlalchemy as sa

from qa.errors import EngineError
from qa.store.encodings import slices
from qa.store.milvus.schema import Shape, batches
from qa.store.milvus.server import Server

log = logging.getLogger(__name__)

_TRIES = 3
_PAUSE = 0.05
"""Seconds between two inserts: brokers keep up."""
_AT_ONCE = 1000
_MOST_ROWS = 16_384


def put_in(connection: sa.Connection, server: Server, shape: Shape, rows: Sequence[int], width: int) -> int:
    """Put these new rows, the highest there are, into Milvus. Returns the timestamp from which on all are seen.

    Raises EngineError where they cannot be seen there after several tries.
    """
    if not rows:
        return 0
    where = f"row >= {rows[0]}"
    for trial in range(_TRIES):
        try:
            seen = insert(connection, server, shape, rows, width)
            held = server.count(shape.name, where, seen=seen)
        except EngineError as error:
            if trial == _TRIES - 1:
                raise
            log.warning("%s Trying again.", error.message)
        else:
            if held == len(rows):
                return seen
            log.warning("Milvus holds %d of %d passages just written. Trying again.", held, len(rows))
        clear(server, shape, where)
    raise EngineError(f"Milvus does not keep what is written to it ({shape.name}).", "Check its broker and storage.")


def insert(connection: sa.Connection, server: Server, shape: Shape, rows: Sequence[int], width: int) -> int:
    """Insert these rows in batches; returns the last timestamp. Raises EngineError."""
    seen = 0
    for place, batch in enumerate(batches(connection, rows, width, shape.bm25)):
        if place:
            time.sleep(_PAUSE)
        seen = server.insert(shape.name, batch)
    return seen


def clear(server: Server, shape: Shape, where: str) -> None:
    """Remove what an expression finds, and wait until it is gone. Raises EngineError."""
    while found := server.query(shape.name, where, ["row"], limit=_MOST_ROWS):
        remove(server, shape, sorted({int(entity["row"]) for entity in found}))


def remove(server: Server, shape: Shape, rows: Sequence[int]) -> None:
    """Remove rows, which need not be there. Raises EngineError."""
    for some in slices(rows, _AT_ONCE):
        server.delete(shape.name, some)


def take_out(server: Server, shape: Shape, rows: Sequence[int]) -> None:
    """The same after a failure, as far as it can be done: what stays is never shown, and swept later."""
    try:
        remove(server, shape, rows)
    except EngineError as error:
        log.debug("%s", error.message)
