"""Late interaction: every question token looks for its best match among a passage's token vectors.

    linear(q, d) = sum_i w_i * max_j q_i . d_j       (MaxSim; Khattab and Zaharia, ColBERT, SIGIR 2020)
    squared(q, d) = sum_i w_i * max_j max(q_i . d_j, 0)^2
    window(q, d) = the greatest ``squared`` of any ``WINDOW`` neighbouring passage tokens

with token vectors centred per language (``qa.encode.centring``) and weights w that sum to 1. Squares let one match that
is sure outweigh two that are vague; the window asks that the matches stand together, as they do in a sentence that
answers. Both are chosen and weighted on training sets (``qa.evaluate.blend``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

IDF_SHARE = 0.5
"""Share of the weight given by rarity; the rest is uniform. Either alone is up to a point worse across languages."""
WINDOW = 32
"""Passage tokens that count as neighbours: about one long sentence."""
_BLOCK = 8
"""Windows start at every eighth token."""


@dataclass(frozen=True, slots=True)
class Matches:
    """How well passages match a question, each [passages]; 0 for a passage without tokens."""

    linear: Floats
    squared: Floats
    window: Floats


def token_weights(frequency: Ints, size: int) -> Floats:
    """Weights of a question's tokens, [n], sum 1: half uniform, half log((N + 1) / (df + 0.5)).

    ``frequency``: [n] number of passages each token occurs in; ``size``: N, number of passages.
    """
    if not len(frequency):
        return np.zeros(0, np.float32)
    idf = np.log((size + 1) / (np.minimum(frequency, size) + 0.5))
    idf = np.maximum(idf, 0.01)
    weights = (1 - IDF_SHARE) / len(idf) + IDF_SHARE * idf / idf.sum()
    return np.asarray(weights, np.float32)


def matches(matrices: Sequence[Floats], weights: Floats) -> Matches:
    """Scores from one [question tokens, passage tokens] similarity matrix a passage, and token ``weights``."""
    found = Matches(*(np.zeros(len(matrices), np.float32) for _ in range(3)))
    held = np.array([i for i, matrix in enumerate(matrices) if matrix.size], np.int64)
    if not len(held):
        return found
    lengths = np.array([matrices[i].shape[1] for i in held])
    blocks, firsts = _blocked(np.concatenate([matrices[i] for i in held], axis=1), lengths)
    best = np.maximum.reduceat(blocks, firsts, axis=1)
    found.linear[held] = weights @ best
    found.squared[held] = _squared(best, weights)
    found.window[held] = np.maximum.reduceat(_squared(_windows(blocks, firsts), weights), firsts)
    return found


def _blocked(similarities: Floats, lengths: Ints) -> tuple[Floats, Ints]:
    """Best similarity in each block of eight tokens, [question tokens, blocks], and each passage's first block."""
    counts = -(-lengths // _BLOCK)
    firsts = np.cumsum(counts) - counts
    within = np.arange(counts.sum()) - np.repeat(firsts, counts)
    starts = np.repeat(np.cumsum(lengths) - lengths, counts) + within * _BLOCK
    return np.maximum.reduceat(similarities, starts, axis=1), firsts


def _windows(blocks: Floats, firsts: Ints) -> Floats:
    """For each block the best similarity in the window that starts there; a window ends with its passage."""
    total = blocks.shape[1]
    lasts = np.append(firsts[1:], total) - 1
    last = np.repeat(lasts, np.diff(np.append(firsts, total)))
    best = blocks
    for step in range(1, WINDOW // _BLOCK):
        best = np.maximum(best, blocks[:, np.minimum(np.arange(total) + step, last)])
    return best


def _squared(best: Floats, weights: Floats) -> Floats:
    return np.asarray(weights @ np.square(np.maximum(best, 0.0)), np.float32)
