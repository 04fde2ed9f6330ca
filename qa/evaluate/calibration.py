"""Fitting the probabilities that a hit and that a question is answered: ``qa eval --calibrate``, and what ships.

    python -m qa.evaluate.calibration --out qa/retrieve/data/calibration.json SET...

Always fitted on the ``dev`` half of the needs (``qa.evaluate.dataset.part``), so that the ``test`` half stays fair.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qa.config import Settings
from qa.errors import EvalError
from qa.evaluate import bench as benches
from qa.evaluate import own, trial
from qa.evaluate.confidence import REFUSED
from qa.evaluate.dataset import Question
from qa.evaluate.run import Plan, Watch, benched, opened, questions
from qa.retrieve.calibrate import Calibration, Features, Logistic, matrix, scaled
from qa.retrieve.features import FIRST
from qa.retrieve.search import Ranked

if TYPE_CHECKING:
    from qa.index import Index

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

L2 = 10.0
"""Weight of the ridge: of 0.3 to 30, the one with the least calibration error on questions held out."""
FEWEST = 20
"""Right and wrong examples that a fit needs of each."""


@dataclass(frozen=True, slots=True)
class Example:
    """The first hit of a question. ``right``: whether it answers; None where nobody judged single passages.
    ``found``: whether one of the first hits does. ``answerable``: whether anything answers the question.

    Lower hits are left out: fitted to them too, the model told right first hits from wrong ones less well.
    """

    features: Features
    right: bool | None
    found: bool
    answerable: bool


def fit_logistic(inputs: Floats, right: Booleans, l2: float = L2) -> Logistic:
    """Logistic regression on standardised ``inputs`` [examples, features], by L-BFGS from zero, so deterministic.

    Minimises the summed log loss plus ``l2`` / 2 times the squared weights (the bias goes free). A column that never
    varies gets weight 0. Raises EvalError where one of the two outcomes never occurs: nothing can be fitted then.
    """
    from scipy.optimize import minimize

    if right.all() or not right.any():
        raise EvalError("Every example has the same outcome.", "A fit needs right hits and wrong ones.")
    known = np.ma.masked_invalid(inputs)
    means, scales = known.mean(axis=0).filled(0.0), known.std(axis=0).filled(1.0)
    scales = np.where(scales > 1e-9, scales, 1.0)
    columns = scaled(inputs, means, scales)
    found = minimize(_loss, np.zeros(columns.shape[1] + 1), args=(columns, right.astype(np.float64), l2), jac=True)
    return Logistic(tuple(found.x[1:].tolist()), tuple(means.tolist()), tuple(scales.tolist()), float(found.x[0]))


def threshold(confidence: Floats, refused: float = REFUSED) -> float:
    """Where answering starts: the highest threshold that refuses at most ``refused`` of ``confidence`` [answerable]."""
    if not len(confidence):
        raise EvalError("No question has an answer.", "A threshold needs questions that the articles answer.")
    return float(np.sort(confidence)[int(np.floor(refused * len(confidence) + 1e-9))])


def fit(examples: Sequence[Example], l2: float = L2, refused: float = REFUSED) -> Calibration:
    """The calibration of these examples, and another without what the reader says of them. Raises EvalError where there
    are too few."""
    return replace(_fit(examples, l2, refused), unread=_fit([_unread(each) for each in examples], l2, refused))


def _unread(example: Example) -> Example:
    return replace(example, features=replace(example.features, read=math.nan, best_read=math.nan))


def _fit(examples: Sequence[Example], l2: float, refused: float) -> Calibration:
    """A language pair with too few examples of its own takes the model of all of them."""
    judged = [example for example in examples if example.right is not None]
    right = _model(judged or examples, [bool(e.right) for e in judged] or [e.found for e in examples], l2)
    pooled = _model(examples, [example.found for example in examples], l2)
    same, across = (
        _model(chosen, [e.found for e in chosen], l2) if _enough([e.found for e in chosen]) else pooled
        for chosen in ([e for e in examples if e.features.across == foreign] for foreign in (0.0, 1.0))
    )
    draft = Calibration(right, same, across, threshold=0.0)
    # Sets without judged passages put each question to ten candidates of its own: no collection that anyone serves.
    known = np.array([draft.confidence(example.features) for example in judged or examples if example.answerable])
    return replace(draft, threshold=threshold(known, refused))


def _model(examples: Sequence[Example], outcomes: Sequence[bool], l2: float) -> Logistic:
    if not _enough(outcomes):
        raise EvalError(
            f"{len(outcomes)} questions, {sum(outcomes)} of them answered by what was found, are too few to calibrate "
            "with.",
            f"Add questions: at least {FEWEST} have to be answered and {FEWEST} not.",
        )
    return fit_logistic(matrix([example.features for example in examples]), np.array(outcomes, bool), l2)


def _enough(outcomes: Sequence[bool]) -> bool:
    return min(sum(outcomes), len(outcomes) - sum(outcomes)) >= FEWEST


def calibrate(index: Index, asked: Sequence[Question], *, collection: str) -> Calibration:
    """Fit to the hits of questions over the index's own articles. Raises EvalError where they are too few."""
    return fit(list(own_examples(index, asked, collection)))


