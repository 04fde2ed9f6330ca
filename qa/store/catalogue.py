"""Finding documents by what they are called, and which of them are copies of others."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from qa.store import records
from qa.store.database import Database
from qa.store.tables import documents, passages
from qa.types import Document


def find(
    database: Database, collection: str, wanted: str, *, offset: int = 0, limit: int = 100
) -> tuple[list[Document], int]:
    """Documents whose title, publisher or file name holds every word of ``wanted``, and how many there are in all.

    Raises NotFoundError for the collection.
    """
    c = documents.c
    columns = (c.title, c.publisher, c.name)
    with database.reading() as connection:
        head = records.head(connection, collection)
        place = [c.collection_id == head.id]
        place += [sa.or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in wanted.split()]
        total = connection.scalar(sa.select(sa.func.count()).select_from(documents).where(*place)) or 0
        return records.select_documents(connection, place, offset, limit), total


def duplicates(database: Database, collection: str, ids: Sequence[str]) -> list[tuple[str, str]]:
    """(document id, id of the document it copies) for those of ``ids`` most of whose passages stand in an older one.

    Raises NotFoundError for the collection.
    """
    mine, other, original = passages.alias("mine"), passages.alias("other"), documents.alias("original")
    same = (
        (other.c.collection_id == mine.c.collection_id)
        & (other.c.group == mine.c.group)
        & (other.c.document_number < mine.c.document_number)
    )
    shared = sa.func.count(sa.distinct(mine.c.row))
    with database.reading() as connection:
        head = records.head(connection, collection)
        statement = (
            sa.select(documents.c.id, original.c.id)
            .select_from(documents)
            .join(mine, mine.c.document_number == documents.c.number)
            .join(other, same)
            .join(original, original.c.number == other.c.document_number)
            .where(documents.c.collection_id == head.id, documents.c.id.in_(ids))
            .group_by(documents.c.number, original.c.number)
            .having(2 * shared > documents.c.passages)
            .order_by(documents.c.number, shared, original.c.number.desc())
        )
        # The last row of a document is of the one that it shares most with.
        return list(dict(connection.execute(statement).all()).items())
