"""Which rows of a collection are alive, read against what was known before.

To read the rows of a million passages one by one takes seconds, which the first search after every deletion would wait
for. What was alive before, or stands in the segments, is nearly right: the database sums up rows and stamps block by
block (about 0.2 µs a row), and only blocks whose sums differ are read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from qa.store.arrays import Int64s
from qa.store.parts import Part
from qa.store.passages import live
from qa.store.segment import Segment
from qa.store.tables import passages

Living = tuple[Int64s, Int64s]
"""Rows, ascending, and their stamps."""
_BLOCK = 8192
_DROPPED = 20
"""Bits of a stamp, of 63, that are left out, so that a block's sum stays below 2**63."""


def living(connection: sa.Connection, collection: int, likely: Living) -> Living:
    """The rows of the collection and their stamps; ``likely``: what they probably are, in ascending rows."""
    rows, stamps = likely
    pieces, after = [], 0
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK], stamps[start : start + _BLOCK]
        last = int(block[0][-1])
        same = _sums(connection, collection, after, last) == _expected(block)
        pieces.append(block if same else live(connection, collection, after, last))
        after = last
    pieces.append(live(connection, collection, after))
    return np.concatenate([piece[0] for piece in pieces]), np.concatenate([piece[1] for piece in pieces])


def _sums(connection: sa.Connection, collection: int, after: int, last: int) -> tuple[int, ...]:
    """How many rows there are beyond ``after`` up to ``last``, and sums of rows and of the leading bits of stamps."""
    c = passages.c
    sums = sa.func.sum(c.row), sa.func.sum(c.stamp // 2**_DROPPED)
    statement = sa.select(sa.func.count(), *sums).where(c.collection_id == collection, c.row > after, c.row <= last)
    return tuple(int(value or 0) for value in connection.execute(statement).one())


def _expected(block: Living) -> tuple[int, ...]:
    rows, stamps = block
    return len(rows), int(rows.sum()), int((stamps >> _DROPPED).sum())


def of_parts(parts: Sequence[Part]) -> Living:
    """What is alive in these parts."""
    positions = [part.alive_positions() for part in parts]
    arrays = [part.segment.arrays for part in parts]
    return _joined(
        [one.rows[alive] for one, alive in zip(arrays, positions, strict=True)],
        [one.stamps[alive] for one, alive in zip(arrays, positions, strict=True)],
    )


def of_segments(segments: Sequence[Segment]) -> Living:
    """All that these segments hold."""
    arrays = [segment.arrays for segment in segments]
    return _joined([one.rows for one in arrays], [one.stamps for one in arrays])


def _joined(rows: Sequence[Int64s], stamps: Sequence[Int64s]) -> Living:
    """Ascending, each row once."""
    empty = np.empty(0, dtype=np.int64)
    unique, places = np.unique(np.concatenate([empty, *rows]), return_index=True)
    return unique, np.concatenate([empty, *stamps])[places]
