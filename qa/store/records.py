"""Collections, documents and the index's notes in the database."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import numpy as np
import sqlalchemy as sa

from qa.errors import ConflictError, DamagedIndexError, InputError, NotFoundError, QuestionError
from qa.store import conditions, lexical, passages
from qa.store.arrays import Int64s
from qa.store.encodings import Packing, forget_unused, slices
from qa.store.store import CollectionInfo, NewDocument
from qa.store.tables import collections, documents, encodings, meta, sources, trash
from qa.store.tables import passages as passage_table
from qa.types import Document, Filters, Metadata, Source

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_KEY = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_MOST_IDS = 10_000
_METADATA = tuple(field.name for field in fields(Metadata))


def now() -> str:
    """ISO date and time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Head:
    """Where a collection stands: ``revision`` counts its writes, ``deletions`` the rows removed from it."""

    id: int
    name: str
    revision: int
    deletions: int


def head(connection: sa.Connection, name: str) -> Head:
    """Raises NotFoundError."""
    c = collections.c
    found = connection.execute(sa.select(c.id, c.name, c.revision, c.deletions).where(c.name == name)).first()
    if found is None:
        raise NotFoundError(f"There is no collection {name[:64]!r}.", "List the collections, or create it.")
    return Head(*found)


def has_collection(connection: sa.Connection, name: str) -> bool:
    return connection.execute(sa.select(collections.c.id).where(collections.c.name == name)).first() is not None


def heads(connection: sa.Connection) -> list[Head]:
    c = collections.c
    return [Head(*row) for row in connection.execute(sa.select(c.id, c.name, c.revision, c.deletions).order_by(c.id))]


def create_collection(connection: sa.Connection, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name[:80]!r} cannot name a collection.", "Use 1 to 64 of a-z, 0-9, - and _, a letter or digit first."
        )
    if connection.scalar(sa.select(collections.c.id).where(collections.c.name == name)) is not None:
        raise ConflictError(
            f"The collection {name!r} exists already.", "Use it, or choose another name.", code="exists"
        )
    values = {"name": name, "created": now(), "revision": 1, "deletions": 0}
    number = connection.execute(collections.insert().values(values)).inserted_primary_key
    assert number is not None
    lexical.create(connection, number[0])


def drop_collection(connection: sa.Connection, collection: int) -> None:
    numbers = sa.select(documents.c.number).where(documents.c.collection_id == collection)
    connection.execute(passage_table.delete().where(passage_table.c.collection_id == collection))
    connection.execute(encodings.delete().where(encodings.c.collection_id == collection))
    connection.execute(trash.delete().where(trash.c.collection_id == collection))
    connection.execute(sources.delete().where(sources.c.document_number.in_(numbers)))
    connection.execute(documents.delete().where(documents.c.collection_id == collection))
    connection.execute(collections.delete().where(collections.c.id == collection))
    lexical.drop(connection, collection)


def list_collections(connection: sa.Connection) -> list[CollectionInfo]:
    c = collections.c
    held = [
        sa.select(sa.func.count()).where(table.c.collection_id == c.id).scalar_subquery()
        for table in (documents, passage_table)
    ]
    statement = sa.select(c.name, held[0], held[1], c.created).order_by(c.name)
    return [CollectionInfo(*row) for row in connection.execute(statement)]


def touch(connection: sa.Connection, collection: int, deletions: int) -> None:
    """Note a write, and how many rows it removed."""
    c = collections.c
    values = {"revision": c.revision + 1, "deletions": c.deletions + deletions}
    connection.execute(collections.update().where(c.id == collection).values(values))


def put(
    connection: sa.Connection,
    collection: int,
    document: NewDocument,
    packing: Packing,
    packed: dict[str, dict[str, bytes]],
) -> int:
    """Insert or replace a document; returns how many passages of an earlier one were removed."""
    given_up = _given_up(connection, collection, document.id)
    number = _put_document(connection, collection, document)
    _put_source(connection, number, document)
    removed = passages.replace(connection, collection, number, document, packing, packed)
    forget_unused(connection, given_up)
    return removed


