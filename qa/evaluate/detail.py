"""What the reports draw of a run beyond its figures: ranks, risk–coverage curves, the questions that were lost.

Everything here can be kept as JSON; the HTML report and the eval page are both made of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from qa.evaluate import confidence as trust
from qa.evaluate.measure import first_rank
from qa.evaluate.outcome import Outcome, Trial, cells, judged, ranked
from qa.evaluate.scorecard import arrays

Json = dict[str, Any]

MAX_LOST = 200
"""Lost questions kept and shown; a bench may lose thousands."""
MAX_POINTS = 200
"""Points kept of one curve."""
RANKS = ("1", "2", "3", "4", "5", "6–10", "–")


def detail(trial: Trial) -> Json:
    """``ranks``: questions by cell and rank of the first right hit. ``risk``: (coverage, risk) points by cell.

    ``lost``: answerable questions whose answer does not come first; ``wrongly_answered``: questions answered though
    nothing answers them. ``lost_total``, ``wrongly_answered_total``: how many there were.
    """
    lost, wrong = lost_of(trial.outcomes), wrongly_answered(trial.outcomes)
    return {
        "ranks": {cell: ranks(group) for cell, group in cells(ranked(trial.outcomes)).items()},
        "risk": {cell: _thinned(risk(group)) for cell, group in cells(judged(trial.outcomes)).items()},
        "lost": [question(one) for one in lost[:MAX_LOST]],
        "lost_total": len(lost),
        "wrongly_answered": [question(one) for one in wrong[:MAX_LOST]],
        "wrongly_answered_total": len(wrong),
    }


def lost_of(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Questions whose answer does not come first."""
    return [one for one in ranked(outcomes) if first_rank(one.judgements, one.ranking) != 1]


def wrongly_answered(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Questions that were answered though the articles hold no answer."""
    return [one for one in judged(outcomes) if not one.answerable and one.answered]


def ranks(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many questions have their first right hit at each rank."""
    counts = dict.fromkeys(RANKS, 0)
    for one in outcomes:
        rank = first_rank(one.judgements, one.ranking)
        counts[RANKS[min(rank, 6) - 1] if 0 < rank <= 10 else RANKS[-1]] += 1
    return counts


def risk(known: Sequence[Outcome]) -> list[tuple[float, float]]:
    """The risk–coverage curve of outcomes that are known to be right or wrong."""
    confidence, _, right = arrays(known)
    curve = trust.risk_coverage(confidence, right)
    return list(zip(curve.coverage, curve.risk, strict=True))


def question(one: Outcome) -> Json:
    """One question as a report shows it; ``rank`` is None where no rank is judged, 0 where nothing right came."""
    return {
        "question": one.question,
        "text": one.text,
        "cell": one.cell,
        "kinds": list(one.kinds),
        "rank": first_rank(one.judgements, one.ranking) if one.judgements else None,
        "confidence": round(one.confidence, 4),
        "wanted": one.wanted,
        "returned": [asdict(hit) | {"score": round(hit.score, 4)} for hit in one.returned],
    }


def _thinned(points: Sequence[tuple[float, float]]) -> list[list[float]]:
    """At most ``MAX_POINTS`` points, the first and the last among them."""
    last = len(points) - 1
    places = (
        range(len(points)) if last < MAX_POINTS else [round(n * last / (MAX_POINTS - 1)) for n in range(MAX_POINTS)]
    )
    return [[round(value, 4) for value in points[place]] for place in places]
