"""One score from several kinds of evidence, with weights that depend on the language pair.

Equal votes ruin ranking across languages, where lexical evidence has nothing to say: there its weight is nil, and
romanised names (``names.py``) take its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each kind of evidence adds to the late-interaction score (whose own weight is 1)."""

    dense: float
    lexical: float
    names: float


SAME_LANGUAGE = Weights(dense=0.2, lexical=0.03, names=0.0)
ACROSS_LANGUAGES = Weights(dense=0.2, lexical=0.0, names=0.05)


def fuse(late: Floats, dense: Floats, lexical: Floats, names: Floats, same_language: npt.NDArray[np.bool_]) -> Floats:
    """Fused scores, [n]. ``late`` and ``dense`` are cosines, ``lexical`` is BM25 (0 where no word matched), ``names``
    is the share of romanised names found, all [n]."""
    share = relative_lexical(lexical)
    same, across = (
        late + weights.dense * dense + weights.lexical * share + weights.names * names
        for weights in (SAME_LANGUAGE, ACROSS_LANGUAGES)
    )
    return np.asarray(np.where(same_language, same, across), np.float32)


def relative_lexical(lexical: Floats) -> Floats:
    """BM25 as a share of the best score of this question, 0..1, so that it can be weighed against cosines."""
    best = float(lexical.max(initial=0.0))
    return np.asarray(lexical / best if best > 0 else np.zeros_like(lexical), np.float32)
