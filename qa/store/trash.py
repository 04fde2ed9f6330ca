"""Documents that were deleted and can be brought back for a while.

Deleting takes a document out of every table that a search or a list reads, in one transaction; what is needed to
ingest it again (its source, as it was read) goes to ``trash``. Bringing it back is an ingest of that source, which
encodes nothing where the encodings are still there; whatever puts a document of that id into the collection again
takes it out of the trash in the same transaction, so that nothing is ever in both. Nothing leaves by itself but to
be gone for good.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import sqlalchemy as sa

from qa.errors import NotFoundError
from qa.store import encodings as blobs
from qa.store import passages, records
from qa.store.record_store import RecordStore
from qa.store.tables import documents, sources, trash
from qa.store.tables import passages as passage_table
from qa.types import Source

UNDO_SECONDS = 24 * 3600
MOST = 1000
"""Documents kept in the trash; of more, those deleted first are gone for good."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """A document in the trash. Times are seconds since 1970, UTC; after ``until`` it cannot be brought back."""

    collection: str
    id: str
    title: str
    deleted: int
    until: int


class Trash:
    """The trash of one index. ``seconds``: how long a deleted document can be brought back."""

    def __init__(self, store: RecordStore, seconds: int = UNDO_SECONDS) -> None:
        self._store = store
        self._seconds = seconds

    def delete(self, collection: str, document_id: str) -> None:
        """Take a document out of the collection, into the trash. Raises NotFoundError."""
        with self._store.writing() as connection:
            head = records.head(connection, collection)
            number = records.document_number(connection, head.id, document_id)
            _keep(connection, number)
            with self._store.changing(connection, head, [document_id]):
                records.touch(connection, head.id, _take_out(connection, head.id, number))
            _purge(connection, self._expired())

    def delete_forever(self, collection: str, document_id: str) -> None:
        """Delete a document, or what the trash holds of it, for good. Raises NotFoundError."""
        try:
            self._store.delete(collection, document_id)
            return
        except NotFoundError:
            self.source(collection, document_id)
        with self._store.writing() as connection:
            head = records.head(connection, collection)
            _purge(connection, sa.and_(trash.c.collection_id == head.id, trash.c.id == document_id))

    def documents(self, collection: str) -> list[Deleted]:
        """What can be brought back, deleted last first. Raises NotFoundError for the collection."""
        with self._store.database.reading() as connection:
            head = records.head(connection, collection)
            c = trash.c
            statement = sa.select(c.id, c.title, c.deleted).where(c.collection_id == head.id, ~self._expired())
            found = connection.execute(statement.order_by(c.deleted.desc(), c.number.desc())).all()
        return [Deleted(collection, identity, title, at, at + self._seconds) for identity, title, at in found]

    def source(self, collection: str, document_id: str) -> Source:
        """What a deleted document was made of, to be ingested again. Raises NotFoundError."""
        with self._store.database.reading() as connection:
            head = records.head(connection, collection)
            place = (trash.c.collection_id == head.id, trash.c.id == document_id, ~self._expired())
            row = connection.execute(sa.select(trash).where(*place)).mappings().first()
        if row is None:
            raise NotFoundError(
                f"There is no deleted document {document_id[:200]!r}.",
                "It was brought back already, or deleted too long ago.",
            )
        return records.source_of(row["document"], row["source"] | {"text": row["text"]})

    def purge(self) -> int:
        """Forget what was deleted too long ago; returns how many documents."""
        with self._store.database.reading() as connection:
            due = connection.scalar(sa.select(sa.func.count()).where(self._expired()))
        if not due:
            return 0
        with self._store.writing() as connection:
            return _purge(connection, self._expired())

    def _expired(self) -> sa.ColumnElement[bool]:
        return trash.c.deleted <= int(time.time()) - self._seconds


def _keep(connection: sa.Connection, number: int) -> None:
    document = dict(connection.execute(sa.select(documents).where(documents.c.number == number)).mappings().one())
    source = dict(connection.execute(sa.select(sources).where(sources.c.document_number == number)).mappings().one())
    c = passage_table.c
    kept = sorted(set(connection.scalars(sa.select(c.encoding_id).where(c.document_number == number))))
    text = source.pop("text")
    values = {name: document[name] for name in ("number", "collection_id", "id", "title")}
    values |= {"deleted": int(time.time()), "document": document, "source": source, "text": text, "encodings": kept}
    connection.execute(trash.insert().values(values))


def _take_out(connection: sa.Connection, collection: int, number: int) -> int:
    """Like ``records.delete_document``, but the encodings stay; returns how many passages."""
    removed = passages.remove_all(connection, collection, number, forget=False)
    connection.execute(sources.delete().where(sources.c.document_number == number))
    connection.execute(documents.delete().where(documents.c.number == number))
    return removed


def _purge(connection: sa.Connection, due: sa.ColumnElement[bool]) -> int:
    """Forget what is ``due``, and of the others what is more than ``MOST``; returns how many."""
    c = trash.c
    beyond = sa.select(c.number).order_by(c.deleted.desc(), c.number.desc()).offset(MOST)
    gone = due | c.number.in_(beyond)
    kept: list[list[int]] = list(connection.scalars(sa.select(c.encodings).where(gone)))
    removed = connection.execute(trash.delete().where(gone)).rowcount
    blobs.forget_unused(connection, [identity for ids in kept for identity in ids])
    return removed


def held_encodings(connection: sa.Connection) -> set[int]:
    """Encodings that deleted documents would need again."""
    return {identity for ids in connection.scalars(sa.select(trash.c.encodings)) for identity in ids}
