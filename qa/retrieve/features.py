"""What is known of a hit when its probability is asked for: the features of ``calibrate.py``."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qa.retrieve.calibrate import Features
from qa.retrieve.coverage import UNKNOWN, covered
from qa.retrieve.fuse import SHIPPED
from qa.retrieve.pool import Pool, Question, shown
from qa.types import Passage

Floats = npt.NDArray[np.float32]

FIRST = 5
"""Hits that together decide whether the question is answered."""
UNRELATED = 0.1
"""Fused score of a passage on something else, in the language of the question: what a collection of a few passages is
taken to hold besides them."""
KEYWORDS = 3
"""Question tokens that weigh most, which a passage that answers seldom lacks."""
BARS = (0.5, 0.6, 0.7)
"""Cosines below which a question token counts as not matched."""
MOST_ODDS = 12.0
"""Log-odds of the reader beyond which it is as sure as can be."""
FIGURE = re.compile(r"\d+(?:\.\d+)?")


def describe(question: Question, pool: Pool, scores: Floats, order: Sequence[int]) -> list[Features]:
    """Features of the candidates ``order`` (places in ``pool``, best first), which has fused ``scores``."""
    fused = scores[list(order)]
    unrelated = UNRELATED if pool.same_language[order[0]] else UNRELATED + SHIPPED.head_start
    absent = np.full(max(0, FIRST - len(scores)), unrelated, np.float32)
    median = float(np.median(np.concatenate([scores, absent])))
    evidence = pool.evidence
    best = int(np.argmax(evidence.lexical)) if evidence.lexical.any() else None
    held = [pool.passages[i] for i in order]
    across = [not pool.same_language[i] for i in order]
    rare = [
        UNKNOWN if foreign else float(covered(pool.rarity, [shown(passage)])[0])
        for passage, foreign in zip(held, across, strict=True)
    ]
    matched = [_best(pool.matrices[i]) for i in order]
    missed = _missed(matched[:FIRST], pool.weights)
    keywords = [_keywords(each, pool.weights) for each in matched]
    read = np.clip(pool.odds[list(order)], -MOST_ODDS, MOST_ODDS)
    return [
        Features(
            late=float(pool.late[i]),
            dense=float(evidence.dense[i]),
            squared=float(evidence.squared[i]),
            window=float(evidence.window[i]),
            glossary=float(evidence.glossary[i]) if across[place] else 0.5,
            margin=float(fused[place] - _rival(fused, place, unrelated)),
            gap=float(fused[place] - median),
            weakest=_weakest(matched[place], pool.weights),
            rare=rare[place],
            figures=_figures(question.text, held[place]),
            names=1.0 if (share := pool.names[i]) is None else share,
            agreement=0.5 if best is None or across[place] else float(best == i),
            best_dense=float(evidence.dense[list(order[:FIRST])].max()),
            best_rare=max(rare[:FIRST]),
            across=float(across[place]),
            length=float(np.log1p(len(pool.weights))),
            missed_50=missed[0],
            missed_60=missed[1],
            missed_70=missed[2],
            keyword_least=keywords[place][0],
            keyword_mean=keywords[place][1],
            best_keyword_least=max(least for least, _ in keywords[:FIRST]),
            read=float(read[place]),
            best_read=float(read[:FIRST].max()),
        )
        for place, i in enumerate(order)
    ]


def _rival(fused: Floats, place: int, unrelated: float) -> float:
    """The best score of any other hit; that of an unrelated passage where there is no other."""
    if place:
        return float(fused[0])
    return float(fused[1]) if len(fused) > 1 else unrelated


def _weakest(best: Floats, weights: Floats) -> float:
    """Weighted mean of the best matches of the third of the question (by weight) that is matched worst."""
    if not best.any():
        return 0.0
    order = np.argsort(best, kind="stable")
    before = np.cumsum(weights[order]) - weights[order]
    share = np.clip(1 / 3 - before, 0, weights[order])
    return float(best[order] @ share / share.sum())


def _best(similarities: Floats) -> Floats:
    """[question tokens] best match of each in a passage; 0 in one without tokens."""
    return similarities.max(axis=1) if similarities.size else np.zeros(len(similarities), np.float32)


def _missed(best: Sequence[Floats], weights: Floats) -> list[float]:
    """Share of the question, by weight, that is matched below each bar in all of the hits."""
    anywhere = np.max(best, axis=0)
    return [float(weights[anywhere < bar].sum()) for bar in BARS]


def _keywords(best: Floats, weights: Floats) -> tuple[float, float]:
    """Least and mean best match of the question's weightiest tokens; 0 for a question without tokens."""
    matched = best[np.argsort(-weights, kind="stable")[:KEYWORDS]]
    return (float(matched.min()), float(matched.mean())) if len(matched) else (0.0, 0.0)


def _figures(question: str, passage: Passage) -> float:
    wanted = set(FIGURE.findall(question))
    if not wanted:
        return 1.0
    held = set(FIGURE.findall(shown(passage).replace(",", "")))
    return len(wanted & held) / len(wanted)
