"""What every store does by the database alone: collections, documents, sources, notes, and the writes themselves.

A store that searches adds to it a :class:`~qa.store.store.Snapshot` and what it derives from the records: the local
one FAISS segments (local.py).

    index/citeqa.sqlite                              collections, documents, source texts, passages, encodings, words
    index/writer.lock                                one writer at a time (lock.py)
    index/current, index/builds/                     another build of the same index in its place (builds.py)

or the same tables in a PostgreSQL database, and advisory locks there (location.py, postgres.py, schemas.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from qa.errors import ConflictError, IndexError_, InputError
from qa.store import builds, passages, records, schemas
from qa.store.database import Database
from qa.store.encodings import Packing, ids_by_key
from qa.store.facets import Facets, facets
from qa.store.keys import Keys
from qa.store.location import Build, Location
from qa.store.manifest import Identity
from qa.store.opening import is_current
from qa.store.record_snapshot import RecordSnapshot
from qa.store.records import Head
from qa.store.store import CollectionInfo, NewDocument
from qa.types import Document, Passage, Source


class RecordStore(ABC):
    """Implements :class:`qa.store.store.Store` but for searching. Safe to share between threads; other processes may
    write meanwhile."""

    def __init__(
        self, location: Location, build: Build, database: Database, identity: Identity, packing: Packing
    ) -> None:
        """``build``: the one that this store opened."""
        self.location = location
        self.root = location.root
        self.build = build
        self.directory = build.directory
        self.identity = identity
        self.packing = packing
        self.database = database
        database.guard = self._check_current
        self.keys = Keys(database)

    @abstractmethod
    def snapshot(self, collection: str) -> RecordSnapshot:
        """What is committed now. Raises NotFoundError for an unknown collection."""

    @abstractmethod
    def publish(self, collection: str) -> None:
        """Make searches of what was added since faster; visibility does not wait for it. Raises NotFoundError."""

    @contextmanager
    def changing(
        self,
        connection: sa.Connection,
        head: Head,
        ids: Sequence[str] | None,
        new: Sequence[NewDocument] = (),
    ) -> Iterator[None]:
        """Around whatever adds, replaces or removes the documents ``ids`` (None: all) in a write transaction: a store
        that keeps a copy elsewhere brings it up to date, or raises. ``new``: the documents that are put."""
        yield

    def adopted(self) -> None:
        """This build has become what the index consists of."""
        return

    def sweep(self) -> int:
        """Remove copies of deleted passages that no search needs any more; returns how many."""
        return 0

    def notices(self) -> tuple[str, ...]:
        """What an operator should know though everything works. Raises EngineError where searching does not."""
        return ()

    @abstractmethod
    def generation(self) -> int:
        """One more each time that something was published, for the metrics."""

    @abstractmethod
    def _added(self, head: Head) -> None:
        """Documents were added to a collection, and committed. ``head``: as it was before."""

    @abstractmethod
    def _dropped(self, head: Head) -> None:
        """A collection was dropped, and that is committed."""

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A write transaction. Raises ConflictError where another writer does not finish in time, IndexError_
        (``code="index_replaced"``) where another build has become current since this one was opened."""
        with self.database.exclusive() as connection:
            yield connection

    def current_build(self) -> Build:
        """The build that is current now: another one than this store's after a restore."""
        if self.build.url is None:
            return Build(builds.current(self.root))
        with self.database.reading() as connection:
            return Build.shared(self.root, self.build.url, schemas.current(connection))

    def _check_current(self, connection: sa.Connection) -> None:
        if not self.location.schema and not is_current(self.build, self.root, connection):
            raise IndexError_(
                f"{self.root} was encoded anew or restored; this process still reads the index as it was.",
                "Start it again to use the new index: nothing is written to the old one.",
                code="index_replaced",
            )

    def collections(self) -> list[CollectionInfo]:
        """By name."""
        with self.database.reading() as connection:
            return records.list_collections(connection)

    def has_collection(self, name: str) -> bool:
        with self.database.reading() as connection:
            return records.has_collection(connection, name)

    def create_collection(self, name: str) -> None:
        """Raises ConflictError if it exists, InputError for a bad name."""
        with self.writing() as connection:
            records.create_collection(connection, name)

    def ensure_collection(self, name: str) -> None:
        """Create a collection unless it is there. Raises InputError for a bad name."""
        if name in (info.name for info in self.collections()):
            return
        try:
            self.create_collection(name)
        except ConflictError as error:
            if error.code != "exists":
                raise

    def drop_collection(self, name: str) -> None:
        """Delete a collection with all its documents. Raises NotFoundError."""
        with self.writing() as connection:
            head = records.head(connection, name)
            with self.changing(connection, head, None):
                records.drop_collection(connection, head.id)
        self._dropped(head)

    def known(self, collection: str, encode_keys: Sequence[str]) -> set[str]:
        """Which encode keys already have vectors of the current encoder."""
        with self.database.reading() as connection:
            head = records.head(connection, collection)
            return set(ids_by_key(connection, head.id, self.packing.fingerprint, list(dict.fromkeys(encode_keys))))

    def add(self, collection: str, documents: Sequence[NewDocument]) -> None:
        """Insert or replace documents, all in one transaction. Returns when it would survive a crash.

        Raises NotFoundError for the collection, InputError for a document that contradicts itself, EncoderError for
        vectors that do not fit, ConflictError (``code="encoding_gone"``) where a passage comes without an encoding
        and none is known any more, IndexError_ where the disk is full. Nothing is kept of what raises.
        """
        if not documents:
            return
        packed = self._pack(documents)
        with self.writing() as connection:
            head = records.head(connection, collection)
            with self.changing(connection, head, [new.id for new in documents], documents):
                removed = sum(records.put(connection, head.id, new, self.packing, packed) for new in documents)
                records.touch(connection, head.id, removed)
        self._added(head)

    def _pack(self, documents: Sequence[NewDocument]) -> dict[str, dict[str, bytes]]:
        if len({new.id for new in documents}) < len(documents):
            raise InputError("One document id is given twice.", "Add a document once.")
        for new in documents:
            passages.validate(new)
        every = [new for document in documents for new in document.passages]
        return {new.encode_key: self.packing.pack(new.encoding) for new in every if new.encoding is not None}

    def delete(self, collection: str, document_id: str) -> None:
        """Raises NotFoundError. Not found by any search that begins after it returns."""
        with self.writing() as connection:
            head = records.head(connection, collection)
            with self.changing(connection, head, [document_id]):
                records.touch(connection, head.id, records.delete_document(connection, head.id, document_id))

    def documents(self, collection: str, *, offset: int = 0, limit: int = 100) -> list[Document]:
        """In the order in which they were first added."""
        with self.database.reading() as connection:
            head = records.head(connection, collection)
            return records.list_documents(connection, head.id, offset, limit)

    def documents_by_id(self, collection: str, ids: Sequence[str]) -> dict[str, Document]:
        """The documents among ``ids`` that exist."""
        with self.database.reading() as connection:
            return records.documents_by_id(connection, records.head(connection, collection).id, ids)

    def document(self, collection: str, document_id: str) -> Document:
        """Raises NotFoundError."""
        with self._one(collection, document_id) as (connection, number):
            return records.document(connection, number)

    def document_passages(self, collection: str, document_id: str) -> list[Passage]:
        """The passages of a document, in order. Raises NotFoundError."""
        with self._one(collection, document_id) as (connection, number):
            return passages.of_document(connection, number)

    def source_text(self, collection: str, document_id: str) -> str:
        """The text that offsets refer to. Raises NotFoundError, DamagedIndexError."""
        with self._one(collection, document_id) as (connection, number):
            return records.source_text(connection, number)

    def removed(self, collection: str, document_id: str) -> list[tuple[int, int, str]]:
        """(start, end, rule) of what cleaning took away. Raises NotFoundError."""
        with self._one(collection, document_id) as (connection, number):
            return records.removed(connection, number)

    def source(self, collection: str, document_id: str) -> Source:
        """A document as it was read. Raises NotFoundError, DamagedIndexError."""
        with self._one(collection, document_id) as (connection, number):
            return records.source(connection, number)

    def facets(self, collection: str) -> Facets:
        """Publishers and dates of a collection's documents. Raises NotFoundError."""
        with self.database.reading() as connection:
            return facets(connection, records.head(connection, collection).id)

    @contextmanager
    def _one(self, collection: str, document_id: str) -> Iterator[tuple[sa.Connection, int]]:
        with self.database.reading() as connection:
            head = records.head(connection, collection)
            yield connection, records.document_number(connection, head.id, document_id)

    def find_raw(self, collection: str, raw_sha256: str) -> list[Document]:
        """Documents read from these raw bytes."""
        with self.database.reading() as connection:
            return records.documents_by_raw(connection, records.head(connection, collection).id, raw_sha256)

    def fingerprints(self, collection: str) -> Iterator[tuple[str, str, int]]:
        """(document id, group, fingerprint) of every passage, for finding near duplicates."""
        last = 0
        while True:
            with self.database.reading() as connection:
                found = passages.fingerprints_after(connection, records.head(connection, collection).id, last)
            if not found:
                return
            yield from ((document, group, value) for _, document, group, value in found)
            last = found[-1][0]

    def meta(self, key: str) -> Any:
        """The value noted under ``key``, None where there is none."""
        with self.database.reading() as connection:
            return records.get_meta(connection, key)

    def set_meta(self, key: str, value: Any) -> None:
        """Note a value that JSON can hold; None removes the note. Raises InputError."""
        with self.writing() as connection:
            records.set_meta(connection, key, value)

    def close(self) -> None:
        """Release the files. Snapshots taken before stay usable."""
        self.database.close()
