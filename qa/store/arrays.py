"""The flat arrays that hold what is searched of a run of passages, and how to cut, join and count them.

Runs of different length (token codes, token ids) stand one after the other in one array; passage ``i`` owns
``offsets[i]..offsets[i + 1]`` of it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from qa.types import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)
Array = npt.NDArray[Any]
Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Layout:
    """``dims`` of a vector, ``width``: bytes of a token's codes."""

    dims: int
    width: int


@dataclass(frozen=True, slots=True)
class Arrays:
    """``n`` passages of ascending ``rows``, with ``t`` tokens and ``m`` token ids in all."""

    rows: Int64s
    stamps: Int64s
    languages: npt.NDArray[np.uint8]
    """Places in ``LANGUAGES``."""
    vectors: npt.NDArray[np.float16]
    """[n, dims], raw."""
    centred: npt.NDArray[np.float16]
    """[n, dims], what candidate search compares."""
    tokens: npt.NDArray[np.uint8]
    """[t, width] codes, see tokens.py."""
    offsets: Int64s
    ids: Int32s
    """[m], the distinct token ids of each passage."""
    id_offsets: Int64s

    def __len__(self) -> int:
        return len(self.rows)


def select(arrays: Arrays, positions: Int64s) -> Arrays:
    """The arrays of some passages alone, in the order given."""
    tokens, offsets = gather(arrays.tokens, arrays.offsets, positions)
    ids, id_offsets = gather(arrays.ids, arrays.id_offsets, positions)
    return Arrays(
        rows=arrays.rows[positions],
        stamps=arrays.stamps[positions],
        languages=arrays.languages[positions],
        vectors=arrays.vectors[positions],
        centred=arrays.centred[positions],
        tokens=tokens,
        offsets=offsets,
        ids=ids,
        id_offsets=id_offsets,
    )


def gather(values: Array, offsets: Int64s, positions: Int64s) -> tuple[Array, Int64s]:
    """The runs of some passages, one after the other, and their new offsets."""
    starts, ends = offsets[positions].tolist(), offsets[positions + 1].tolist()
    runs = [values[start:end] for start, end in zip(starts, ends, strict=True)]
    joined = np.concatenate(runs) if runs else values[:0]
    return joined, offsets_of([len(run) for run in runs])


def concatenate(parts: list[Arrays]) -> Arrays:
    """One after the other; their rows have to ascend across them."""
    joined = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Arrays)
        if not field.name.endswith("offsets")
    }
    return Arrays(
        **joined,
        offsets=_joined_offsets([part.offsets for part in parts]),
        id_offsets=_joined_offsets([part.id_offsets for part in parts]),
    )


def in_order(arrays: Arrays) -> Arrays:
    """The same passages by ascending row."""
    order = np.argsort(arrays.rows)
    return arrays if (np.diff(order) == 1).all() else select(arrays, order)


def _joined_offsets(parts: list[Int64s]) -> Int64s:
    return offsets_of(np.concatenate([np.diff(part) for part in parts]))


def offsets_of(lengths: Int64s | list[int]) -> Int64s:
    """[n] lengths -> [n + 1] offsets."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def count_ids(ids: Int32s) -> Int64s:
    """[m] token ids, each once a passage -> [2, k]: ascending ids, and in how many passages each occurs."""
    return np.stack(np.unique(ids, return_counts=True)).astype(np.int64)


def lookup(frequency: Int64s, token_ids: Int32s) -> Int64s:
    """Counts from a table of :func:`count_ids`, 0 for ids that it has not."""
    known, counts = frequency
    if len(known) == 0:
        return np.zeros(len(token_ids), dtype=np.int64)
    places = np.minimum(np.searchsorted(known, token_ids), len(known) - 1)
    return np.where(known[places] == token_ids, counts[places], 0)


def positions_of(rows: Int64s, wanted: Int64s) -> tuple[Int64s, Mask]:
    """Where each wanted row stands in ascending ``rows``, and whether it stands there at all."""
    if len(rows) == 0:
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=np.bool_)
    places = np.minimum(np.searchsorted(rows, wanted), len(rows) - 1)
    return places, rows[places] == wanted
