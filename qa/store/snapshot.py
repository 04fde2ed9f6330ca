"""Snapshots: one search's view of a collection.

A snapshot is a read transaction of the database together with the state of the derived arrays at the same revision.
Whatever is added, deleted, published or dropped meanwhile, it goes on to see what it saw: a passage that was found
can be read although it was deleted since. The transaction ends when the snapshot is closed or collected; held for
long, it only keeps the database's write-ahead log from shrinking.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from qa.errors import EncoderError, NotFoundError
from qa.store import lexical, passages, records
from qa.store.arrays import LANGUAGES
from qa.store.database import Database
from qa.store.encodings import Packing
from qa.store.parts import Part
from qa.store.state import State
from qa.store.store import Candidates, Floats, Rows
from qa.types import Document, Filters, Language, Passage


class LocalSnapshot:
    """Implements :class:`qa.store.store.Snapshot`. Safe to share between threads."""

    def __init__(self, database: Database, connection: sa.Connection, state: State, packing: Packing) -> None:
        self._database = database
        self._connection = connection
        self._state = state
        self._packing = packing
        self._collection = state.head.id
        self._lock = Lock()
        self._finalizer = weakref.finalize(self, connection.close)
        self._finalizer.atexit = False

    def close(self) -> None:
        """End the read transaction now; otherwise it ends with the snapshot."""
        self._finalizer()

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._lock, self._database.translated():
            yield self._connection

    @property
    def size(self) -> int:
        """Live passages."""
        return sum(part.size for part in self._state.parts)

    @property
    def languages(self) -> dict[Language, int]:
        """Live passages of each language that has any."""
        counts = {
            language: sum(part.languages[code] for part in self._state.parts) for code, language in enumerate(LANGUAGES)
        }
        return {language: count for language, count in counts.items() if count}

    def allowed(self, filters: Filters | None) -> Rows | None:
        """Sorted rows that may be found; None where all may. An unknown document id passes nothing.

        A digest whose original is in the collection is never found: the original takes its place.
        """
        with self._reading() as connection:
            replaced = records.replaced_digests(connection, self._collection)
            if not replaced and (filters is None or filters == Filters()):
                return None
            return records.allowed_rows(connection, self._collection, filters or Filters(), replaced)

    def dense(self, centred: Floats, language: Language, limit: int, allowed: Rows | None) -> Candidates:
        """Nearest passages of one language by inner product with their ``centred`` vectors."""
        query = np.asarray(centred, dtype=np.float32)
        if query.shape != (self._packing.dims,) or not np.isfinite(query).all():
            raise EncoderError(f"A question's vector of shape {query.shape}, not {self._packing.dims} finite numbers.")
        found = [part.nearest(query, language, max(0, limit), allowed) for part in self._state.parts]
        rows = np.concatenate([np.empty(0, dtype=np.int64), *(rows for rows, _ in found)])
        scores = np.concatenate([np.empty(0, dtype=np.float32), *(scores for _, scores in found)])
        best = np.lexsort((rows, -scores))[: max(0, limit)]
        return Candidates(rows[best], scores[best])

    def lexical(self, words: Sequence[str], limit: int, allowed: Rows | None) -> Candidates:
        """BM25 over words, any word may match; scores positive, higher is better."""
        counts = self._counts(lexical.phrases(words))
        with self._reading() as connection:
            return Candidates(*lexical.search(connection, self._collection, counts, limit, self.size, allowed))

    def _counts(self, phrases: Sequence[str]) -> dict[str, int]:
        """How often phrases occur."""

        def count(fresh: list[str]) -> dict[str, int]:
            with self._reading() as connection:
                return lexical.count(connection, self._collection, fresh)

        return self._state.counts.find(phrases, count)

    def document_frequency(self, token_ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """In how many passages each token id occurs."""
        total = np.zeros(len(token_ids), dtype=np.int64)
        for part in self._state.parts:
            total += part.frequency(token_ids)
        return total

    def word_frequency(self, words: Sequence[str]) -> npt.NDArray[np.int64]:
        """In how many passages each word of the lexical index occurs."""
        asked = [lexical.phrase(word) for word in words]
        counts = self._counts([phrase for phrase in asked if phrase is not None])
        return np.array([0 if phrase is None else counts[phrase] for phrase in asked], dtype=np.int64)

    def vectors(self, rows: Rows) -> Floats:
        """[len(rows), dims] raw vectors. Raises NotFoundError for a row that is not in the snapshot."""
        out = np.empty((len(rows), self._packing.dims), dtype=np.float32)
        for part, places, positions in self._located(rows):
            out[places] = part.segment.arrays.vectors[positions]
        return out

    def late_scores(self, queries: Floats, rows: Rows) -> list[Floats]:
        """For each row the matrix [len(queries), tokens of that passage] of inner products with its token vectors.

        Raises NotFoundError for a row that is not in the snapshot.
        """
        runs: list[npt.NDArray[np.uint8]] = [np.empty((0, self._packing.codec.width), dtype=np.uint8)] * len(rows)
        for part, places, positions in self._located(rows):
            arrays = part.segment.arrays
            starts, ends = arrays.offsets[positions].tolist(), arrays.offsets[positions + 1].tolist()
            for place, start, end in zip(places.tolist(), starts, ends, strict=True):
                runs[place] = arrays.tokens[start:end]
        return self._scores(queries, runs)

    def _scores(self, queries: Floats, runs: list[npt.NDArray[np.uint8]]) -> list[Floats]:
        """One product for all passages, then cut."""
        if not runs:
            return []
        scores = self._packing.codec.scores(queries, np.concatenate(runs))
        ends = np.cumsum([len(run) for run in runs]).tolist()
        return [scores[:, end - len(run) : end] for run, end in zip(runs, ends, strict=True)]

    def _located(self, rows: Rows) -> Iterator[tuple[Part, Rows, Rows]]:
        """(part, places in ``rows``, positions in the part's segment) of all rows."""
        wanted = np.asarray(rows, dtype=np.int64)
        left = np.ones(len(wanted), dtype=np.bool_)
        for part in self._state.parts:
            positions, present = part.positions(wanted)
            if present.any():
                left &= ~present
                yield part, np.flatnonzero(present), positions[present]
        if left.any():
            raise NotFoundError(f"Row {int(wanted[left][0])} is not in this snapshot.", "Search again.")

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
