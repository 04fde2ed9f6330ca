"""Passages in the database: replacing a document's passages, and reading them back.

A passage's id is made from its document's id, its quote, and its place among equal quotes of that document, so that
an unchanged passage of a changed document keeps it. It keeps its row, too, as long as it is still encoded from the
same text into the same words; only what is shown (offsets, heading, page) is then updated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import sqlalchemy as sa

from qa.errors import ConflictError, InputError
from qa.store import encodings as blobs
from qa.store import lexical
from qa.store.arrays import Int64s
from qa.store.encodings import Packing, checksum, slices
from qa.store.store import NewDocument, NewPassage
from qa.store.tables import documents, encodings, passages
from qa.types import Passage

_PAGE = 5000
"""Passages read at a time where a caller walks through all."""


def validate(document: NewDocument) -> None:
    """Raises InputError where a document contradicts itself."""
    name, text = document.source.name, document.source.text
    if not 0 < len(document.id) <= 200:
        raise InputError(f"{name}: a document id has 1 to 200 characters, this one {len(document.id)}.")
    if not _is_text(text):
        raise InputError(f"{name}: the source text has half a surrogate pair.", "Decode the file again.")
    if len(document.fingerprints) != len(document.passages):
        raise InputError(f"{name}: {len(document.passages)} passages but {len(document.fingerprints)} fingerprints.")
    if not all(0 <= new.piece.start < new.piece.end <= len(text) for new in document.passages):
        raise InputError(f"{name}: a passage lies outside the source text.")
    if not all(0 < len(new.encode_key) <= 128 and len(new.group) <= 200 for new in document.passages):
        raise InputError(f"{name}: an encode key has 1 to 128 characters, a group at most 200.")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def passage_ids(document: NewDocument) -> list[str]:
    """The ids of a document's passages, in order."""
    seen: Counter[str] = Counter()
    ids = []
    for new in document.passages:
        quote = _quote(document, new)
        ids.append(sha256(f"{document.id}\0{quote}\0{seen[quote]}".encode()).hexdigest()[:20])
        seen[quote] += 1
    return ids


def _quote(document: NewDocument, new: NewPassage) -> str:
    return document.source.text[new.piece.start : new.piece.end]


@dataclass(frozen=True, slots=True)
class Old:
    """What decides whether a stored passage may keep its row."""

    row: int
    encoding_id: int
    same: tuple[int, str, str]
    """Stamp, words, language."""


def replace(
    connection: sa.Connection,
    collection: int,
    number: int,
    document: NewDocument,
    packing: Packing,
    packed: dict[str, dict[str, bytes]],
) -> int:
    """Make the passages of document ``number`` those of ``document``; returns how many rows were removed.

    ``packed``: blobs of new encodings by encode key. Raises ConflictError where a key has no encoding anywhere.
    """
    old = _stored(connection, number)
    fresh = dict(zip(passage_ids(document), _values(connection, collection, document, packing, packed), strict=True))
    kept = {key for key, values in fresh.items() if key in old and old[key].same == _identity(values)}
    gone = [entry for key, entry in old.items() if key not in kept]
    remove(connection, collection, gone)
    _update(connection, [values | {"at": old[key].row} for key, values in fresh.items() if key in kept])
    added = [values | {"id": key} for key, values in fresh.items() if key not in kept]
    _insert(connection, collection, number, added)
    blobs.forget_unused(connection, [entry.encoding_id for entry in gone])
    return len(gone)


def _stored(connection: sa.Connection, number: int) -> dict[str, Old]:
    c = passages.c
    statement = sa.select(c.id, c.row, c.encoding_id, c.stamp, c.words, c.language).where(c.document_number == number)
    return {key: Old(row, encoding, tuple(same)) for key, row, encoding, *same in connection.execute(statement)}


def _identity(values: dict[str, Any]) -> tuple[int, str, str]:
    return values["stamp"], values["words"], values["language"]


def _values(
    connection: sa.Connection,
    collection: int,
    document: NewDocument,
    packing: Packing,
    packed: dict[str, dict[str, bytes]],
) -> Iterator[dict[str, Any]]:
    keys = list(dict.fromkeys(new.encode_key for new in document.passages))
    stored = blobs.ids_by_key(connection, collection, packing.fingerprint, keys)
    missing = {key: packed[key] for key in keys if key not in stored and key in packed}
    blobs.insert(connection, collection, packing.fingerprint, missing)
    stored |= blobs.ids_by_key(connection, collection, packing.fingerprint, list(missing))
    if len(stored) < len(keys):
        raise ConflictError(
            f"{document.source.name}: the encoding of a passage was removed meanwhile.",
            "Ingest the document again.",
            code="encoding_gone",
        )
    for ordinal, new in enumerate(document.passages):
        yield _columns(document, ordinal) | {
            "encoding_id": stored[new.encode_key],
            "stamp": packing.stamp(new.encode_key),
        }


def _columns(document: NewDocument, ordinal: int) -> dict[str, Any]:
    new = document.passages[ordinal]
    piece, fingerprint = new.piece, document.fingerprints[ordinal]
    return {
        "ordinal": ordinal,
        "start": piece.start,
        "end": piece.end,
        "page": piece.page,
        "language": piece.language,
        "group": new.group,
        "fingerprint": fingerprint - 2**64 if fingerprint >= 2**63 else fingerprint,
        "heading": piece.heading,
        "quote": _quote(document, new),
        "text": piece.text,
        "search_text": piece.search_text,
        "words": new.words,
        "checksum": text_checksum(piece.text, piece.search_text, new.words),
    }


