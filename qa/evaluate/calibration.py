"""Fitting the probability that a hit answers: ``qa eval --calibrate``, and the parameters that ship.

    python -m qa.evaluate.calibration --out qa/retrieve/data/calibration.json SET...

Always fitted on the ``dev`` half of the needs (``qa.evaluate.dataset.part``), so that the ``test`` half stays fair.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
from qa.retrieve.calibrate import Calibration, Features, matrix

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
    """The first hit of a question, and whether it answers. ``answerable``: whether anything answers the question.

    Lower hits are left out: fitted to them too, the model told right first hits from wrong ones less well.
    """

    features: Features
    right: bool
    answerable: bool


@dataclass(frozen=True, slots=True)
class Logistic:
    """probability = sigmoid(bias + weights . (x - means) / scales)."""

    weights: Floats
    bias: float
    means: Floats
    scales: Floats

    def probabilities(self, inputs: Floats) -> Floats:
        logits = self.bias + (inputs - self.means) / self.scales @ self.weights
        return np.asarray(_sigmoid(logits))


def fit_logistic(inputs: Floats, right: Booleans, l2: float = L2) -> Logistic:
    """Logistic regression on standardised ``inputs`` [examples, features], by L-BFGS from zero, so deterministic.

    Minimises the summed log loss plus ``l2`` / 2 times the squared weights (the bias goes free). A column that never
    varies gets weight 0. Raises EvalError where one of the two outcomes never occurs: nothing can be fitted then.
    """
    from scipy.optimize import minimize

    if right.all() or not right.any():
        raise EvalError("Every example has the same outcome.", "A fit needs right hits and wrong ones.")
    means, scales = inputs.mean(axis=0), inputs.std(axis=0)
    scales = np.where(scales > 1e-9, scales, 1.0)
    scaled = (inputs - means) / scales
    found = minimize(_loss, np.zeros(scaled.shape[1] + 1), args=(scaled, right.astype(np.float64), l2), jac=True)
    return Logistic(found.x[1:], float(found.x[0]), means, scales)


def threshold(confidence: Floats, refused: float = REFUSED) -> float:
    """Where answering starts: the highest threshold that refuses at most ``refused`` of ``confidence`` [answerable]."""
    if not len(confidence):
        raise EvalError("No question has an answer.", "A threshold needs questions that the articles answer.")
    return float(np.sort(confidence)[int(np.floor(refused * len(confidence) + 1e-9))])


def fit(examples: Sequence[Example], l2: float = L2, refused: float = REFUSED) -> Calibration:
    """The calibration of these examples. Raises EvalError where there are too few."""
    right = np.array([example.right for example in examples], bool)
    if min(int(right.sum()), int((~right).sum())) < FEWEST:
        raise EvalError(
            f"{len(examples)} hits, {int(right.sum())} of them right, are too few to calibrate with.",
            f"Add questions: at least {FEWEST} hits have to be right and {FEWEST} wrong.",
        )
    inputs = matrix([example.features for example in examples])
    model = fit_logistic(inputs, right, l2)
    known = np.array([example.answerable for example in examples], bool)
    return Calibration(
        weights=tuple(model.weights.tolist()),
        means=tuple(model.means.tolist()),
        scales=tuple(model.scales.tolist()),
        bias=model.bias,
        threshold=threshold(model.probabilities(inputs)[known], refused),
    )


def calibrate(index: Index, asked: Sequence[Question], *, collection: str) -> Calibration:
    """Fit to the hits of questions over the index's own articles. Raises EvalError where they are too few."""
    return fit(list(own_examples(index, asked, collection)))


def own_examples(index: Index, asked: Sequence[Question], collection: str) -> Iterator[Example]:
    """The first hit of each question, judged by its gold quotes."""
    shelf = own.library(index, asked, collection)
    snapshot = index.store.snapshot(collection)
    for question in asked:
        gold = own.places(question, shelf)
        for hit in index.lane.search(snapshot, question.asked, top_k=1).hits:
            span = (hit.passage.start, hit.passage.end)
            right = any(hit.passage.document_id == one.document_id and own.covers(span, one) for one in gold)
            yield Example(hit.features, right, question.answerable)


def bench_examples(index: Index, bench: benches.Bench, collection: str) -> Iterator[Example]:
    """The first hit of each question of a bench. Where nothing says which passage answers, it counts as right where the
    question is answerable."""
    room = trial.Room(index, bench, collection)
    for one in trial.rounds(bench):
        for hit in room.search(one).hits[:1]:
            right = one.judgements.get(room.name(hit), 0) > 0 if one.judgements else bool(one.query.answerable)
            yield Example(hit.features, right, bool(one.judgements) or bool(one.query.answerable))


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


def _loss(parameters: Floats, scaled: Floats, right: Floats, l2: float) -> tuple[float, Floats]:
    """Log loss and its gradient at (bias, weights)."""
    bias, weights = parameters[0], parameters[1:]
    logits = bias + scaled @ weights
    loss = float(np.logaddexp(0, logits).sum() - right @ logits + l2 / 2 * weights @ weights)
    error = _sigmoid(logits) - right
    return loss, np.concatenate([[error.sum()], error @ scaled + l2 * weights])


if __name__ == "__main__":
    main()
