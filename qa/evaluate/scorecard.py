"""The figures of a run, as ``qa eval --json`` prints them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from qa.evaluate import confidence as trust
from qa.evaluate.measure import Table, first_rank, intervals, means, parity, percentiles, score
from qa.evaluate.outcome import Outcome, Trial, cells, judged, ranked
from qa.retrieve.features import FIRST
from qa.types import Timings

Json = dict[str, Any]

PARITY_PLACES = (1, 5)
STAGES = Timings.__slots__
FALSE_ANSWERS = "false_answers@5"
"""Key of the share of unanswerable questions answered when 5% of the answerable ones are refused."""


def scorecard(trial: Trial) -> Json:
    """All figures of a run; shares are 0..1, rounded to four places, times are milliseconds."""
    outcomes = trial.outcomes
    card: Json = {
        "set": trial.set,
        "questions": len({one.question for one in outcomes}),
        "documents": trial.documents,
        "passages": trial.passages,
        "cells": {cell: cell_figures(group) for cell, group in cells(outcomes).items()},
        "kinds": kinds(outcomes),
        "parity": parities(outcomes),
        "abstention": abstentions(outcomes),
        "calibration": calibration(outcomes),
        "latency_ms": latency(outcomes),
        "notes": list(trial.notes),
        "sha256": trial.sha256,
    }
    rounded: Json = _rounded(card)
    return rounded


def table(outcomes: Iterable[Outcome]) -> Table:
    """Measures of the outcomes of one cell whose ranking can be judged."""
    kept = ranked(outcomes)
    return score({one.question: one.judgements for one in kept}, {one.question: one.ranking for one in kept})


def cell_figures(outcomes: Sequence[Outcome]) -> Json:
    """``queries`` counts the questions whose ranking is judged; without any, those asked."""
    measured = table(outcomes)
    figures: Json = {"queries": len(measured.ids) or len(outcomes)}
    if measured.ids:
        figures |= means(measured)
        figures["ci"] = intervals(measured)
    known = judged(outcomes)
    if any(not one.answerable for one in known) and any(one.answerable for one in known):
        separation = abstention(known)
        figures |= {"auroc": separation["auroc"], FALSE_ANSWERS: separation[FALSE_ANSWERS]}
    return figures


def kinds(outcomes: Sequence[Outcome]) -> Json:
    """For each kind and cell a few measures; for kinds of unanswerable questions, how many are answered."""
    named = sorted({kind for one in outcomes for kind in one.kinds})
    return {kind: _kind([one for one in outcomes if kind in one.kinds]) for kind in named}


def parities(outcomes: Sequence[Outcome]) -> Json:
    """Parity of Chinese and English questions by language of the passages, for needs asked in both."""
    groups: dict[str, list[Outcome]] = {}
    for one in ranked(outcomes):
        groups.setdefault(one.cell.split("-", 1)[1], []).append(one)
    return {language: found for language, group in sorted(groups.items()) if (found := _parity(group))}


def abstentions(outcomes: Sequence[Outcome]) -> Json:
    """Abstention over all questions and by cell; empty where the set has no unanswerable questions."""
    known = judged(outcomes)
    if all(one.answerable for one in known):
        return {}
    return {"all": abstention(known)} | {cell: abstention(group) for cell, group in cells(known).items()}


def abstention(known: Sequence[Outcome]) -> Json:
    """``known``: outcomes of questions that are known to be answerable or not."""
    confidence, answerable, right = arrays(known)
    curve = trust.risk_coverage(confidence, right)
    answered = np.array([one.answered for one in known], bool)
    return {
        "answerable": int(answerable.sum()),
        "unanswerable": int((~answerable).sum()),
        "auroc": trust.auroc(confidence, answerable),
        FALSE_ANSWERS: trust.false_answers(confidence, answerable),
        "shipped_threshold": {
            "answered_right": int((answered & right).sum()),
            "answered_wrong": int((answered & answerable & ~right).sum()),
            "refused_answerable": int((~answered & answerable).sum()),
            "refused_unanswerable": int((~answered & ~answerable).sum()),
            "answered_unanswerable": int((answered & ~answerable).sum()),
        },
        "aurc": curve.area,
    }


def calibration(outcomes: Sequence[Outcome]) -> Json:
    """Whether confidence means what it says: needs questions whose hits are known to be right or wrong."""
    known = [one for one in judged(outcomes) if one.judgements or not one.answerable]
    if not any(one.judgements for one in known):
        return {}
    confidence, _, right = arrays(known)
    bins = trust.reliability(confidence, right)
    return {
        "ece": trust.calibration_error(bins),
        "brier": trust.brier(confidence, right),
        "bins": [asdict(each) for each in bins],
    }


def latency(outcomes: Iterable[Outcome]) -> Json:
    took = [one.took for one in outcomes]
    return {stage: percentiles(getattr(each, stage) for each in took) for stage in STAGES}


def arrays(known: Sequence[Outcome]) -> tuple[trust.Floats, trust.Booleans, trust.Booleans]:
    """Confidence, answerable, one of the first hits right; each [len(known)]."""
    confidence = np.array([one.confidence for one in known], np.float64)
    answerable = np.array([bool(one.answerable) for one in known], bool)
    return confidence, answerable, np.array([is_right(one) for one in known], bool)


def is_right(one: Outcome) -> bool:
    """Whether one of the first hits answers, which is what confidence speaks of. Where a set does not say which passage
    does, any answerable question counts."""
    return 0 < first_rank(one.judgements, one.ranking) <= FIRST if one.judgements else bool(one.answerable)


def _kind(outcomes: Sequence[Outcome]) -> Json:
    return {cell: _kind_figures(group) for cell, group in cells(outcomes).items()}


def _kind_figures(outcomes: Sequence[Outcome]) -> Json:
    measured = table(outcomes)
    if not measured.ids:
        return {"queries": len(outcomes), "answered": sum(one.answered for one in outcomes)}
    found = means(measured)
    return {"queries": len(measured.ids)} | {name: found[name] for name in ("hit@1", "hit@5", "mrr@10", "ndcg@10")}


def _parity(outcomes: Sequence[Outcome]) -> Json:
    figures: Json = {}
    for places in PARITY_PLACES:
        zh, en = (_found(outcomes, language, places) for language in ("zh", "en"))
        if not zh.keys() & en.keys():
            return {}
        counted = parity(zh, en)
        figures[f"@{places}"] = {"needs": len(zh.keys() & en.keys()), **asdict(counted), "share": counted.share}
    return figures


def _found(outcomes: Iterable[Outcome], language: str, places: int) -> dict[str, bool]:
    asked = [one for one in outcomes if one.language == language]
    return {one.need: 0 < first_rank(one.judgements, one.ranking) <= places for one in asked}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value
