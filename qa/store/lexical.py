"""The lexical index: BM25 over the words of passages, for each collection by itself.

Words come segmented by the caller and are separated by blanks; the index folds case and accents and splits at
punctuation, alike for passages and questions (a word such as ``covid-19`` is looked for as the phrase that it
becomes). It is written in the same transaction as the passages.

Scores are those of SQLite's FTS5 (k1 = 1.2, b = 0.75; https://www.sqlite.org/fts5.html#the_bm25_function), made
positive, in every database. Computing one costs about 3 µs, finding a row 0.1 µs: of a large collection only the rows
that hold one of the question's rarer words are scored, which is where the best are. They are scored over all its words
as long as these occur not too often together: FTS5 goes through every row of every word that a score counts (about
0.2 µs each), so that without this bound a search of a million passages would take ten times as long as one of a hundred
thousand.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Protocol

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from qa.store.arrays import Int64s

Floats = npt.NDArray[np.float32]

MOST_WORDS = 64
"""Words of one question that are looked for: the rarest."""
_MOST_COUNTED = 256
"""Words of one question that are counted: the first."""
_LONGEST = 64
_SCORED, _MOST_SCORED = 1000, 2500
"""Rows that are scored where there are so many, and that are not exceeded unless there are too few without."""
_MOST_VISITED = 100_000
"""Occurrences of a question's words that are gone through; beyond, its most frequent words are left out."""


class _Engine(Protocol):
    """The index of one database: a module, checked against this by mypy."""

    def create(self, connection: sa.Connection, collection: int) -> None: ...

    def drop(self, connection: sa.Connection, collection: int) -> None: ...

    def insert(self, connection: sa.Connection, collection: int, document: int, after_row: int) -> None: ...

    def remove(self, connection: sa.Connection, collection: int, rows: Sequence[int]) -> None: ...

    def rebuild(self, connection: sa.Connection, collection: int) -> None: ...

    def verify(self, connection: sa.Connection, collection: int) -> None: ...

    def ask(
        self,
        connection: sa.Connection,
        collection: int,
        wanted: Mapping[str, int],
        rare: Sequence[str],
        limit: int,
        allowed: Int64s | None,
        size: int,
    ) -> Sequence[tuple[int, float]]: ...

    def count(self, connection: sa.Connection, collection: int, phrases: Sequence[str]) -> dict[str, int]: ...


def _engine(connection: sa.Connection) -> _Engine:
    from qa.store import lexical_postgres, lexical_sqlite

    if connection.dialect.name == "postgresql":
        return lexical_postgres
    return lexical_sqlite


def create(connection: sa.Connection, collection: int) -> None:
    _engine(connection).create(connection, collection)


def drop(connection: sa.Connection, collection: int) -> None:
    _engine(connection).drop(connection, collection)


def insert(connection: sa.Connection, collection: int, document: int, after_row: int) -> None:
    """Index a document's passages whose row is above ``after_row``."""
    _engine(connection).insert(connection, collection, document, after_row)


def remove(connection: sa.Connection, collection: int, rows: Sequence[int]) -> None:
    """Take passages out of the index; they have to stand in the table still."""
    _engine(connection).remove(connection, collection, rows)


def rebuild(connection: sa.Connection, collection: int) -> None:
    """Make the index again from the passages."""
    _engine(connection).rebuild(connection, collection)


def verify(connection: sa.Connection, collection: int) -> None:
    """Compare index and passages. Raises DamagedIndexError, or what the database raises, where they differ."""
    _engine(connection).verify(connection, collection)


def search(
    connection: sa.Connection,
    collection: int,
    counts: Mapping[str, int],
    limit: int,
    size: int,
    allowed: Int64s | None,
) -> tuple[Int64s, Floats]:
    """Rows and scores, best first, ties by row.

    ``counts``: the question's phrases with their frequency, see :func:`phrases`. ``size``: passages in the collection.
    """
    engine, wanted = _engine(connection), _informative(counts, size)
    if not wanted or limit < 1:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    few = allowed is not None and len(allowed) <= _SCORED
    rare = wanted if few else _rarest(wanted, counts, limit)
    known = {phrase: counts[phrase] for phrase in wanted}
    found = engine.ask(connection, collection, known, rare, limit, allowed, size)
    if len(found) < limit and len(rare) < len(wanted):
        found = engine.ask(connection, collection, known, wanted, limit, allowed, size)
    return np.array([row for row, _ in found], dtype=np.int64), np.array([s for _, s in found], dtype=np.float32)


def _informative(counts: Mapping[str, int], size: int) -> list[str]:
    """The phrases that tell passages apart, rarest first: BM25 gives those in more than half of them no weight."""
    most = max(size // 2, _SCORED)
    present = sorted((count, phrase) for phrase, count in counts.items() if count)
    kept = [(count, phrase) for count, phrase in present if count <= most or count == present[0][0]][:MOST_WORDS]
    visited = list(accumulate(count for count, _ in kept))
    return [phrase for _, phrase in kept][: max(1, bisect_right(visited, _MOST_VISITED))]


def _rarest(wanted: list[str], counts: Mapping[str, int], limit: int) -> list[str]:
    """As many of the phrases, rarest first, as it takes to have enough rows to score."""
    rows = 0
    for place, phrase in enumerate(wanted):
        if rows >= max(_SCORED, limit) or (rows >= limit and rows + counts[phrase] > _MOST_SCORED):
            return wanted[:place]
        rows += counts[phrase]
    return wanted


def count(connection: sa.Connection, collection: int, phrases: Sequence[str]) -> dict[str, int]:
    """In how many passages each phrase occurs; of very many, about how many."""
    return _engine(connection).count(connection, collection, phrases)


def phrases(words: Sequence[str]) -> list[str]:
    """The distinct phrases of a question's words, in order."""
    found = dict.fromkeys(quoted for word in words if (quoted := phrase(word)) is not None)
    return list(found)[:_MOST_COUNTED]


def phrase(word: str) -> str | None:
    """A word as an FTS5 string, in which nothing is an operator; None for one that cannot match."""
    clean = word.replace("\0", " ").encode("utf-8", "ignore").decode()[:_LONGEST]
    quoted = clean.replace('"', '""')
    return f'"{quoted}"' if any(map(str.isalnum, clean)) else None