def own_examples(index: Index, asked: Sequence[Question], collection: str) -> Iterator[Example]:
    """The first hit of each question, judged by its gold quotes."""
    shelf = own.library(index, asked, collection)
    snapshot = index.store.snapshot(collection)
    for question in asked:
        gold = own.places(question, shelf)
        hits = index.lane.search(snapshot, question.asked, top_k=FIRST).hits
        right = [any(_covers(hit, one) for one in gold) for hit in hits]
        if hits:
            yield Example(hits[0].features, right[0], any(right), question.answerable)


def _covers(hit: Ranked, place: own.Place) -> bool:
    return hit.passage.document_id == place.document_id and own.covers((hit.passage.start, hit.passage.end), place)


def bench_examples(index: Index, bench: benches.Bench, collection: str) -> Iterator[Example]:
    """The first hit of each question of a bench. Where nothing says which passage answers, what was found is taken to
    answer an answerable question."""
    room = trial.Room(index, bench, collection)
    for one in trial.rounds(bench):
        hits = room.search(one).hits[:FIRST]
        right = [one.judgements.get(room.name(hit), 0) > 0 for hit in hits]
        if hits and one.judgements:
            yield Example(hits[0].features, right[0], any(right), True)
        elif hits:
            answerable = bool(one.query.answerable)
            yield Example(hits[0].features, None, answerable, answerable)


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit to the dev halves of the named sets and write the parameters that ship."""
    from qa.config import settings

    parser = argparse.ArgumentParser(prog="python -m qa.evaluate.calibration", description=main.__doc__)
    parser.add_argument("sets", nargs="+", type=Path, metavar="SET", help="questions.jsonl, or a folder in bench shape")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--refused", type=float, default=REFUSED, help="share of the answerable that may be refused")
    chosen = parser.parse_args(arguments)
    watch = Watch(print, lambda done, total: None, None, lambda skipped: None)
    examples = [e for path in chosen.sets for e in _examples(Plan(path, part="dev"), settings(), watch)]
    fitted = fit(examples, refused=chosen.refused)
    chosen.out.write_text(json.dumps(fitted.to_json(), indent=1) + "\n", "utf-8")
    print(f"{len(examples)} hits of {len(chosen.sets)} sets -> {chosen.out}")


def _examples(plan: Plan, settings: Settings, watch: Watch) -> list[Example]:
    if plan.is_bench:
        with benched(plan, settings, watch) as (index, loaded):
            return list(bench_examples(index, loaded, plan.collection))
    with opened(plan, settings, watch) as index:
        return list(own_examples(index, questions(plan).questions, plan.collection))


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -50, 50))))


def _loss(parameters: Floats, columns: Floats, right: Floats, l2: float) -> tuple[float, Floats]:
    """Log loss and its gradient at (bias, weights)."""
    bias, weights = parameters[0], parameters[1:]
    logits = bias + columns @ weights
    loss = float(np.logaddexp(0, logits).sum() - right @ logits + l2 / 2 * weights @ weights)
    error = _sigmoid(logits) - right
    return loss, np.concatenate([[error.sum()], error @ columns + l2 * weights])


if __name__ == "__main__":
    main()
