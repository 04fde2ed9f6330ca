"""Encoded passages as the database keeps them: four blobs, shared by all passages encoded from the same text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar
from zlib import crc32

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from qa.errors import EncoderError
from qa.store.arrays import LANGUAGES, Arrays, Int64s, Layout, offsets_of
from qa.store.store import Encoding
from qa.store.tables import encodings, passages
from qa.store.tokens import TokenCodec

_T = TypeVar("_T")
_AT_ONCE = 500
"""Keys or rows named in one statement."""
_HIGHEST_ID = 2**24 - 1
"""Larger than any vocabulary; token ids are counted in arrays of this length at most."""
BLOBS = ("vector", "centred", "tokens", "token_ids")


@dataclass(frozen=True, slots=True)
class Packing:
    """How encodings become blobs: the encoder's fingerprint, ``dims`` of a vector, the codec of token vectors."""

    fingerprint: str
    dims: int
    codec: TokenCodec

    @property
    def layout(self) -> Layout:
        return Layout(self.dims, self.codec.width)

    def stamp(self, encode_key: str) -> int:
        """63 bits that stand for what was encoded and by which encoder."""
        digest = sha256(f"{self.fingerprint}\0{encode_key}".encode()).digest()
        return int.from_bytes(digest[:8], "big") >> 1

    def pack(self, encoding: Encoding) -> dict[str, bytes]:
        """The blobs by column. Raises EncoderError for shapes or values that do not fit the index."""
        return {
            "vector": self._half(encoding.vector),
            "centred": self._half(encoding.centred),
            "tokens": self.codec.encode(encoding.tokens).tobytes(),
            "token_ids": _distinct(encoding.token_ids).tobytes(),
        }

    def _half(self, vector: npt.NDArray[np.float32]) -> bytes:
        half = vector.astype("<f2")
        if half.shape != (self.dims,) or not np.isfinite(half).all():
            raise EncoderError(f"A vector of shape {vector.shape} that is not {self.dims} finite numbers.")
        return half.tobytes()


def _distinct(token_ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    if token_ids.ndim != 1 or (token_ids < 0).any() or (token_ids > _HIGHEST_ID).any():
        raise EncoderError(f"Token ids have to be a list of numbers from 0 to {_HIGHEST_ID}.")
    return np.unique(token_ids).astype("<i4")


def checksum(blobs: Sequence[bytes]) -> int:
    """CRC-32 of blobs one after the other."""
    total = 0
    for blob in blobs:
        total = crc32(blob, total)
    return total


def slices(items: Sequence[_T], size: int = _AT_ONCE) -> Iterator[Sequence[_T]]:
    """Runs of at most ``size`` items."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def ids_by_key(
    connection: sa.Connection, collection: int, fingerprint: str, encode_keys: Sequence[str]
) -> dict[str, int]:
    """The stored encodings among these keys: key -> id."""
    found: dict[str, int] = {}
    for some in slices(encode_keys):
        statement = sa.select(encodings.c.encode_key, encodings.c.id).where(
            encodings.c.collection_id == collection,
            encodings.c.fingerprint == fingerprint,
            encodings.c.encode_key.in_(some),
        )
        found.update(connection.execute(statement).all())
    return found


def insert(connection: sa.Connection, collection: int, fingerprint: str, packed: dict[str, dict[str, bytes]]) -> None:
    """Keep new encodings, by key."""
    rows = [
        {
            "collection_id": collection,
            "encode_key": key,
            "fingerprint": fingerprint,
            "checksum": checksum([blobs[name] for name in BLOBS]),
            **blobs,
        }
        for key, blobs in packed.items()
    ]
    if rows:
        connection.execute(encodings.insert(), rows)


def forget_unused(connection: sa.Connection, ids: Sequence[int]) -> None:
    """Remove those of these encodings that no passage refers to any more."""
    for some in slices(ids):
        used = sa.select(passages.c.row).where(passages.c.encoding_id == encodings.c.id).exists()
        connection.execute(encodings.delete().where(encodings.c.id.in_(some), ~used))


def damaged(connection: sa.Connection, ids: Sequence[int], layout: Layout) -> list[int]:
    """Those of these encodings whose blobs are not what was stored, or do not fit the layout."""
    c = encodings.c
    statement = sa.select(c.id, c.checksum, *(c[name] for name in BLOBS)).where(c.id.in_(ids))
    return [
        number
        for number, stored, *kept in connection.execute(statement).all()
        if checksum(kept) != stored or not _fits(kept, layout)
    ]


def _fits(kept: Sequence[bytes], layout: Layout) -> bool:
    vector, centred, tokens, ids = map(len, kept)
    return vector == centred == 2 * layout.dims and tokens % layout.width == 0 and ids % 4 == 0


def read_arrays(connection: sa.Connection, rows: Int64s, layout: Layout, at_once: int) -> Iterator[Arrays]:
    """The arrays of passages by ascending row, ``at_once`` passages at a time; rows that are gone are left out."""
    for some in slices(rows.tolist(), at_once):
        yield _read(connection, some, layout)


def _read(connection: sa.Connection, rows: Sequence[int], layout: Layout) -> Arrays:
    columns = [passages.c.row, passages.c.stamp, passages.c.language, *(encodings.c[name] for name in BLOBS)]
    found: list[sa.Row[tuple[int, int, str, bytes, bytes, bytes, bytes]]] = []
    for some in slices(rows):
        statement = sa.select(*columns).join_from(passages, encodings).where(passages.c.row.in_(some))
        found.extend(connection.execute(statement.order_by(passages.c.row)).all())
    return _arrays(found, layout)


def _arrays(found: Sequence[sa.Row[tuple[int, int, str, bytes, bytes, bytes, bytes]]], layout: Layout) -> Arrays:
    numbers, stamps, languages, vectors, centred, tokens, ids = zip(*found, strict=True) if found else [()] * 7
    codes: dict[str, int] = {language: code for code, language in enumerate(LANGUAGES)}
    return Arrays(
        rows=np.array(numbers, dtype=np.int64),
        stamps=np.array(stamps, dtype=np.int64),
        languages=np.array([codes[language] for language in languages], dtype=np.uint8),
        vectors=np.frombuffer(b"".join(vectors), dtype="<f2").reshape(-1, layout.dims),
        centred=np.frombuffer(b"".join(centred), dtype="<f2").reshape(-1, layout.dims),
        tokens=np.frombuffer(b"".join(tokens), dtype=np.uint8).reshape(-1, layout.width),
        offsets=offsets_of([len(blob) // layout.width for blob in tokens]),
        ids=np.frombuffer(b"".join(ids), dtype="<i4"),
        id_offsets=offsets_of([len(blob) // 4 for blob in ids]),
    )
