"""How much of a question stands, word for word, in a passage of its language: ``covered``.

    covered(q, d) = sum_{w in q and d} r_w / sum_{w in q} r_w,     r_w = log((N + 1) / (df_w + 0.5))

over distinct words (``qa.ingest.words``). Unlike BM25, which is told as a share of the best score that a question gets,
this says how much was found at all: where half of a question stands nowhere, the best passage gets half.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from qa.ingest.words import words
from qa.store.store import Snapshot

Floats = npt.NDArray[np.float32]

UNKNOWN = 0.5
"""Coverage of a question without words: nothing could be found, and nothing be missed."""


def rarity(snapshot: Snapshot, asked: Sequence[str]) -> dict[str, float]:
    """r_w of each distinct word of a question, from N passages of which df_w hold it; never negative."""
    unique = sorted(set(asked))
    counts = np.minimum(snapshot.word_frequency(unique), snapshot.size)
    return {w: float(np.log((snapshot.size + 1) / (n + 0.5))) for w, n in zip(unique, counts.tolist(), strict=True)}


def covered(weights: Mapping[str, float], passages: Sequence[str]) -> Floats:
    """Coverage by each of ``passages`` (matchable texts), [passages], 0..1. ``weights``: the question's ``rarity``."""
    total = sum(weights.values())
    if total <= 0:
        return np.full(len(passages), UNKNOWN, np.float32)
    shares = [sum(weights[word] for word in weights.keys() & words_of(passage)) / total for passage in passages]
    return np.array(shares, np.float32)


@lru_cache(maxsize=8192)
def words_of(passage: str) -> frozenset[str]:
    """The distinct words of a matchable text, remembered: the same passages come back for many questions."""
    return frozenset(words(passage))


def cached_words() -> tuple[int, int]:
    """How often the words of a passage were remembered, and how often not."""
    info = words_of.cache_info()
    return info.hits, info.misses