def _given_up(connection: sa.Connection, collection: int, document_id: str) -> list[int]:
    """Encodings that the trash keeps for a document, and no longer when it is put into the collection again."""
    place = (trash.c.collection_id == collection) & (trash.c.id == document_id)
    kept: list[int] = connection.scalar(sa.select(trash.c.encodings).where(place)) or []
    return kept


def _put_document(connection: sa.Connection, collection: int, document: NewDocument) -> int:
    values = _document_values(document)
    place = (documents.c.collection_id == collection) & (documents.c.id == document.id)
    number = connection.scalar(sa.select(documents.c.number).where(place))
    if number is not None:
        connection.execute(documents.update().where(place).values(values))
        return int(number)
    values |= {"collection_id": collection, "id": document.id} | _reclaimed(connection, collection, document.id)
    inserted = connection.execute(documents.insert().values(values)).inserted_primary_key
    assert inserted is not None
    return int(inserted[0])


def _reclaimed(connection: sa.Connection, collection: int, document_id: str) -> dict[str, Any]:
    """A document that was deleted a while ago comes back to its old place, and leaves the trash."""
    place = (trash.c.collection_id == collection) & (trash.c.id == document_id)
    number = connection.scalar(sa.select(trash.c.number).where(place))
    connection.execute(trash.delete().where(place))
    return {} if number is None else {"number": number}


def _document_values(document: NewDocument) -> dict[str, Any]:
    source = document.source
    return {name: storable(getattr(source.metadata, name)) for name in _METADATA} | {
        "name": storable(source.name),
        "locator": storable(source.locator),
        "format": source.format,
        "encoding": source.encoding,
        "language": document.language,
        "sha256": sha256(source.text.encode()).hexdigest(),
        "raw_sha256": source.raw_sha256,
        "characters": len(source.text),
        "passages": len(document.passages),
        "added": now(),
    }


def storable(text: str | None) -> str | None:
    """File names may hold bytes that are no text; SQLite holds text only."""
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()


def _put_source(connection: sa.Connection, number: int, document: NewDocument) -> None:
    source = document.source
    values = {
        "document_number": number,
        "text": zlib.compress(source.text.encode()),
        "pages": source.pages,
        "headings": source.headings,
        "main": source.main,
        "removed": document.removed,
    }
    connection.execute(sources.delete().where(sources.c.document_number == number))
    connection.execute(sources.insert().values(values))


def delete_document(connection: sa.Connection, collection: int, document_id: str) -> int:
    """Remove a document and all that is its own; returns how many passages. Raises NotFoundError."""
    number = document_number(connection, collection, document_id)
    removed = passages.remove_all(connection, collection, number)
    connection.execute(sources.delete().where(sources.c.document_number == number))
    connection.execute(documents.delete().where(documents.c.number == number))
    return removed


def document_number(connection: sa.Connection, collection: int, document_id: str) -> int:
    """Raises NotFoundError."""
    c = documents.c
    number = connection.scalar(sa.select(c.number).where(c.collection_id == collection, c.id == document_id))
    if number is None:
        raise NotFoundError(f"There is no document {document_id[:200]!r}.", "List the documents to see their ids.")
    return int(number)


_DOCUMENT = ("id", "name", "format", "language", "sha256", "raw_sha256", "characters", "passages", "added")


def _documents() -> sa.Select[Any]:
    columns = [documents.c[name] for name in (*_DOCUMENT, *_METADATA)]
    return sa.select(collections.c.name.label("collection"), *columns).join_from(documents, collections)


def _document(row: sa.RowMapping) -> Document:
    own = {name: row[name] for name in (*_DOCUMENT, "collection")}
    return Document(**own, metadata=Metadata(**{name: row[name] for name in _METADATA}))


def list_documents(connection: sa.Connection, collection: int, offset: int, limit: int) -> list[Document]:
    """In the order in which they were first added."""
    return select_documents(connection, [documents.c.collection_id == collection], offset, limit)


