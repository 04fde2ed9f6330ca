"""Measures of a ranking: two nouns, judgements and a ranked run, and pure functions between them.

The measures themselves come from ir-measures (Success, R, RR, nDCG with the gain of Järvelin and Kekäläinen 2002).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Judgements = Mapping[str, Mapping[str, int]]
"""Relevance by question and item; what is not named is not relevant."""
Run = Mapping[str, Sequence[str]]
"""Items by question, best first."""

MEASURES = {
    "hit@1": "Success@1",
    "hit@3": "Success@3",
    "hit@5": "Success@5",
    "hit@10": "Success@10",
    "recall@5": "R@5",
    "recall@10": "R@10",
    "mrr@10": "RR@10",
    "ndcg@10": "nDCG@10",
}
"""Our name of each measure and its name in ir-measures."""

RESAMPLES = 2000
SEED = 20240831
_CHUNK = 200
"""Resamples drawn at a time, so that memory stays small on large sets."""


@dataclass(frozen=True, slots=True)
class Table:
    """Measures question by question: ``values`` is [len(ids), len(MEASURES)] in the order of ``MEASURES``."""

    ids: tuple[str, ...]
    values: Floats

    def column(self, name: str) -> Floats:
        return np.asarray(self.values[:, list(MEASURES).index(name)])


def score(judgements: Judgements, run: Run) -> Table:
    """All measures for every judged question; one that the run leaves out scores 0."""
    import ir_measures

    ids = tuple(judgements)
    row = {identity: number for number, identity in enumerate(ids)}
    measures = [ir_measures.parse_measure(name) for name in MEASURES.values()]
    column = {measure: number for number, measure in enumerate(measures)}
    values = np.zeros((len(ids), len(measures)))
    qrels = {query: dict(items) for query, items in judgements.items()}
    for result in ir_measures.iter_calc(measures, qrels, _scored(run)) if ids else ():
        values[row[result.query_id], column[result.measure]] = result.value
    return Table(ids, values)


def means(table: Table) -> dict[str, float]:
    """Mean of each measure; 0 without questions."""
    values = table.values.mean(axis=0) if len(table.ids) else np.zeros(len(MEASURES))
    return dict(zip(MEASURES, values.tolist(), strict=True))


def intervals(table: Table, resamples: int = RESAMPLES, seed: int = SEED) -> dict[str, tuple[float, float]]:
    """95% intervals of the means: percentile bootstrap over questions (Efron 1979), the same draws for all measures.

    Questions count as independent; those that share a passage make the true interval somewhat wider.
    """
    if not len(table.ids):
        return {}
    drawn = np.concatenate(list(_resampled_means(table.values, resamples, np.random.default_rng(seed))))
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return {name: (float(a), float(b)) for name, a, b in zip(MEASURES, low, high, strict=True)}


def first_rank(relevant: Mapping[str, int], ranking: Sequence[str]) -> int:
    """Rank from 1 of the first relevant item; 0 where there is none."""
    return next((rank for rank, item in enumerate(ranking, 1) if relevant.get(item, 0) > 0), 0)


@dataclass(frozen=True, slots=True)
class Parity:
    """How many needs find what answers them in the first places, by the languages of the questions that do."""

    both: int
    zh: int
    """Only the Chinese question finds it."""
    en: int
    """Only the English question finds it."""
    neither: int

    @property
    def share(self) -> float | None:
        """Of what the Chinese question finds, the share that the English one finds too."""
        return self.both / (self.both + self.zh) if self.both + self.zh else None


def parity(zh: Mapping[str, bool], en: Mapping[str, bool]) -> Parity:
    """``zh``, ``en``: whether the question finds an answer, by need; a need that only one of them asks is left out."""
    pairs = Counter((zh[need], en[need]) for need in zh.keys() & en.keys())
    return Parity(both=pairs[True, True], zh=pairs[True, False], en=pairs[False, True], neither=pairs[False, False])


def percentiles(milliseconds: Iterable[float]) -> dict[str, float]:
    """Median and 95th percentile; empty without values."""
    values = list(milliseconds)
    if not values:
        return {}
    p50, p95 = np.percentile(values, [50, 95])
    return {"p50": float(p50), "p95": float(p95)}


def _scored(run: Run) -> dict[str, dict[str, float]]:
    """ir-measures sorts by score: falling whole numbers keep the order of the run."""
    return {query: {item: float(-rank) for rank, item in enumerate(items)} for query, items in run.items()}


def _resampled_means(values: Floats, resamples: int, random: np.random.Generator) -> Iterable[Floats]:
    size = len(values)
    for start in range(0, resamples, _CHUNK):
        counts = random.multinomial(size, np.full(size, 1 / size), min(_CHUNK, resamples - start))
        yield counts @ values / size
