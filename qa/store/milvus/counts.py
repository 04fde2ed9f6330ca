"""How many passages hold each token, per language and in all, for a store that does not have the passages in memory.

Each write of documents appends what it changed to ``token_counts``, under the revision that it gives the collection;
publishing folds the lines into one that says it all. A process keeps the sum of each collection and reads only the
lines of newer revisions. A collection whose newest line is not of its revision was written to by another store.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
import sqlalchemy as sa

from qa.store.arrays import Int64s, count_ids
from qa.store.encodings import slices
from qa.store.records import Head
from qa.store.tables import collections, encodings, passages, token_counts
from qa.store.word_counts import Counts
from qa.types import Language

FOLD = 32
"""Lines of a collection from which on they are folded."""
_PAGE = 2000
EMPTY: Int64s = np.zeros((2, 0), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Tally:
    """``tokens``: [2, k] ascending token ids, and in how many passages each occurs (or how that changed)."""

    tokens: Int64s = field(default_factory=EMPTY.copy)
    languages: dict[Language, int] = field(default_factory=dict)

    def plus(self, other: Tally, sign: int = 1) -> Tally:
        tokens = other.tokens * np.array([[1], [sign]])
        languages = {
            name: self.languages.get(name, 0) + sign * other.languages.get(name, 0)
            for name in self.languages.keys() | other.languages.keys()
        }
        return Tally(_added(self.tokens, tokens), {name: count for name, count in languages.items() if count})


def _added(one: Int64s, other: Int64s) -> Int64s:
    if other.shape[1] == 0:
        return one
    ids, places = np.unique(np.concatenate([one[0], other[0]]), return_inverse=True)
    counts = np.zeros(len(ids), dtype=np.int64)
    np.add.at(counts, places, np.concatenate([one[1], other[1]]))
    return np.stack([ids, counts])[:, counts != 0]


Held = tuple[Language, bytes]
"""Of one passage: its language, and its token ids as the database keeps them."""


def read(connection: sa.Connection, rows: Sequence[int]) -> dict[int, Held]:
    """What these passages hold, by row."""
    found: dict[int, Held] = {}
    c = passages.c
    for some in slices(rows):
        statement = sa.select(c.row, c.language, encodings.c.token_ids).join_from(passages, encodings)
        found |= {row: (language, ids) for row, language, ids in connection.execute(statement.where(c.row.in_(some)))}
    return found


def tally(held: Iterable[Held]) -> Tally:
    languages: Counter[Language] = Counter()
    blobs = []
    for language, ids in held:
        languages[language] += 1
        blobs.append(ids)
    return Tally(count_ids(np.frombuffer(b"".join(blobs), dtype="<i4")), dict(languages))


def whole(connection: sa.Connection, collection: int) -> Tally:
    """What all passages of a collection hold, read from them."""
    total, last = Tally(), 0
    c = passages.c
    while True:
        statement = sa.select(c.row).where(c.collection_id == collection, c.row > last).order_by(c.row).limit(_PAGE)
        rows = connection.scalars(statement).all()
        if not rows:
            return total
        total, last = total.plus(tally(read(connection, rows).values())), rows[-1]


def note(connection: sa.Connection, collection: int, revision: int, changed: Tally, seen: int) -> None:
    """Append what the write that makes ``revision`` changed. ``seen``: Milvus's timestamp of it."""
    connection.execute(token_counts.insert().values(_line(collection, revision, False, changed, seen)))


def note_nothing(connection: sa.Connection, collection: int) -> None:
    """For a write that changes no passage: the collection's revision, already counted up, is known here too."""
    revision = connection.scalar(sa.select(collections.c.revision).where(collections.c.id == collection)) or 1
    newest, seen = standing(connection, collection)
    if 1 < newest == revision - 1:
        note(connection, collection, revision, Tally(), seen)


def write_whole(connection: sa.Connection, collection: int, revision: int, total: Tally, seen: int) -> None:
    """Replace all lines up to ``revision`` by one."""
    c = token_counts.c
    connection.execute(token_counts.delete().where(c.collection_id == collection, c.revision <= revision))
    connection.execute(token_counts.insert().values(_line(collection, revision, True, total, seen)))


def forget(connection: sa.Connection, collection: int) -> None:
    connection.execute(token_counts.delete().where(token_counts.c.collection_id == collection))


def lines(connection: sa.Connection, collection: int) -> int:
    """How many lines a collection has."""
    c = token_counts.c
    return connection.scalar(sa.select(sa.func.count()).where(c.collection_id == collection)) or 0


def standing(connection: sa.Connection, collection: int) -> tuple[int, int]:
    """The newest revision that is counted, 1 (an empty collection) where there is none; and its timestamp."""
    c = token_counts.c
    statement = sa.select(sa.func.max(c.revision), sa.func.max(c.seen)).where(c.collection_id == collection)
    revision, seen = connection.execute(statement).one()
    return revision or 1, seen or 0


def _line(collection: int, revision: int, entire: bool, counted: Tally, seen: int) -> dict[str, object]:
    return {
        "collection_id": collection,
        "revision": revision,
        "entire": entire,
        "counts": zlib.compress(counted.tokens.astype("<i4").tobytes()),
        "languages": counted.languages,
        "seen": seen,
    }


def _read(packed: bytes, languages: dict[Language, int]) -> Tally:
    values = np.frombuffer(zlib.decompress(packed), dtype="<i4").astype(np.int64)
    return Tally(values.reshape(2, -1), dict(languages))


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a collection at one revision. ``seen``: the timestamp that a search has to wait for."""

    revision: int
    tally: Tally
    seen: int
    words: Counts = field(default_factory=Counts)


class Ledger:
    """The totals of each collection, brought up to date when a search asks for them. Safe between threads."""

    def __init__(self) -> None:
        self._latest: dict[int, Totals] = {}
        self._lock = Lock()

    def current(self, connection: sa.Connection, head: Head) -> Totals:
        """The totals as ``connection`` sees them; their revision is not the collection's where those are behind."""
        known = self._latest.get(head.id, Totals(1, Tally(), 0))
        if known.revision == head.revision:
            return known
        if known.revision > head.revision:
            return read_totals(connection, head.id, Totals(1, Tally(), 0))
        fresh = read_totals(connection, head.id, known)
        with self._lock:
            held = self._latest.get(head.id)
            if held is None or held.revision < fresh.revision:
                self._latest[head.id] = fresh
        return fresh

    def forget(self, collection: int) -> None:
        with self._lock:
            self._latest.pop(collection, None)


def read_totals(connection: sa.Connection, collection: int, known: Totals) -> Totals:
    """``known`` and whatever came after it."""
    c = token_counts.c
    newer = sa.select(token_counts).where(c.collection_id == collection, c.revision > known.revision)
    revision, total, seen = known.revision, known.tally, known.seen
    for line in connection.execute(newer.order_by(c.revision)).mappings():
        counted = _read(line["counts"], line["languages"])
        revision, total = line["revision"], counted if line["entire"] else total.plus(counted)
        seen = max(seen, line["seen"])
    return known if revision == known.revision else Totals(revision, total, seen)
