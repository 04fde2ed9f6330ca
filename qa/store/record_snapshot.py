"""A search's view of the records: one read transaction of the database, held for as long as the search lasts.

Whatever is added, deleted or dropped meanwhile, it goes on to see what it saw: a passage that was found can be read
although it was deleted since. The transaction ends when the snapshot is closed or collected; held for long, it only
keeps the database from forgetting older states.
"""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from qa.errors import EncoderError, NotFoundError
from qa.store import lexical, passages, records
from qa.store.database import Database
from qa.store.encodings import Packing
from qa.store.records import Head
from qa.store.store import Candidates, Floats, Rows, Selection
from qa.store.word_counts import Counts
from qa.types import Document, Filters, Language, Passage


class RecordSnapshot(ABC):
    """Implements :class:`qa.store.store.Snapshot` but for vectors. Safe to share between threads."""

    def __init__(
        self, database: Database, connection: sa.Connection, head: Head, packing: Packing, counts: Counts
    ) -> None:
        """``connection``: with a read transaction, which the snapshot ends. ``counts``: of words at ``head``."""
        self._database = database
        self._connection = connection
        self._packing = packing
        self._collection = head.id
        self._word_counts = counts
        self._lock = Lock()
        self._finalizer = weakref.finalize(self, connection.close)
        self._finalizer.atexit = False

    @property
    def size(self) -> int:
        """Live passages."""
        return sum(self.languages.values())

    @property
    @abstractmethod
    def languages(self) -> dict[Language, int]:
        """Live passages of each language that has any."""

    @abstractmethod
    def dense(self, centred: Floats, language: Language, limit: int, allowed: Selection | None) -> Candidates:
        """Nearest passages of one language by inner product with their ``centred`` vectors."""

    @abstractmethod
    def document_frequency(self, token_ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """In how many passages each token id occurs."""

    @abstractmethod
    def vectors(self, rows: Rows) -> Floats:
        """[len(rows), dims] raw vectors. Raises NotFoundError for a row that is not in the snapshot."""

    @abstractmethod
    def late_scores(self, queries: Floats, rows: Rows) -> list[Floats]:
        """For each row the matrix [len(queries), tokens of that passage] of inner products with its token vectors.

        Raises NotFoundError for a row that is not in the snapshot.
        """

    def close(self) -> None:
        """End the read transaction now; otherwise it ends with the snapshot."""
        self._finalizer()

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._lock, self._database.translated():
            yield self._connection

    def allowed(self, filters: Filters | None) -> Selection | None:
        """What may be found; None where all may. An unknown document id passes nothing.

        A digest whose original is in the collection is never found: the original takes its place. Raises QuestionError
        for a filter that names too much.
        """
        with self._reading() as connection:
            replaced = records.replaced_digests(connection, self._collection)
        if not replaced and (filters is None or filters == Filters()):
            return None
        asked = filters or Filters()
        conditions = records.admitting(self._collection, asked, replaced)

        def rows() -> Rows:
            with self._reading() as connection:
                return records.allowed_rows(connection, conditions)

        def documents(most: int) -> list[int] | None:
            with self._reading() as connection:
                return records.allowed_documents(connection, conditions, most)

        return Selection(asked, replaced, rows, documents)

    def lexical(self, words: Sequence[str], limit: int, allowed: Selection | None) -> Candidates:
        """BM25 over words, any word may match; scores positive, higher is better."""
        counts = self._counts(lexical.phrases(words))
        return self._ranked(counts, limit, None if allowed is None else allowed.rows)

    def _ranked(self, counts: dict[str, int], limit: int, rows: Rows | None) -> Candidates:
        """The best by BM25, among ``rows`` where those are given."""
        with self._reading() as connection:
            return Candidates(*lexical.search(connection, self._collection, counts, limit, self.size, rows))

    def _counts(self, phrases: Sequence[str]) -> dict[str, int]:
        """How often phrases occur."""

        def count(fresh: list[str]) -> dict[str, int]:
            with self._reading() as connection:
                return lexical.count(connection, self._collection, fresh)

        return self._word_counts.find(phrases, count)

    def word_frequency(self, words: Sequence[str]) -> npt.NDArray[np.int64]:
        """In how many passages each word of the lexical index occurs."""
        asked = [lexical.phrase(word) for word in words]
        counts = self._counts([phrase for phrase in asked if phrase is not None])
        return np.array([0 if phrase is None else counts[phrase] for phrase in asked], dtype=np.int64)

    def _question(self, centred: Floats) -> Floats:
        """A question's vector, checked. Raises EncoderError."""
        query = np.asarray(centred, dtype=np.float32)
        if query.shape != (self._packing.dims,) or not np.isfinite(query).all():
            raise EncoderError(f"A question's vector of shape {query.shape}, not {self._packing.dims} finite numbers.")
        return query

    def _scores(self, queries: Floats, runs: list[npt.NDArray[np.uint8]]) -> list[Floats]:
        """One product for all passages, then cut."""
        if not runs:
            return []
        scores = self._packing.codec.scores(queries, np.concatenate(runs))
        ends = np.cumsum([len(run) for run in runs]).tolist()
        return [scores[:, end - len(run) : end] for run, end in zip(runs, ends, strict=True)]

    def passages(self, rows: Rows) -> list[Passage]:
        """The passages of these rows, in order, also of those deleted since the snapshot was taken.

        Raises NotFoundError for a row that is not in the snapshot.
        """
        numbers = np.asarray(rows, dtype=np.int64).tolist()
        with self._reading() as connection:
            found = passages.by_row(connection, self._collection, numbers)
        if unknown := [number for number in numbers if number not in found]:
            raise NotFoundError(f"Row {unknown[0]} is not in this snapshot.", "Search again.")
        return [found[number] for number in numbers]

    def documents(self, ids: Sequence[str]) -> dict[str, Document]:
        """Documents by id; unknown ids are left out."""
        with self._reading() as connection:
            return records.documents_by_id(connection, self._collection, ids)

    def copies(self, groups: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
        """For each group every (document id, title) that carries a passage of it, oldest first."""
        with self._reading() as connection:
            return passages.copies(connection, self._collection, groups)
