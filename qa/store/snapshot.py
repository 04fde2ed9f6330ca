"""The local store's snapshots: a search's view of the records, and of the derived arrays at the same revision."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from qa.errors import NotFoundError
from qa.store.arrays import LANGUAGES
from qa.store.database import Database
from qa.store.encodings import Packing
from qa.store.parts import Part
from qa.store.record_snapshot import RecordSnapshot
from qa.store.state import State
from qa.store.store import Candidates, Floats, Rows, Selection
from qa.types import Language


class LocalSnapshot(RecordSnapshot):
    """Implements :class:`qa.store.store.Snapshot`. Safe to share between threads."""

    def __init__(self, database: Database, connection: sa.Connection, state: State, packing: Packing) -> None:
        super().__init__(database, connection, state.head, packing, state.counts)
        self._state = state

    @property
    def languages(self) -> dict[Language, int]:
        """Live passages of each language that has any."""
        counts = {
            language: sum(part.languages[code] for part in self._state.parts) for code, language in enumerate(LANGUAGES)
        }
        return {language: count for language, count in counts.items() if count}

    def dense(self, centred: Floats, language: Language, limit: int, allowed: Selection | None) -> Candidates:
        """Nearest passages of one language by inner product with their ``centred`` vectors."""
        query = self._question(centred)
        among = None if allowed is None else allowed.rows
        found = [part.nearest(query, language, max(0, limit), among) for part in self._state.parts]
        rows = np.concatenate([np.empty(0, dtype=np.int64), *(rows for rows, _ in found)])
        scores = np.concatenate([np.empty(0, dtype=np.float32), *(scores for _, scores in found)])
        best = np.lexsort((rows, -scores))[: max(0, limit)]
        return Candidates(rows[best], scores[best])

    def document_frequency(self, token_ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """In how many passages each token id occurs."""
        total = np.zeros(len(token_ids), dtype=np.int64)
        for part in self._state.parts:
            total += part.frequency(token_ids)
        return total

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
