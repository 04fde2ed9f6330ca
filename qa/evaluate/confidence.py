"""How well confidence tells questions with an answer from those without, and whether it means what it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

REFUSED = 0.05
"""Share of the answerable questions that may be refused when false answers are counted."""
BINS = 10


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """``risk``: the share of answers that is wrong when only the most confident share (``coverage``) is answered.

    One point for each different confidence, from the highest down. ``area``: mean risk over all coverages, the lower
    the better (El-Yaniv and Wiener 2010; Geifman and El-Yaniv 2017).
    """

    coverage: tuple[float, ...]
    risk: tuple[float, ...]
    area: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of like confidence: their number, mean confidence and the share that is right."""

    count: int
    confidence: float
    right: float


def auroc(confidence: Floats, answerable: Booleans) -> float | None:
    """Chance that an answerable question has more confidence than an unanswerable one; a tie counts half.

    The Mann-Whitney statistic. ``None`` where one of the two kinds is missing.
    """
    positive, negative = int(answerable.sum()), int((~answerable).sum())
    if not positive or not negative:
        return None
    from scipy.stats import rankdata

    ranks = float(rankdata(confidence)[answerable].sum())
    return (ranks - positive * (positive + 1) / 2) / (positive * negative)


def false_answers(confidence: Floats, answerable: Booleans, refused: float = REFUSED) -> float | None:
    """Share of the unanswerable questions that get an answer, at the highest threshold that refuses at most ``refused``
    of the answerable ones (a question is answered where its confidence reaches the threshold)."""
    known, unknown = np.sort(confidence[answerable]), confidence[~answerable]
    if not len(known) or not len(unknown):
        return None
    threshold = known[int(np.floor(refused * len(known) + 1e-9))]
    return float((unknown >= threshold).mean())


def risk_coverage(confidence: Floats, right: Booleans) -> RiskCoverage:
    """``right``: whether the first hit answers; never so for an unanswerable question."""
    if not len(confidence):
        return RiskCoverage((), (), 0.0)
    order = np.argsort(-confidence, kind="stable")
    answered = np.arange(1, len(order) + 1)
    wrong = np.cumsum(~right[order])
    last = np.append(np.flatnonzero(np.diff(confidence[order])), len(order) - 1)
    coverage, risk = answered[last] / len(order), wrong[last] / answered[last]
    area = float((np.diff(coverage, prepend=0.0) * risk).sum())
    return RiskCoverage(tuple(coverage.tolist()), tuple(risk.tolist()), area)


def reliability(confidence: Floats, right: Booleans, bins: int = BINS) -> list[Bin]:
    """Equal-width bins of confidence that hold something, from low to high."""
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        Bin(int(inside.sum()), float(confidence[inside].mean()), float(right[inside].mean()))
        for place in range(bins)
        if (inside := places == place).any()
    ]


def calibration_error(bins: list[Bin]) -> float | None:
    """Expected calibration error: mean of |confidence - share right| over answers (Naeini et al. 2015)."""
    total = sum(each.count for each in bins)
    return sum(each.count * abs(each.confidence - each.right) for each in bins) / total if total else None


def brier(confidence: Floats, right: Booleans) -> float | None:
    """Mean squared error of confidence as a forecast of being right (Brier 1950)."""
    return float(((confidence - right) ** 2).mean()) if len(confidence) else None