def select_documents(
    connection: sa.Connection, conditions: Sequence[sa.ColumnElement[bool]], offset: int, limit: int
) -> list[Document]:
    """Those that fulfil all ``conditions``, in the order in which they were first added."""
    statement = _documents().where(*conditions).order_by(documents.c.number)
    found = connection.execute(statement.offset(max(0, offset)).limit(max(0, limit))).mappings()
    return [_document(row) for row in found]


def document(connection: sa.Connection, number: int) -> Document:
    return _document(connection.execute(_documents().where(documents.c.number == number)).mappings().one())


def documents_by_id(connection: sa.Connection, collection: int, ids: Sequence[str]) -> dict[str, Document]:
    found: dict[str, Document] = {}
    for some in slices(list(dict.fromkeys(ids))):
        statement = _documents().where(documents.c.collection_id == collection, documents.c.id.in_(some))
        found |= {row["id"]: _document(row) for row in connection.execute(statement).mappings()}
    return found


def documents_by_raw(connection: sa.Connection, collection: int, raw_sha256: str) -> list[Document]:
    c = documents.c
    statement = _documents().where(c.collection_id == collection, c.raw_sha256 == raw_sha256).order_by(c.number)
    return [_document(row) for row in connection.execute(statement).mappings()]


def source_text(connection: sa.Connection, number: int) -> str:
    """Raises DamagedIndexError where it does not unpack."""
    packed = connection.scalar(sa.select(sources.c.text).where(sources.c.document_number == number))
    return unpack_text(packed)


def unpack_text(packed: bytes | None) -> str:
    try:
        return zlib.decompress(packed or b"").decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise DamagedIndexError(f"A source text is damaged: {error}.", "Ingest the document again.") from error


def removed(connection: sa.Connection, number: int) -> list[tuple[int, int, str]]:
    found = connection.scalar(sa.select(sources.c.removed).where(sources.c.document_number == number))
    return [(start, end, rule) for start, end, rule in found or ()]


def every_source(connection: sa.Connection) -> Iterator[tuple[str, str, Source]]:
    """(collection, document id, source) of every document, as it was read: all that a new ingest needs."""
    for number in connection.scalars(sa.select(documents.c.number).order_by(documents.c.number)).all():
        yield _source(connection, number)


def source(connection: sa.Connection, number: int) -> Source:
    """A document as it was read. Raises DamagedIndexError."""
    return _source(connection, number)[2]


def some_sources(connection: sa.Connection, collection: int, ids: set[str]) -> Iterator[Source]:
    """The sources of these documents, in the order in which they were added."""
    c = documents.c
    statement = sa.select(c.number, c.id).where(c.collection_id == collection).order_by(c.number)
    for number, identity in connection.execute(statement).all():
        if identity in ids:
            yield _source(connection, number)[2]


def _source(connection: sa.Connection, number: int) -> tuple[str, str, Source]:
    columns = _documents().add_columns(documents.c.encoding, documents.c.locator)
    row = connection.execute(columns.where(documents.c.number == number)).mappings().one()
    kept = connection.execute(sa.select(sources).where(sources.c.document_number == number)).mappings().one()
    return row["collection"], row["id"], source_of(dict(row), dict(kept))


def source_of(document: Mapping[str, Any], kept: Mapping[str, Any]) -> Source:
    """A source as it was read, from the rows of ``documents`` and ``sources``. Raises DamagedIndexError."""
    return Source(
        name=document["name"],
        format=document["format"],
        text=unpack_text(kept["text"]),
        raw_sha256=document["raw_sha256"],
        metadata=Metadata(**{name: document[name] for name in _METADATA}),
        pages=tuple(kept["pages"]),
        headings=tuple((start, end, level) for start, end, level in kept["headings"]),
        main=None if kept["main"] is None else tuple((start, end) for start, end in kept["main"]),
        encoding=document["encoding"],
        locator=document["locator"],
    )


