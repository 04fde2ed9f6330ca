"""One score from several kinds of evidence, with weights that depend on the language pair.

Equal votes ruin ranking across languages, where BM25 sees nothing but figures and Latin names: there its weight is
small, and romanised names (``names.py``) and translated words (``glossary.py``) take its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for each candidate, all [n]. ``squared`` and ``window`` are late-interaction scores (``late.py``),
    ``dense`` a centred cosine, ``lexical`` BM25 (0 where no word matched), ``names`` and ``glossary`` the shares of
    the question's romanised names and translated words found (``names.py``, ``glossary.py``), ``covered`` that of its
    words in a passage of its language (``coverage.py``; 0 in what was not looked at), ``read`` how far the reader
    believes that the answer stands there (``reader.tempered``; 0 in what was not read)."""

    squared: Floats
    window: Floats
    dense: Floats
    lexical: Floats
    names: Floats
    glossary: Floats
    covered: Floats
    read: Floats


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each kind of evidence counts; BM25 counts as a share of the question's best score."""

    squared: float = 0.0
    window: float = 0.0
    dense: float = 0.0
    lexical: float = 0.0
    names: float = 0.0
    glossary: float = 0.0
    covered: float = 0.0
    read: float = 0.0


@dataclass(frozen=True, slots=True)
class Blend:
    """Weights for passages in the language of the question, and for passages in another.

    ``head_start``: added to the latter. Within a language there is more evidence to be had (words), and matches are
    closer, so where a collection holds both, what only says something near in the language of the question would
    stand before what answers in the other.
    """

    same: Weights
    across: Weights
    head_start: float = 0.0


SHIPPED = Blend(
    same=Weights(squared=1.0, window=0.4, lexical=0.05, covered=0.3, read=0.3),
    across=Weights(squared=1.0, window=0.6, lexical=0.01, names=0.11, glossary=0.28, read=0.1),
    head_start=0.2,
)
"""Across languages fitted by ``qa.evaluate.blend`` and rounded; what does not help is 0. Within a language the middle
of a plateau on ``dev`` halves, and ``head_start`` chosen among seven on articles in both languages; both are told in
``evals/README.md``."""


def fuse(evidence: Evidence, same_language: npt.NDArray[np.bool_], blend: Blend = SHIPPED) -> Floats:
    """Fused scores, [n]."""
    across = _sum(evidence, blend.across) + blend.head_start
    return np.asarray(np.where(same_language, _sum(evidence, blend.same), across), np.float32)


def _sum(evidence: Evidence, weights: Weights) -> Floats:
    return np.asarray(
        weights.squared * evidence.squared
        + weights.window * evidence.window
        + weights.dense * evidence.dense
        + weights.lexical * relative_lexical(evidence.lexical)
        + weights.names * evidence.names
        + weights.glossary * evidence.glossary
        + weights.covered * evidence.covered
        + weights.read * evidence.read
    )


def relative_lexical(lexical: Floats) -> Floats:
    """BM25 as a share of the best score of this question, 0..1, so that it can be weighed against cosines."""
    best = float(lexical.max(initial=0.0))
    return np.asarray(lexical / best if best > 0 else np.zeros_like(lexical), np.float32)
