"""What moves from one build of an index to another: everything that was not made from the documents.

Keys, feedback, jobs, notes (the fitted calibration among them) are copied row by row; collections keep their numbers
and documents the time they were added, so that whatever refers to either still does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from qa.store import encodings as blobs
from qa.store import lexical, records, sequences
from qa.store import passages as passages_
from qa.store.database import Database
from qa.store.encodings import slices
from qa.store.opening import IDENTITY
from qa.store.tables import (
    collections,
    documents,
    encodings,
    meta,
    metadata,
    milvus_gone,
    passages,
    sources,
    token_counts,
    trash,
)
from qa.types import Metadata, Source

_AT_ONCE = 16
"""Rows carried at a time: each may hold a megabyte of an upload."""
_MADE_FROM_DOCUMENTS = (collections, documents, sources, encodings, passages, milvus_gone, token_counts)

Key = tuple[str, str]


def carry_records(reading: sa.Connection, new: Database) -> None:
    """Replace the new build's keys, feedback, jobs and notes by those that ``reading`` sees in the old one."""
    with new.writing() as writing:
        for table in reversed(metadata.sorted_tables):
            if table not in _MADE_FROM_DOCUMENTS:
                writing.execute(table.delete().where(_moves(table)))
        for table in metadata.sorted_tables:
            if table not in _MADE_FROM_DOCUMENTS:
                _copy(table, reading, writing)
        _carry_added(reading, writing)
        blobs.forget_unused(writing, passages_.unused_encodings(writing))


def _moves(table: sa.Table) -> sa.ColumnElement[bool]:
    return meta.c.key != IDENTITY if table is meta else sa.true()


def _copy(table: sa.Table, reading: sa.Connection, writing: sa.Connection) -> None:
    wanted = sa.select(table).where(_moves(table)).execution_options(yield_per=_AT_ONCE)
    found = reading.execute(wanted).mappings()
    if table is trash:
        rows = _renumbered([dict(row) for row in found if _is_gone(dict(row), writing)], writing)
        for some in slices(rows):
            writing.execute(table.insert(), some)
        return
    for part in found.partitions(_AT_ONCE):
        writing.execute(table.insert(), [dict(row) for row in part])
    sequences.catch_up(writing, table)


def _is_gone(row: dict[str, Any], writing: sa.Connection) -> bool:
    """Whether a deleted document may stand in the trash of the new build: it is in no collection there, and its own
    is there."""
    live = (documents.c.collection_id == row["collection_id"]) & (documents.c.id == row["id"])
    known = collections.c.id == row["collection_id"]
    return writing.scalar(sa.select(sa.exists().where(known) & ~sa.exists().where(live))) or False


def _renumbered(rows: list[dict[str, Any]], writing: sa.Connection) -> list[dict[str, Any]]:
    """Deleted documents get numbers that no document of the new build has or will have, and hold no encodings."""
    first = sequences.take(writing, documents, len(rows))
    return [row | {"number": first + place, "encodings": []} for place, row in enumerate(rows)]


def _carry_added(reading: sa.Connection, writing: sa.Connection) -> None:
    c = documents.c
    for collection, identity, added in reading.execute(sa.select(c.collection_id, c.id, c.added)).all():
        same = (c.collection_id == collection) & (c.id == identity)
        writing.execute(documents.update().where(same).values(added=added))


def carry_collections(old: Database, new: Database) -> None:
    """Give the new build the collections of the old one that it lacks, under the same numbers, empty."""
    with old.reading() as reading, new.writing() as writing:
        there = set(writing.scalars(sa.select(collections.c.id)).all())
        for row in reading.execute(sa.select(collections).order_by(collections.c.id)).mappings().all():
            if row["id"] not in there:
                writing.execute(collections.insert().values(dict(row) | {"revision": 1, "deletions": 0}))
                lexical.create(writing, row["id"])
        sequences.catch_up(writing, collections)


def numbered_collections(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return dict(connection.execute(sa.select(collections.c.name, collections.c.id)).all())


def held(database: Database) -> dict[Key, tuple[str | None, ...]]:
    """(collection, document id) -> what a document was made from; equal where it is the same document unchanged."""
    c = documents.c
    made_from = [c[name] for name in ("raw_sha256", "sha256", "name", "locator", *(f.name for f in fields(Metadata)))]
    statement = sa.select(collections.c.name, c.id, *made_from).join_from(documents, collections)
    with database.reading() as connection:
        return {(row[0], row[1]): tuple(row[2:]) for row in connection.execute(statement).all()}


def sources_of(database: Database, collection: str, ids: set[str]) -> Iterator[Source]:
    """The sources of these documents in the order in which they were added; those deleted meanwhile are left out."""
    with database.reading() as connection:
        head = records.head(connection, collection)
        yield from records.some_sources(connection, head.id, ids)
