"""Two runs compared question by question, and the rule for what counts as a regression.

Means alone mislead: a change is judged by the questions it wins and loses, with a paired randomisation test (Fisher;
for retrieval: Smucker, Allan and Carterette 2007). A run regresses where a loss of hit@1 or nDCG@10 in any cell is
significant, or where a loss exceeds its margin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from qa.evaluate.baseline import Baseline, Result
from qa.evaluate.confidence import auroc
from qa.evaluate.measure import SEED

Floats = npt.NDArray[np.float64]

SIGNIFICANT = 0.05
MARGINS = {"hit@1": 0.03, "hit@5": 0.02, "ndcg@10": 0.02, "auroc": 0.03}
"""Largest loss of each measure that is let pass without being significant."""
TESTED = ("hit@1", "ndcg@10")
"""Measures whose significant losses are regressions."""
PERMUTATIONS = 10_000
EXACT = 13
"""With at most this many questions that differ, all 2^n sign patterns are counted."""
_SLACK = 1e-9
_CHUNK = 1000

Measure = Callable[[Result], float]
_MEASURES: dict[str, Measure] = {
    "hit@1": lambda result: float(result.rank == 1),
    "hit@5": lambda result: float(0 < (result.rank or 0) <= 5),
    "ndcg@10": lambda result: result.ndcg,
}


@dataclass(frozen=True, slots=True)
class Paired:
    """One measure over the questions of one cell. ``p``: two-sided, ``None`` where nothing was tested."""

    measure: str
    before: float
    after: float
    wins: int
    ties: int
    losses: int
    p: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """A question whose first right rank changed (0: not among the first ten)."""

    cell: str
    question: str
    text: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class CellComparison:
    cell: str
    queries: int
    measures: tuple[Paired, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """``regressions``: why the run may not pass, in words; empty where it may. ``notes``: what was not compared."""

    cells: tuple[CellComparison, ...]
    won: tuple[Change, ...]
    lost: tuple[Change, ...]
    regressions: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Pairs:
    """What both runs asked in one cell, unchanged: (question id, before, after)."""

    cell: str
    rows: tuple[tuple[str, Result, Result], ...]

    def ranked(self) -> list[tuple[str, Result, Result]]:
        return [row for row in self.rows if row[1].rank is not None and row[2].rank is not None]


def compare(before: Baseline, after: Baseline) -> Comparison:
    """Compare what both runs asked; a question that was edited, added or taken out is left out and noted."""
    shared = [pairs for cell in sorted(before.results) if (pairs := _pairs(cell, before, after)).rows]
    compared = tuple(_compare_cell(pairs) for pairs in shared)
    changes = [change for pairs in shared for change in _changes(pairs)]
    return Comparison(
        cells=compared,
        won=tuple(change for change in changes if _place(change.after) < _place(change.before)),
        lost=tuple(change for change in changes if _place(change.after) > _place(change.before)),
        regressions=tuple(line for cell in compared for line in _regressions(cell)) + _nothing_shared(shared),
        notes=_notes(before, after, shared),
    )


def randomisation(differences: Floats, permutations: int = PERMUTATIONS, seed: int = SEED) -> float:
    """Two-sided p value that the mean of paired differences is 0: the share of sign patterns at least as extreme.

    Exact for few differences; else sampled, with the observed pattern counted among the samples (so never 0).
    """
    moved = differences[np.abs(differences) > _SLACK]
    if not len(moved):
        return 1.0
    observed = abs(float(moved.sum())) - _SLACK
    if len(moved) <= EXACT:
        patterns = np.array(list(product((-1.0, 1.0), repeat=len(moved))))
        return float((np.abs(patterns @ moved) >= observed).mean())
    random = np.random.default_rng(seed)
    extreme = sum(_extreme(moved, observed, _CHUNK, random) for _ in range(permutations // _CHUNK))
    return (extreme + 1) / (permutations // _CHUNK * _CHUNK + 1)


def _extreme(moved: Floats, observed: float, size: int, random: np.random.Generator) -> int:
    signs = random.integers(0, 2, (size, len(moved))) * 2.0 - 1.0
    return int((np.abs(signs @ moved) >= observed).sum())


def _pairs(cell: str, before: Baseline, after: Baseline) -> _Pairs:
    old, new = before.results[cell], after.results.get(cell, {})
    names = [name for name in sorted(old) if name in new and old[name].digest == new[name].digest]
    return _Pairs(cell, tuple((name, old[name], new[name]) for name in names))


def _compare_cell(pairs: _Pairs) -> CellComparison:
    ranked = pairs.ranked()
    measures = [_paired(name, measure, ranked) for name, measure in _MEASURES.items()] if ranked else []
    separation = _separation(pairs)
    return CellComparison(pairs.cell, len(pairs.rows), (*measures, *([separation] if separation else [])))


def _paired(name: str, measure: Measure, rows: Sequence[tuple[str, Result, Result]]) -> Paired:
    before = np.array([measure(old) for _, old, _ in rows])
    after = np.array([measure(new) for _, _, new in rows])
    difference = after - before
    wins, losses = int((difference > _SLACK).sum()), int((difference < -_SLACK).sum())
    p = randomisation(difference) if name in TESTED else None
    return Paired(name, float(before.mean()), float(after.mean()), wins, len(rows) - wins - losses, losses, p)


def _separation(pairs: _Pairs) -> Paired | None:
    """AUROC of confidence, before and after; None where the cell has not both kinds of questions."""
    known = [row for row in pairs.rows if row[1].answerable is not None]
    answerable = np.array([bool(old.answerable) for _, old, _ in known], bool)
    before = auroc(np.array([old.confidence for _, old, _ in known]), answerable)
    after = auroc(np.array([new.confidence for _, _, new in known]), answerable)
    if before is None or after is None:
        return None
    judged = [(_judged(old), _judged(new)) for _, old, new in known]
    wins, losses = sum(new > old for old, new in judged), sum(new < old for old, new in judged)
    return Paired("auroc", before, after, wins, len(known) - wins - losses, losses, None)


def _judged(result: Result) -> bool:
    """Whether answering or refusing, at the threshold in force, was right."""
    return result.answered == result.answerable


def _changes(pairs: _Pairs) -> list[Change]:
    return [
        Change(pairs.cell, name, new.text, old.rank or 0, new.rank or 0)
        for name, old, new in pairs.ranked()
        if old.rank != new.rank
    ]


def _place(rank: int) -> float:
    return rank or float("inf")


def _regressions(cell: CellComparison) -> list[str]:
    return [reason for paired in cell.measures if (reason := _regression(cell.cell, paired))]


def _regression(cell: str, paired: Paired) -> str:
    loss = paired.before - paired.after
    figures = f"{cell}: {paired.measure} fell from {paired.before:.3f} to {paired.after:.3f}"
    if loss > _SLACK and paired.p is not None and paired.p < SIGNIFICANT:
        return f"{figures}, which is significant (p = {paired.p:.3g})"
    if loss > MARGINS[paired.measure] + _SLACK:
        return f"{figures}, more than the margin of {MARGINS[paired.measure]:.2f}"
    return ""


def _nothing_shared(shared: Sequence[_Pairs]) -> tuple[str, ...]:
    return () if shared else ("The baseline and this run have no question in common: nothing guards this change.",)


def _notes(before: Baseline, after: Baseline, shared: Sequence[_Pairs]) -> tuple[str, ...]:
    notes = [] if before.set == after.set else [f"the baseline is of another set: {before.set}"]
    compared = sum(len(pairs.rows) for pairs in shared)
    left_out = sum(map(len, before.results.values())) - compared
    new = sum(map(len, after.results.values())) - compared
    if left_out or new:
        notes.append(
            f"compared are the {compared} questions that both runs asked unchanged; "
            f"{left_out} only in the baseline, {new} only in this run"
        )
    return tuple(notes)
