"""Fitting the weights of ``qa.answer.score``: ``python -m qa.evaluate.sentences SET...``

The weights under which a sentence that answers is most likely to be drawn from those of the first five passages, by the
loss of ``qa.evaluate.blend``. A folder weighs the same however many questions it has, a questions.jsonl twice as much.
Printed relative to the greatest; ``score.SHIPPED`` holds them relative to ``late``. Fitted on the ``dev`` half of the
needs; what they reach there is measured by threefold cross-validation over needs.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qa.answer.score import SHIPPED, Weights, evidence
from qa.evaluate import listwise
from qa.evaluate.answers import share
from qa.evaluate.cases import Case, gathered
from qa.evaluate.listwise import Group, surprise
from qa.evaluate.run import Plan

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

KINDS = tuple(field.name for field in fields(Weights))
L2 = 1e-3
FOLDS = 3
OWN = 2.0
"""What a questions.jsonl counts against a folder: its articles and questions are those of users."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The sentences of one question: ``evidence`` [sentences, kinds], ``gold`` [sentences], ``share`` of all weight."""

    cell: str
    fold: int
    evidence: Floats
    gold: Booleans
    share: float


def choices(cases: Sequence[Case], share: float = 1.0) -> list[Choice]:
    """The cases of one set, which together have this share of all weight."""
    return [
        Choice(case.cell, _fold(case), evidence(case.asked, case.found), case.gold, share / len(cases))
        for case in cases
        if case.found
    ]


def fit(given: Sequence[Choice], l2: float = L2) -> Floats:
    """[kinds] weights, the greatest one 1. A kind of evidence that never varies gets weight 0."""
    telling = [choice for choice in given if choice.gold.any() and not choice.gold.all()]
    groups = [Group(choice.evidence, choice.gold.astype(np.float64), choice.share) for choice in telling]
    weights = listwise.fit(groups, surprise, l2)
    return np.asarray(weights / np.abs(weights).max())


def reached(given: Sequence[Choice], weights: Floats) -> list[bool]:
    """Whether the sentence that scores best answers."""
    return [bool(choice.gold[np.argmax(choice.evidence @ weights)]) for choice in given]


def cross_validated(given: Sequence[Choice]) -> dict[str, float]:
    """For each cell, the share of questions that weights fitted to other needs get right."""
    right: dict[str, list[bool]] = {}
    for fold in range(FOLDS):
        weights = fit([choice for choice in given if choice.fold != fold])
        for choice in given:
            if choice.fold == fold:
                right.setdefault(choice.cell, []).extend(reached([choice], weights))
    return {cell: share(values) for cell, values in sorted(right.items())}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the weights, what they reach, and what they would without each kind of evidence."""
    parser = argparse.ArgumentParser(prog="python -m qa.evaluate.sentences", description=main.__doc__)
    parser.add_argument("sets", nargs="+", type=Path, metavar="SET", help="questions.jsonl, or a folder in bench shape")
    parser.add_argument("--questions", type=int, help="a sample of about this many questions of each folder")
    chosen = parser.parse_args(arguments)
    given: list[Choice] = []
    for path in chosen.sets:
        size = chosen.questions if path.is_dir() else None
        given += choices(gathered(Plan(path, part="dev", questions=size)), 1.0 if path.is_dir() else OWN)
    report(given)


def report(given: Sequence[Choice]) -> None:
    shipped = np.array(astuple(SHIPPED))
    cells = sorted({choice.cell for choice in given})
    now = {cell: share(reached([c for c in given if c.cell == cell], shipped)) for cell in cells}
    print(f"{'shipped':28} {_told(now)}")
    print(f"{'all kinds of evidence':28} {_told(cross_validated(given))}")
    for left_out in KINDS[1:]:
        columns = [place for place, name in enumerate(KINDS) if name != left_out]
        fewer = [replace(choice, evidence=choice.evidence[:, columns]) for choice in given]
        print(f"{'without ' + left_out:28} {_told(cross_validated(fewer))}")
    weights = fit(given)
    print(Weights(*(round(float(weight), 3) for weight in weights)))


def _told(shares: dict[str, float]) -> str:
    return " ".join(f"{cell} {value:.3f}" for cell, value in shares.items())


def _fold(case: Case) -> int:
    return hashlib.sha256(f"fold {case.need}".encode()).digest()[0] % FOLDS


if __name__ == "__main__":
    main()
