"""The lexical index in SQLite: one FTS5 table for each collection, so that no collection's statistics reach another's.

The table's content is a view of the collection's ``passages.words``; the index is written in the same transaction as
the passages. Words come segmented by the caller and are separated by blanks; FTS5's ``unicode61`` folds case and
accents and splits at punctuation, alike for passages and questions (a word such as ``covid-19`` is looked for as the
phrase that it becomes).

Scores are FTS5's BM25, negated to be positive.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from qa.store.arrays import Int64s

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


def ask(
    connection: sa.Connection,
    collection: int,
    wanted: Mapping[str, int],
    rare: Sequence[str],
    limit: int,
    allowed: Int64s | None,
    size: int,
) -> Sequence[tuple[int, float]]:
    """The best rows among those that hold one of the ``rare`` phrases, scored over all ``wanted``.

    Unary plus keeps SQLite from looking up the rows one by one, with a full match for each."""
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
