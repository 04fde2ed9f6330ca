"""Fitting the weights of ``qa.answer.highlight``: ``python -m qa.evaluate.highlights SET...``

Of the sentences that hold a gold string, the weights under which a run of words drawn by softmax has the greatest
expected character F1 with it,

    gain = mean over sentences of sum_runs softmax(s . w) F1(run) - l2 |w|^2

with evidence s scaled to unit variance. Every set weighs the same. Questions are split by hash of the need: fitted on
``dev``, reported on ``test`` too.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qa.answer.highlight import SHIPPED, Weights, candidate_runs, evidence
from qa.evaluate import listwise
from qa.evaluate.answers import share
from qa.evaluate.cases import Case, gathered
from qa.evaluate.dataset import part
from qa.evaluate.listwise import Group, regret
from qa.evaluate.run import Plan
from qa.ingest.normalise import normalise_query
from qa.types import Span

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

L2 = 1e-2


@dataclass(frozen=True, slots=True)
class Choice:
    """The runs of one sentence: ``evidence`` [runs, kinds], ``f1`` [runs], ``share`` of all weight."""

    evidence: Floats
    f1: Floats
    share: float


def choices(cases: Sequence[Case]) -> list[Choice]:
    """One choice for the first sentence of each case that holds a gold string."""
    found = []
    for case in cases:
        sentence = next((one for one, gold in zip(case.found, case.gold, strict=True) if gold), None)
        runs = candidate_runs(sentence.text) if sentence else []
        if sentence and runs:
            f1 = [_f1(sentence.text, runs, answer) for answer in case.answers]
            found.append((evidence(case.asked, sentence, runs), np.max(f1, axis=0)))
    return [Choice(rows, f1, 1 / len(found)) for rows, f1 in found]


def _f1(text: str, runs: Sequence[Span], answer: str) -> Floats:
    """[runs] ``character_f1`` of runs of a matchable text, which counts all of them at once."""
    gold = Counter(character for character in normalise_query(answer).lower() if character.isalnum())
    letters = np.array([character.isalnum() for character in text], float)
    starts, ends = np.array(runs).T
    common = np.zeros(len(runs))
    for character, count in gold.items():
        held = np.array([one == character for one in text.lower()], float)
        common += np.minimum(_counted(held, starts, ends), count)
    return np.asarray(2 * common / (_counted(letters, starts, ends) + gold.total()))


def _counted(flags: Floats, starts: Ints, ends: Ints) -> Floats:
    total = np.concatenate([[0.0], np.cumsum(flags)])
    return np.asarray(total[ends] - total[starts])


def fit(given: Sequence[Choice], l2: float = L2) -> Weights:
    """The weights with the greatest expected F1."""
    groups = [Group(choice.evidence, choice.f1, choice.share) for choice in given]
    return Weights(*listwise.fit(groups, regret, l2).tolist())


def reached(given: Sequence[Choice], weights: Weights) -> float:
    """Mean F1 of the chosen runs."""
    weighed = np.array([getattr(weights, field.name) for field in fields(Weights)])
    return share([float(choice.f1[np.argmax(choice.evidence @ weighed)]) for choice in given])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the weights, and what they reach on both halves of each set."""
    parser = argparse.ArgumentParser(prog="python -m qa.evaluate.highlights", description=main.__doc__)
    parser.add_argument("sets", nargs="+", type=Path, metavar="SET", help="a bench folder with gold strings")
    parser.add_argument("--questions", type=int, help="a sample of about this many questions of each set")
    chosen = parser.parse_args(arguments)
    sets = {path.name: gathered(Plan(path, questions=chosen.questions)) for path in chosen.sets}
    halves = {
        (name, half): choices([case for case in cases if part(case.need) == half])
        for name, cases in sets.items()
        for half in ("dev", "test")
    }
    weights = fit([choice for (_, half), some in halves.items() if half == "dev" for choice in some])
    print(weights)
    for (name, half), some in halves.items():
        print(f"{name} {half}: {len(some)} sentences, F1 {reached(some, weights):.3f}", end=", ")
        print(f"shipped {reached(some, SHIPPED):.3f}, best possible {share([float(c.f1.max()) for c in some]):.3f}")


if __name__ == "__main__":
    main()