def text_checksum(text: str, search_text: str, words: str) -> int:
    """CRC-32 of what a passage keeps beyond its quote."""
    return checksum([part.encode() for part in (text, search_text, words)])


def remove(connection: sa.Connection, collection: int, gone: Sequence[Old]) -> None:
    """Remove passages from the table and the lexical index; their encodings stay."""
    rows = [entry.row for entry in gone]
    if rows:
        lexical.remove(connection, collection, rows)
    for some in slices(rows):
        connection.execute(passages.delete().where(passages.c.row.in_(some)))


def remove_all(connection: sa.Connection, collection: int, number: int, *, forget: bool = True) -> int:
    """Remove every passage of a document and, to ``forget``, encodings that nothing else uses; returns how many."""
    gone = list(_stored(connection, number).values())
    remove(connection, collection, gone)
    if forget:
        blobs.forget_unused(connection, [entry.encoding_id for entry in gone])
    return len(gone)


_SHOWN = ("ordinal", "start", "end", "page", "group", "fingerprint", "heading", "text", "search_text", "checksum")


def _update(connection: sa.Connection, kept: list[dict[str, Any]]) -> None:
    if kept:
        statement = passages.update().where(passages.c.row == sa.bindparam("at"))
        statement = statement.values({name: sa.bindparam(f"new_{name}") for name in _SHOWN})
        renamed = [{"at": row["at"]} | {f"new_{name}": row[name] for name in _SHOWN} for row in kept]
        connection.execute(statement, renamed)


def _insert(connection: sa.Connection, collection: int, number: int, added: list[dict[str, Any]]) -> None:
    if added:
        last = connection.scalar(sa.select(sa.func.coalesce(sa.func.max(passages.c.row), 0)))
        place = {"collection_id": collection, "document_number": number}
        connection.execute(passages.insert(), [values | place for values in added])
        lexical.insert(connection, collection, number, int(last or 0))


def live(
    connection: sa.Connection, collection: int, after_row: int = 0, last_row: int | None = None
) -> tuple[Int64s, Int64s]:
    """Rows of the collection above ``after_row``, to ``last_row`` where it is given, ascending, and their stamps."""
    c = passages.c
    statement = sa.select(c.row, c.stamp).where(c.collection_id == collection, c.row > after_row).order_by(c.row)
    if last_row is not None:
        statement = statement.where(c.row <= last_row)
    # NumPy takes tens of microseconds to look into a row object, so it is given columns.
    rows, stamps = list(zip(*connection.execute(statement).all(), strict=True)) or ((), ())
    return np.array(rows, dtype=np.int64), np.array(stamps, dtype=np.int64)


def count_after(connection: sa.Connection, collection: int, after_row: int) -> int:
    """How many rows of the collection are above ``after_row``."""
    c = passages.c
    statement = sa.select(sa.func.count()).where(c.collection_id == collection, c.row > after_row)
    return connection.scalar(statement) or 0


def of_document(connection: sa.Connection, number: int) -> list[Passage]:
    """The passages of a document, in order."""
    statement = _passage_columns().where(passages.c.document_number == number).order_by(passages.c.ordinal)
    return [Passage(*values) for _, *values in connection.execute(statement)]


def by_row(connection: sa.Connection, collection: int, rows: Sequence[int]) -> dict[int, Passage]:
    """The passages of the collection among these rows."""
    found: dict[int, Passage] = {}
    for some in slices(rows):
        statement = _passage_columns().where(passages.c.row.in_(some), passages.c.collection_id == collection)
        found |= {row: Passage(*values) for row, *values in connection.execute(statement)}
    return found


def _passage_columns() -> sa.Select[Any]:
    c = passages.c
    document_id = documents.c.id.label("document_id")
    shown = (c.start, c.end, c.quote, c.text, c.search_text, c.heading, c.page, c.language, c.group)
    return sa.select(c.row, c.id, document_id, c.ordinal, *shown).join_from(passages, documents)


def copies(connection: sa.Connection, collection: int, groups: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """For each group the (document id, title) that carry a passage of it, oldest document first."""
    found: dict[str, list[tuple[str, str]]] = {group: [] for group in groups}
    c = passages.c
    for some in slices(list(found)):
        statement = (
            sa.select(c.group, documents.c.id, documents.c.title)
            .join_from(passages, documents)
            .where(c.collection_id == collection, c.group.in_(some))
            .group_by(c.group, documents.c.number)
            .order_by(documents.c.number)
        )
        for group, document, title in connection.execute(statement):
            found[group].append((document, title))
    return found


def fingerprints_after(connection: sa.Connection, collection: int, after_row: int) -> list[tuple[int, str, str, int]]:
    """The next (row, document id, group, unsigned fingerprint) in the order of rows; empty at the end."""
    c = passages.c
    statement = (
        sa.select(c.row, documents.c.id, c.group, c.fingerprint)
        .join_from(passages, documents)
        .where(c.collection_id == collection, c.row > after_row)
        .order_by(c.row)
        .limit(_PAGE)
    )
    return [(row, document, group, value % 2**64) for row, document, group, value in connection.execute(statement)]


def unused_encodings(connection: sa.Connection) -> list[int]:
    """Encodings that no passage refers to."""
    used = sa.select(passages.c.row).where(passages.c.encoding_id == encodings.c.id).exists()
    return list(connection.scalars(sa.select(encodings.c.id).where(~used)))
