"""Nearest passages of one language in one segment, by inner product, with FAISS.

Up to ``EXACT`` vectors the search is exhaustive; above, an HNSW graph proposes and the true product ranks. Both keep
their vectors in half precision, which is how the store keeps them: nothing is lost, and half the memory is read.
Scores are products in double precision of the stored vectors, so that they do not depend on which segment, graph or
instruction set found a passage.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]
Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

EXACT = 32_768
"""Vectors searched one by one: about 2 ms on one core with 384 dimensions."""
_LINKS, _BUILD_BREADTH, _SEARCH_BREADTH = 32, 240, 256
"""HNSW M, efConstruction, efSearch of a graph of ``EXACT``. To build with 240 takes up to twice as long as with 120, a
twentieth of the time of encoding, and misses half as many (docs/sizing.md)."""
_MOST_BREADTH = 4096
_AT_ONCE = 65_536
"""Vectors added in single precision at a time."""
_SLACK = 16
"""Proposed beyond what is asked, so that rounding and ties at the edge are settled by the true score and the row."""


def products(query: Floats, vectors: Halves) -> Floats:
    """[d], [n, d] -> [n] inner products, computed in double precision, each row by itself."""
    exact: npt.NDArray[np.float64] = np.einsum("nd,d->n", vectors.astype(np.float64), query.astype(np.float64))
    return exact.astype(np.float32)


def _faiss() -> Any:
    """FAISS, loaded when a search or a build needs it; its own type stubs do not know what its wrappers accept."""
    import faiss

    return faiss


def build_graph(vectors: Halves) -> Any:
    """An HNSW graph over more vectors than are searched one by one."""
    faiss = _faiss()
    index = faiss.IndexHNSWSQ(vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, _LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = _BUILD_BREADTH
    return extend_graph(index, vectors)


def extend_graph(graph: Any, vectors: Halves) -> Any:
    """The graph with more vectors, at the positions after those that it has."""
    for start in range(0, len(vectors), _AT_ONCE):
        graph.add(vectors[start : start + _AT_ONCE].astype(np.float32))
    return graph


def search_breadth(count: int) -> int:
    """efSearch for a graph of ``count`` vectors. With one breadth recall falls as a graph grows: 256 finds .998 of the
    50 nearest of 20,000 synthetic vectors, .990 of 50,000 and .977 of 125,000, 768 finds .991 (docs/sizing.md)."""
    return round(_SEARCH_BREADTH * min(math.pow(max(1.0, count / EXACT), 0.75), _MOST_BREADTH / _SEARCH_BREADTH))


def write_graph(graph: Any, path: Path) -> None:
    """Raises OSError where the file cannot be written in full."""
    faiss = _faiss()
    try:
        faiss.write_index(graph, str(path))
    except RuntimeError as error:
        raise OSError(f"{path}: {error}") from error


def read_graph(path: Path) -> Any:
    """Raises OSError where the file is not a graph."""
    faiss = _faiss()
    try:
        return faiss.read_index(str(path))
    except RuntimeError as error:
        raise OSError(f"{path}: {error}") from error


def _exhaustive(vectors: Halves) -> Any:
    """A search one by one; the codes of its quantiser are the half-precision numbers themselves."""
    faiss = _faiss()
    index = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    index.add_sa_codes(np.ascontiguousarray(vectors).view(np.uint8))
    return index


def _search(index: Any, query: Floats, limit: int, parameters: Any) -> Positions:
    """In the calling thread: FAISS would share even one question between threads, which wait for each other; with a
    busy neighbour that took 100 ms here instead of 0.3."""
    faiss = _faiss()
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        found: Positions = index.search(query[None], limit, params=parameters)[1][0]
    finally:
        faiss.omp_set_num_threads(threads)
    return found[found >= 0]


class Nearest:
    """``members``: positions in the segment of the passages of one language; ``centred``: the whole segment's.

    ``graph``: the FAISS graph over the members, None to search one by one.
    """

    def __init__(self, members: Positions, centred: Halves, graph: Any | None) -> None:
        self._members = members
        self._centred = centred
        self._is_graph = graph is not None
        self._index = _exhaustive(centred[members]) if graph is None else graph

    def search(self, query: Floats, limit: int, usable: Mask | None) -> tuple[Positions, Floats]:
        """Positions of the nearest and their scores, in no order, a few more than ``limit`` where there are more.

        ``usable``: [segment] bool, the passages that may be found; None for all.
        """
        found = self._propose(query, limit + _SLACK, None if usable is None else usable[self._members])
        positions = self._members[found]
        return positions, products(query, self._centred[positions])

    def _propose(self, query: Floats, limit: int, usable: Mask | None) -> Positions:
        count = len(self._members) if usable is None else int(usable.sum())
        if count <= limit:
            return np.arange(len(self._members)) if usable is None else np.flatnonzero(usable)
        if self._is_graph and count <= EXACT:
            return self._scan(query, limit, usable)
        found = self._ask(query, limit, usable)
        return found if len(found) == limit else self._scan(query, limit, usable)

    def _ask(self, query: Floats, limit: int, usable: Mask | None) -> Positions:
        faiss = _faiss()
        selector = None if usable is None else faiss.IDSelectorBitmap(np.packbits(usable, bitorder="little"))
        parameters = (
            faiss.SearchParametersHNSW(sel=selector, efSearch=max(search_breadth(len(self._members)), 2 * limit))
            if self._is_graph
            else faiss.SearchParameters(sel=selector)
        )
        return _search(self._index, query, limit, parameters)

    def _scan(self, query: Floats, limit: int, usable: Mask | None) -> Positions:
        """Exact, for what a graph finds badly: few usable passages among many."""
        candidates = np.arange(len(self._members)) if usable is None else np.flatnonzero(usable)
        index = _exhaustive(self._centred[self._members[candidates]])
        return candidates[_search(index, query, limit, None)]
