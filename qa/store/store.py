"""The store of documents and passages: what retrieval and ingest may ask of it.

Implementations: local (SQLite + FAISS + token vectors); Milvus.
Rows are int64 numbers that a store gives passages; they are stable for the life of a passage and never reused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from qa.types import Document, Filters, Language, Passage, Piece, Source

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Rows with their scores, best first; ties by row, so that a search is deterministic."""

    rows: Rows
    scores: Floats


@dataclass(frozen=True, slots=True)
class Encoding:
    """What is kept of an encoded passage.

    ``vector``: [dims] float32 (kept as float16), raw, norm 1. ``centred``: [dims] float32, the vector that candidate
    search compares (language mean subtracted, norm 1). ``tokens``: [n, late_dims] float32, centred, projected token
    vectors, norm about 1; the store compresses them. ``token_ids``: [m] int32, the distinct token ids of the passage.
    """

    vector: Floats
    centred: Floats
    tokens: Floats
    token_ids: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class NewPassage:
    """A passage on its way into a store. ``words``: the lexical index's words, separated by blanks.

    ``encode_key``: hash of exactly what was encoded, so that an unchanged passage is not encoded again.
    """

    piece: Piece
    group: str
    words: str
    encode_key: str
    encoding: Encoding | None
    """None where the store said that it knows ``encode_key`` already (see Store.known)."""


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document on its way into a store: all of it becomes visible at once, or nothing.

    ``fingerprints``: [passages] uint64 near-duplicate fingerprints (simhash), kept for later ingests.
    """

    id: str
    source: Source
    language: Language
    passages: tuple[NewPassage, ...]
    fingerprints: tuple[int, ...]
    removed: tuple[tuple[int, int, str], ...] = ()
    """(start, end, rule): what cleaning took away, for the source view."""


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    name: str
    documents: int
    passages: int
    created: str


class Selection:
    """What a search may find. Stores that filter by themselves look at what it asks for, others at its rows."""

    def __init__(
        self,
        filters: Filters,
        without: Sequence[int],
        rows: Callable[[], Rows],
        documents: Callable[[int], Sequence[int] | None],
    ) -> None:
        """``without``: numbers of documents that are not found. ``rows``, ``documents``: read them, when asked for."""
        self.filters = filters
        self.without = without
        self.documents = documents
        """Numbers of the documents that may be found; None where there are more than so many."""
        self._read = rows

    @cached_property
    def rows(self) -> Rows:
        """Sorted rows that may be found."""
        return self._read()


class Snapshot(Protocol):
    """One consistent state of a collection, held for the length of a search: later writes do not change it."""

    @property
    def size(self) -> int:
        """Live passages."""

    @property
    def languages(self) -> dict[Language, int]:
        """Live passages per language."""

    def allowed(self, filters: Filters | None) -> Selection | None:
        """What may be found; None where all may. An unknown document id passes nothing.

        A digest whose original is in the collection is never found: the original takes its place.
        """

    def dense(self, centred: Floats, language: Language, limit: int, allowed: Selection | None) -> Candidates:
        """Nearest passages of one language by inner product with their ``centred`` vectors."""

    def lexical(self, words: Sequence[str], limit: int, allowed: Selection | None) -> Candidates:
        """BM25 over words, any word may match; scores positive, higher is better."""

    def document_frequency(self, token_ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """In how many passages each token id occurs."""

    def word_frequency(self, words: Sequence[str]) -> npt.NDArray[np.int64]:
        """In how many passages each word of the lexical index occurs."""

    def vectors(self, rows: Rows) -> Floats:
        """[len(rows), dims] raw vectors."""

    def late_scores(self, queries: Floats, rows: Rows) -> list[Floats]:
        """For each row the matrix [len(queries), tokens of that passage] of inner products with its token vectors."""

    def passages(self, rows: Rows) -> list[Passage]:
        """The passages of these rows, in order."""

    def documents(self, ids: Sequence[str]) -> dict[str, Document]:
        """Documents by id."""

    def copies(self, groups: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
        """For each group every (document id, title) that carries a passage of it."""


class Store(Protocol):
    """Documents and passages of all collections. All writes are atomic: visible whole, or not at all."""

    def collections(self) -> list[CollectionInfo]: ...

    def create_collection(self, name: str) -> None:
        """Raises ConflictError if it exists, InputError for a bad name."""

    def drop_collection(self, name: str) -> None: ...

    def known(self, collection: str, encode_keys: Sequence[str]) -> set[str]:
        """Which encode keys already have vectors of the current encoder."""

    def add(self, collection: str, documents: Sequence[NewDocument]) -> None:
        """Insert or replace documents, all in one transaction. Returns when it would survive a crash."""

    def delete(self, collection: str, document_id: str) -> None:
        """Raises NotFoundError. Not found by any search that begins after it returns."""

    def documents(self, collection: str, *, offset: int = 0, limit: int = 100) -> list[Document]: ...

    def documents_by_id(self, collection: str, ids: Sequence[str]) -> dict[str, Document]:
        """The documents among ``ids`` that exist."""

    def document(self, collection: str, document_id: str) -> Document:
        """Raises NotFoundError."""

    def source_text(self, collection: str, document_id: str) -> str: ...

    def removed(self, collection: str, document_id: str) -> list[tuple[int, int, str]]: ...

    def find_raw(self, collection: str, raw_sha256: str) -> list[Document]:
        """Documents read from these raw bytes."""

    def fingerprints(self, collection: str) -> Iterator[tuple[str, str, int]]:
        """(document id, group, fingerprint) of every passage, for finding near duplicates."""

    def snapshot(self, collection: str) -> Snapshot:
        """Raises NotFoundError for an unknown collection."""

    def publish(self, collection: str) -> None:
        """Fold what was added since into a new immutable generation (speed only: visibility does not wait for it)."""

    def meta(self, key: str) -> Any: ...

    def set_meta(self, key: str, value: Any) -> None: ...

    def close(self) -> None: ...
