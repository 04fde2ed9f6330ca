"""The lexical index: one SQLite FTS5 table for each collection, so that no collection's statistics reach another's.

The table's content is a view of the collection's ``passages.words``; the index is written in the same transaction as
the passages. Words come segmented by the caller and are separated by blanks; FTS5's ``unicode61`` folds case and
accents and splits at punctuation, alike for passages and questions (a word such as ``covid-19`` is looked for as the
phrase that it becomes).

Scores are FTS5's BM25 (k1 = 1.2, b = 0.75; https://www.sqlite.org/fts5.html#the_bm25_function), negated to be positive.
Computing one costs about 3 µs, finding a row 0.1 µs: of a large collection only the rows that hold one of the
question's rarer words are scored, which is where the best are. They are scored over all its words as long as these
occur not too often together: FTS5 goes through every row of every word that a score counts (about 0.2 µs each), so that
without this bound a search of a million passages would take ten times as long as one of a hundred thousand.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate

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
_COUNTED = 50_000
"""Rows of a word that are counted; how many more there are is estimated."""


def _table(collection: int) -> str:
    return f"lexical_{collection}"


def _view(collection: int) -> str:
    return f"lexical_{collection}_words"


def create(connection: sa.Connection, collection: int) -> None:
    connection.exec_driver_sql(
        f"CREATE VIEW {_view(collection)} AS SELECT row, words FROM passages WHERE collection_id = {collection}"
    )
    connection.exec_driver_sql(
        f"CREATE VIRTUAL TABLE {_table(collection)} USING fts5(words, content='{_view(collection)}', "
        "content_rowid='row', tokenize='unicode61 remove_diacritics 2')"
    )


def drop(connection: sa.Connection, collection: int) -> None:
    connection.exec_driver_sql(f"DROP TABLE {_table(collection)}")
    connection.exec_driver_sql(f"DROP VIEW {_view(collection)}")


def insert(connection: sa.Connection, collection: int, document: int, after_row: int) -> None:
    """Index a document's passages whose row is above ``after_row``."""
    connection.exec_driver_sql(
        f"INSERT INTO {_table(collection)}(rowid, words) "
        "SELECT row, words FROM passages WHERE document_number = ? AND row > ? ORDER BY row",
        (document, after_row),
    )


def remove(connection: sa.Connection, collection: int, rows: Sequence[int]) -> None:
    """Take passages out of the index; they have to stand in the table still."""
    table = _table(collection)
    connection.exec_driver_sql(
        f"INSERT INTO {table}({table}, rowid, words) SELECT 'delete', row, words FROM passages "
        "WHERE row IN (SELECT value FROM json_each(?))",
        (json.dumps(rows),),
    )


def rebuild(connection: sa.Connection, collection: int) -> None:
    """Make the index again from the passages."""
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {_table(collection)}")
    connection.exec_driver_sql(f"DROP VIEW IF EXISTS {_view(collection)}")
    create(connection, collection)
    table = _table(collection)
    connection.exec_driver_sql(f"INSERT INTO {table}({table}) VALUES ('rebuild')")


def verify(connection: sa.Connection, collection: int) -> None:
    """Compare index and passages; raises what SQLite raises where they differ."""
    table = _table(collection)
    connection.exec_driver_sql(f"INSERT INTO {table}({table}, rank) VALUES ('integrity-check', 1)")


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
    wanted = _informative(counts, size)
    if not wanted or limit < 1:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    few = allowed is not None and len(allowed) <= _SCORED
    rare = wanted if few else _rarest(wanted, counts, limit)
    found = _ask(connection, collection, wanted, rare, limit, allowed)
    if len(found) < limit and len(rare) < len(wanted):
        found = _ask(connection, collection, wanted, wanted, limit, allowed)
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


def _ask(
    connection: sa.Connection, collection: int, wanted: list[str], rare: list[str], limit: int, allowed: Int64s | None
) -> Sequence[tuple[int, float]]:
    """Unary plus keeps SQLite from looking up the rows one by one, with a full match for each."""
    table = _table(collection)
    conditions = [f"{table} MATCH :match"]
    values: dict[str, str | int] = {"match": " OR ".join(wanted), "limit": limit}
    if len(rare) < len(wanted):
        conditions.append(f"+rowid IN (SELECT rowid FROM {table} WHERE {table} MATCH :rare)")
        values["rare"] = " OR ".join(rare)
    if allowed is not None:
        conditions.append("+rowid IN (SELECT value FROM json_each(:allowed))")
        values["allowed"] = json.dumps(allowed.tolist())
    statement = sa.text(
        f"SELECT rowid, -bm25({table}) AS score FROM {table} WHERE {' AND '.join(conditions)} "
        "ORDER BY score DESC, rowid LIMIT :limit"
    )
    return connection.execute(statement, values).all()


def count(connection: sa.Connection, collection: int, phrases: Sequence[str]) -> dict[str, int]:
    """In how many passages each phrase occurs; beyond ``_COUNTED`` as many as if it went on as in the rows counted."""
    table = _table(collection)
    rows = f"SELECT rowid FROM {table} WHERE {table} MATCH :match ORDER BY rowid LIMIT :most"
    statement = sa.text(f"SELECT count(*), coalesce(max(rowid), 0) FROM ({rows})")
    found = {}
    for phrase in phrases:
        counted, last = connection.execute(statement, {"match": phrase, "most": _COUNTED}).one()
        found[phrase] = counted if counted < _COUNTED else _estimate(connection, collection, counted, last)
    return found


def _estimate(connection: sa.Connection, collection: int, counted: int, last: int) -> int:
    """How many there are in all where ``counted`` stand in rows up to ``last``: rows are numbered as they come."""
    edges = [sa.text(f"SELECT {edge}(row) FROM passages WHERE collection_id = :collection") for edge in ("min", "max")]
    first, end = (int(connection.scalar(edge, {"collection": collection}) or 0) for edge in edges)
    return max(counted, round(counted * (end - first + 1) / (last - first + 1)))


def phrases(words: Sequence[str]) -> list[str]:
    """The distinct phrases of a question's words, in order."""
    found = dict.fromkeys(quoted for word in words if (quoted := phrase(word)) is not None)
    return list(found)[:_MOST_COUNTED]


def phrase(word: str) -> str | None:
    """A word as an FTS5 string, in which nothing is an operator; None for one that cannot match."""
    clean = word.replace("\0", " ").encode("utf-8", "ignore").decode()[:_LONGEST]
    quoted = clean.replace('"', '""')
    return f'"{quoted}"' if any(map(str.isalnum, clean)) else None
