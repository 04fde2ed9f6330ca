"""Small documents with random vectors, for tests of the store: the store never looks into a vector."""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import SecretStr

from qa.store.local import LocalStore
from qa.store.location import Location
from qa.store.store import Encoding, NewDocument, NewPassage
from qa.store.tokens import TokenCodec
from qa.types import Language, Metadata, Piece, Source

SAFELY = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""For ``extractall`` of an archive of ours; Python before 3.11.4 does not know it."""

DIMS, LATE = 16, 8
CODEC = TokenCodec(np.full(LATE, -1, np.float32), np.full(LATE, 1, np.float32))
VERSIONS = {"normaliser": "1", "splitter": "1"}


def open_store(
    path: Path, *, create: bool = True, fingerprint: str = "test", dims: int = DIMS, url: str = ""
) -> LocalStore:
    """``url``: of the PostgreSQL database that holds its records."""
    where = Location(path, SecretStr(url) if url else None)
    return LocalStore.open(where, fingerprint=fingerprint, dims=dims, codec=CODEC, versions=VERSIONS, create=create)


def seeded(text: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(sha256(text.encode()).digest()[:8], "big"))


def unit(rng: np.random.Generator, *shape: int) -> npt.NDArray[np.float32]:
    vectors = rng.standard_normal(shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors


def encoding(text: str, *, tokens: int | None = None) -> Encoding:
    """What an encoder might give for ``text``: always the same for the same text."""
    rng = seeded(text)
    count = tokens if tokens is not None else 1 + len(text) % 5
    return Encoding(
        vector=unit(rng, DIMS),
        centred=unit(rng, DIMS),
        tokens=unit(rng, count, LATE),
        token_ids=rng.integers(0, 50, count).astype(np.int32),
    )


def document(
    identity: str,
    quotes: Sequence[str],
    *,
    language: Language = "en",
    encode: bool = True,
    title: str | None = None,
    publisher: str | None = None,
    published: str | None = None,
) -> NewDocument:
    """One passage a quote; the source is the quotes, a line each. A quote's words are its words, in small letters."""
    text = "\n".join(quotes)
    starts = np.cumsum([0, *(len(quote) + 1 for quote in quotes)]).tolist()
    passages = tuple(
        passage(quote, start, language=language, encode=encode) for quote, start in zip(quotes, starts, strict=False)
    )
    return NewDocument(
        id=identity,
        source=Source(
            name=f"{identity}.txt",
            format="text",
            text=text,
            raw_sha256=sha256(text.encode()).hexdigest(),
            metadata=Metadata(title=title or identity.title(), publisher=publisher, published=published),
        ),
        language=language,
        passages=passages,
        fingerprints=tuple(int.from_bytes(sha256(quote.encode()).digest()[:8], "big") for quote in quotes),
        removed=((0, 1, "test"),),
    )


def passage(quote: str, start: int, *, language: Language = "en", encode: bool = True) -> NewPassage:
    piece = Piece(
        start=start,
        end=start + len(quote),
        text=quote,
        search_text=quote.lower(),
        heading=None,
        page=None,
        language=language,
    )
    return NewPassage(
        piece=piece,
        group=sha256(quote.encode()).hexdigest()[:12],
        words=quote.lower(),
        encode_key=key(quote),
        encoding=encoding(quote) if encode else None,
    )


def key(quote: str) -> str:
    return sha256(quote.encode()).hexdigest()