def replaced_digests(connection: sa.Connection, collection: int) -> list[int]:
    """Numbers of the digests whose original is in the collection too: it takes their place in every search."""
    original = documents.alias("original")
    c = documents.c
    same = sa.and_(original.c.collection_id == c.collection_id, original.c.raw_sha256 == c.digest_of)
    replaced = sa.exists(sa.select(original.c.number).where(same))
    chosen = sa.select(c.number).where(c.collection_id == collection, c.digest_of.is_not(None), replaced)
    return list(connection.scalars(chosen.order_by(c.number)))


Conditions = Sequence[sa.ColumnElement[bool]]


def admitting(collection: int, filters: Filters, without: Sequence[int]) -> Conditions:
    """For documents that pass and are not among the numbers ``without``.

    Raises QuestionError for more ids than can be asked for.
    """
    conditions = [documents.c.collection_id == collection, *_conditions(filters)]
    return [*conditions, documents.c.number.not_in(without)] if without else conditions


def allowed_rows(connection: sa.Connection, conditions: Conditions) -> Int64s:
    """Sorted rows of the passages whose documents fulfil all ``conditions``."""
    chosen = sa.select(documents.c.number).where(*conditions)
    # Documents first: their passages are then found in an index alone, without reading a text.
    statement = sa.select(passage_table.c.row).where(passage_table.c.document_number.in_(chosen))
    return np.sort(np.array(connection.scalars(statement).all(), dtype=np.int64))


def allowed_documents(connection: sa.Connection, conditions: Conditions, most: int) -> list[int] | None:
    """Numbers of the documents that fulfil all ``conditions``; None where there are more than ``most``."""
    found = connection.scalars(sa.select(documents.c.number).where(*conditions).limit(most + 1)).all()
    return None if len(found) > most else sorted(found)


def allowed_stamps(connection: sa.Connection, conditions: Conditions, rows: Sequence[int]) -> dict[int, int]:
    """Those of these rows whose documents fulfil all ``conditions``, with their stamps."""
    found: dict[int, int] = {}
    c = passage_table.c
    # Not a join: SQLite would begin with all documents of the collection.
    passes = sa.exists().where(documents.c.number == c.document_number, *conditions)
    for some in slices(rows):
        found.update(connection.execute(sa.select(c.row, c.stamp).where(c.row.in_(some), passes)).all())
    return found


def _conditions(filters: Filters) -> Iterator[sa.ColumnElement[bool]]:
    c = documents.c
    if filters.publisher is not None:
        yield c.publisher == filters.publisher
    if filters.language is not None:
        yield c.language == filters.language
    if filters.published_from is not None:
        yield c.published >= filters.published_from
    if filters.published_to is not None:
        yield c.published <= filters.published_to
    if filters.document_ids is not None:
        if len(filters.document_ids) > _MOST_IDS:
            raise QuestionError(f"A filter names at most {_MOST_IDS} documents.", "Name fewer.")
        yield c.id.in_(filters.document_ids)
    if (condition := conditions.condition(filters)) is not None:
        yield condition


def get_meta(connection: sa.Connection, key: str) -> Any:
    """The value noted under a key, None where there is none."""
    text = connection.scalar(sa.select(meta.c.value).where(meta.c.key == key))
    return None if text is None else json.loads(text)


def set_meta(connection: sa.Connection, key: str, value: Any) -> None:
    """Note a value that JSON can hold; None removes the note. Raises InputError."""
    if not _KEY.fullmatch(key):
        raise InputError(f"{key[:80]!r} cannot be a key of the index's notes.", "Use a-z, 0-9, dot, dash, underscore.")
    write_note(connection, key, value)


def write_note(connection: sa.Connection, key: str, value: Any) -> None:
    connection.execute(meta.delete().where(meta.c.key == key))
    if value is not None:
        connection.execute(meta.insert().values(key=key, value=_json(value)))


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"A note of the index cannot hold this: {error}.") from error
