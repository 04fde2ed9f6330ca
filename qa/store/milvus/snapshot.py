"""A search's view of a collection whose vectors are in Milvus.

What is alive is what the database's read transaction says, at one revision. Milvus holds more (what was deleted less
than a minute ago, what a writer puts in just now): every candidate is looked up, and where too few are alive, twice as
many are asked for. A search waits for the timestamp of the last write of that revision and for no later one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from threading import Lock

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from qa.errors import NotFoundError
from qa.store import lexical, records
from qa.store.arrays import lookup
from qa.store.database import Database
from qa.store.encodings import Packing, read_arrays, slices
from qa.store.milvus.counts import Totals
from qa.store.milvus.filters import expression
from qa.store.milvus.schema import FETCHED, SPARSE, VECTOR, Fetched, Shape, fetched, index_parameters
from qa.store.milvus.server import Hit, Server
from qa.store.record_snapshot import RecordSnapshot
from qa.store.records import Head
from qa.store.store import Candidates, Floats, Rows, Selection
from qa.types import Filters, Language

log = logging.getLogger(__name__)

_MORE = 16
"""Candidates asked for beyond those wanted, for rows that are no longer alive."""
_MOST = 16_384
"""That a server gives in one search."""
_LEXICAL_SHARE, _LEXICAL_LEAST = 4, 120
"""Lexical candidates that Milvus is asked for: times those wanted, and at least. The database ranks them."""
_AT_ONCE = 200


class MilvusSnapshot(RecordSnapshot):
    """Implements :class:`qa.store.store.Snapshot`. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        connection: sa.Connection,
        head: Head,
        packing: Packing,
        totals: Totals,
        engine: tuple[Server, Shape],
    ) -> None:
        super().__init__(database, connection, head, packing, totals.words)
        self._totals = totals
        self._server, self._shape = engine
        self._held: dict[int, Fetched] = {}
        self._fetching = Lock()

    @property
    def languages(self) -> dict[Language, int]:
        """Live passages of each language that has any."""
        return dict(self._totals.tally.languages)

    def dense(self, centred: Floats, language: Language, limit: int, allowed: Selection | None) -> Candidates:
        """Nearest passages of one language by inner product with their ``centred`` vectors. Raises EngineError."""
        query = self._question(centred)
        wanted = min(limit, self.languages.get(language, 0))
        if wanted < 1:
            return _candidates([], 0)
        hits = self._alive(query, language, wanted, allowed)
        if allowed is None and len(hits) < wanted:
            log.warning("Milvus holds fewer passages than the database. Run `qa doctor`, and `qa doctor --repair`.")
        return _candidates(hits, limit)

    def _alive(self, query: Floats, language: Language, wanted: int, allowed: Selection | None) -> list[Hit]:
        where = expression(self._collection, language, allowed)
        asked = min(wanted + _MORE, _MOST)
        while True:
            found = self._search(query, VECTOR, where, asked, index_parameters(asked))
            living = self._living(found, allowed)
            if len(living) >= wanted or len(found) < asked or asked == _MOST:
                return living
            asked = min(2 * asked, _MOST)

    def _search(
        self, query: Floats | str, field: str, where: str, limit: int, parameters: dict[str, object]
    ) -> list[Hit]:
        name, seen = self._shape.name, self._totals.seen
        return self._server.search(name, query, field, where, limit, parameters=parameters, seen=seen)

    def _living(self, hits: Sequence[Hit], allowed: Selection | None) -> list[Hit]:
        """Those that the database knows and lets pass, each once."""
        filters, without = (allowed.filters, allowed.without) if allowed is not None else (Filters(), ())
        conditions = records.admitting(self._collection, filters, without)
        with self._reading() as connection:
            stamps = records.allowed_stamps(connection, conditions, [hit.row for hit in hits])
        return list({hit.row: hit for hit in hits if stamps.get(hit.row) == hit.stamp}.values())

    def lexical(self, words: Sequence[str], limit: int, allowed: Selection | None) -> Candidates:
        """BM25 over words, any word may match; scores positive, higher is better.

        Where the server has BM25 it names the candidates, and the database gives them the scores that it would have
        given: weights of the evidence hold for either.
        """
        if not self._shape.bm25:
            return super().lexical(words, limit, allowed)
        counts = self._counts(lexical.phrases(words))
        if limit < 1 or not any(counts.values()):
            return _candidates([], 0)
        where = expression(self._collection, None, allowed)
        asked = min(max(_LEXICAL_SHARE * limit, _LEXICAL_LEAST), _MOST)
        text = " ".join(phrase[1:-1] for phrase, count in counts.items() if count)
        found = self._living(self._search(text, SPARSE, where, asked, {"metric_type": "BM25"}), allowed)
        return self._ranked(counts, limit, np.array(sorted(hit.row for hit in found), dtype=np.int64))

    def document_frequency(self, token_ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """In how many passages each token id occurs."""
        return lookup(self._totals.tally.tokens, token_ids)

    def vectors(self, rows: Rows) -> Floats:
        """[len(rows), dims] raw vectors. Raises NotFoundError for a row that is not in the snapshot, EngineError."""
        held = self._fetch(rows)
        out = np.empty((len(rows), self._packing.dims), dtype=np.float32)
        for place, row in enumerate(np.asarray(rows, dtype=np.int64).tolist()):
            out[place] = held[row].vector
        return out

    def late_scores(self, queries: Floats, rows: Rows) -> list[Floats]:
        """For each row the matrix [len(queries), tokens of that passage] of inner products with its token vectors.

        Raises NotFoundError for a row that is not in the snapshot, EngineError.
        """
        held = self._fetch(rows)
        return self._scores(queries, [held[row].tokens for row in np.asarray(rows, dtype=np.int64).tolist()])

    def _fetch(self, rows: Rows) -> dict[int, Fetched]:
        """The vectors of these rows; those of the last rows asked for are kept, since both kinds are wanted of them."""
        wanted = set(np.asarray(rows, dtype=np.int64).tolist())
        with self._fetching:
            if not wanted <= self._held.keys():
                self._held = self._from_milvus(sorted(wanted))
                self._held |= self._from_database(sorted(wanted - self._held.keys()))
            held = self._held
        if missing := sorted(wanted - held.keys()):
            raise NotFoundError(f"Row {missing[0]} is not in this snapshot.", "Search again.")
        return held

    def _from_milvus(self, rows: Sequence[int]) -> dict[int, Fetched]:
        found: dict[int, Fetched] = {}
        for some in slices(rows, _AT_ONCE):
            where = f"collection == {self._collection} and row in {list(some)}"
            for entity in self._server.query(self._shape.name, where, FETCHED, seen=self._totals.seen):
                read = fetched(entity, self._packing.codec.width)
                if read is not None:
                    found[int(entity["row"])] = read
        return found

    def _from_database(self, rows: Sequence[int]) -> dict[int, Fetched]:
        """What Milvus does not have (any more), or not in full."""
        if not rows:
            return {}
        found: dict[int, Fetched] = {}
        with self._reading() as connection:
            wanted = np.array(rows, dtype=np.int64)
            for arrays in read_arrays(connection, wanted, self._packing.layout, _AT_ONCE):
                ends = arrays.offsets.tolist()
                for place, row in enumerate(arrays.rows.tolist()):
                    tokens = arrays.tokens[ends[place] : ends[place + 1]]
                    found[row] = Fetched(arrays.vectors[place], tokens)
        return found


def _candidates(hits: Sequence[Hit], limit: int) -> Candidates:
    """Best first, ties by row."""
    best = sorted(hits, key=lambda hit: (-hit.score, hit.row))[:limit]
    rows = np.array([hit.row for hit in best], dtype=np.int64)
    return Candidates(rows, np.array([hit.score for hit in best], dtype=np.float32))
