"""What an index holds that no encoder made: enough to make it anew with another encoder, and to quote from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from qa.store import passages, records
from qa.store.database import Database
from qa.store.opening import open_existing
from qa.store.tables import documents
from qa.types import Passage, Source


def stored_sources(path: Path) -> Iterator[tuple[str, str, Source]]:
    """(collection, document id, source) of every document in the index in ``path``, made with whatever encoder.

    Sources come as they were read, in the order in which documents were added. Raises NoIndexError,
    DamagedIndexError, FormatError.
    """
    database = open_existing(path)
    try:
        with database.reading() as connection:
            yield from records.every_source(connection)
    finally:
        database.close()


def stored_collections(path: Path) -> list[str]:
    """Names of all collections, empty ones too. Raises like :func:`stored_sources`."""
    database = open_existing(path)
    try:
        with database.reading() as connection:
            return [info.name for info in records.list_collections(connection)]
    finally:
        database.close()


def texts_named(database: Database, collection: str, names: set[str]) -> dict[str, list[str]]:
    """Source texts of the documents of these names, by name. Raises NotFoundError for the collection."""
    c = documents.c
    found: dict[str, list[str]] = {}
    with database.reading() as connection:
        head = records.head(connection, collection)
        place = (c.collection_id == head.id, c.name.in_(sorted(names)))
        for number, name in connection.execute(sa.select(c.number, c.name).where(*place)).all():
            found.setdefault(name, []).append(records.source_text(connection, number))
    return found


def cited(database: Database, collection: str, document_id: str) -> tuple[str, list[Passage]]:
    """Name and passages of a document. Raises NotFoundError."""
    with database.reading() as connection:
        number = records.document_number(connection, records.head(connection, collection).id, document_id)
        return records.document(connection, number).name, passages.of_document(connection, number)
