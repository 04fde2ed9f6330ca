"""Parts: a segment together with which of its passages are alive in one state of the collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qa.store.arrays import LANGUAGES, Int32s, Int64s, Mask, count_ids, gather, lookup, positions_of
from qa.store.segment import Segment
from qa.types import Language

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Part:
    """``alive``: [segment] bool, None where all are; ``dead``: token ids of the others, counted."""

    segment: Segment
    alive: Mask | None
    size: int
    languages: tuple[int, ...]
    """Alive passages by place in ``LANGUAGES``."""
    dead: Int64s

    def nearest(self, query: Floats, language: Language, limit: int, allowed: Int64s | None) -> tuple[Int64s, Floats]:
        """Rows of the nearest passages and their scores, in no order."""
        search = self.segment.nearest(language)
        if search is None or self.size == 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        positions, scores = search.search(query, limit, self._usable(allowed))
        return self.segment.arrays.rows[positions], scores

    def _usable(self, allowed: Int64s | None) -> Mask | None:
        if allowed is None:
            return self.alive
        places, present = positions_of(self.segment.arrays.rows, allowed)
        usable = np.zeros(len(self.segment.arrays), dtype=np.bool_)
        usable[places[present]] = True
        return usable if self.alive is None else usable & self.alive

    def frequency(self, token_ids: Int32s) -> Int64s:
        """In how many alive passages each token id occurs."""
        return self.segment.frequency(token_ids) - lookup(self.dead, token_ids)

    def positions(self, rows: Int64s) -> tuple[Int64s, Mask]:
        """Where rows stand in the segment, and whether they stand there alive."""
        places, present = positions_of(self.segment.arrays.rows, rows)
        return places, present if self.alive is None else present & self.alive[places]

    def alive_positions(self) -> Int64s:
        return np.arange(len(self.segment.arrays)) if self.alive is None else np.flatnonzero(self.alive)


def make_part(segment: Segment, alive: Mask) -> Part:
    arrays = segment.arrays
    counts = np.bincount(arrays.languages[alive], minlength=len(LANGUAGES))
    dead_ids, _ = gather(arrays.ids, arrays.id_offsets, np.flatnonzero(~alive))
    size = int(counts.sum())
    return Part(segment, None if size == len(arrays) else alive, size, tuple(counts.tolist()), count_ids(dead_ids))


@dataclass(frozen=True, slots=True)
class Cover:
    """``parts``: one for each segment that belongs to the database; ``missing``: live rows that none of them holds;
    ``foreign``: how many segments were left out."""

    parts: tuple[Part, ...]
    missing: Int64s
    foreign: int


def cover(rows: Int64s, stamps: Int64s, segments: Sequence[Segment]) -> Cover:
    """Divide the live rows (ascending, with their stamps) among segments: each row belongs to the first that has it.

    A segment that holds a row with another stamp was made from another database, and none of it is used.
    """
    covered = np.zeros(len(rows), dtype=np.bool_)
    parts, foreign = [], 0
    for segment in segments:
        places, live = positions_of(rows, segment.arrays.rows)
        if (stamps[places[live]] != segment.arrays.stamps[live]).any():
            foreign += 1
            continue
        alive = live.copy()
        alive[live] = ~covered[places[live]]
        covered[places[alive]] = True
        parts.append(make_part(segment, alive))
    return Cover(tuple(parts), rows[~covered], foreign)
