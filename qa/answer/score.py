"""How well a sentence answers a question: a weighted sum of evidence, the weights fitted to questions with answers.

``python -m qa.evaluate.sentences`` makes the weights.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from qa.answer.candidates import Candidate
from qa.answer.phrases import Voice
from qa.answer.wanted import Kind, answering, kinds
from qa.ingest.words import words
from qa.types import Span

Floats = npt.NDArray[np.float32]
Booleans = npt.NDArray[np.bool_]

_COUNTS = re.compile(r"多少|几[家个位项]|\bhow many\b|\bnumber of\b", re.IGNORECASE)
_TOTALS = re.compile(
    r"共有|一共|总共|合计|共(?=[计\d])|\bin (?:total|all)\b|\btotal of\b|\baltogether\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Weights:
    """What each kind of evidence counts.

    ``late``: how well the question's tokens are matched, rare ones more; ``uniform``: the same with all tokens alike.
    ``own``: the share of the question whose best match in the passage stands in this sentence. ``echo``: how well the
    sentence's tokens match the question's on average. ``kind``: it holds something of the kind that is asked for.
    ``total``: it gives a total where the question asks how many there are. ``lead``: it is the first of its passage,
    which has the subject in it and matches everything. ``behind``: how far the passage's score is behind the first
    one's (a number below 0). ``chance``: the probability that the passage answers.
    """

    late: float = 0.0
    uniform: float = 0.0
    own: float = 0.0
    echo: float = 0.0
    kind: float = 0.0
    total: float = 0.0
    lead: float = 0.0
    behind: float = 0.0
    chance: float = 0.0


SHIPPED: Final = Weights(
    late=1.0, uniform=-0.119, own=0.235, echo=0.999, kind=0.078, total=0.181, lead=-0.086, behind=1.079, chance=0.292
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the extraction sees it. ``text`` is matchable and only the question itself, without the turns
    before it; ``weights`` [tokens of what was searched] sum to 1, ``asking`` [the same] are those that ask (which,
    多少)."""

    text: str
    voice: Voice
    weights: Floats
    asking: Booleans


@dataclass(frozen=True, slots=True)
class Scored:
    """A sentence with its score. ``answering`` are the places in its text that may be what is asked for."""

    candidate: Candidate
    score: float
    answering: tuple[Span, ...]
    words: frozenset[str]


def ranked(asked: Asked, found: Sequence[Candidate], weights: Weights = SHIPPED) -> list[Scored]:
    """The sentences, best first."""
    wanted = kinds(asked.text)
    found = _named(asked, found)
    scores = (evidence(asked, found) @ np.array(astuple(weights))).tolist()
    scored = [
        Scored(one, score, tuple(answering(asked.text, one.text, wanted)), frozenset(words(one.text)))
        for one, score in zip(found, scores, strict=True)
    ]
    return sorted(scored, key=lambda one: (-one.score, one.candidate.number, one.candidate.place))


def _named(asked: Asked, found: Sequence[Candidate]) -> list[Candidate]:
    """Without the rows of a table in which the question names less than in another of its rows: rows are alike in all
    but what they name, and vectors of names are alike."""
    question = frozenset(words(asked.text))
    # Most passages have no table: their sentences are not looked at here.
    shared = {place: len(question & frozenset(words(one.text))) for place, one in enumerate(found) if one.header}
    most: Counter[tuple[int, Span] | None] = Counter()
    for place, count in shared.items():
        most[found[place].table] = max(most[found[place].table], count)
    return [one for place, one in enumerate(found) if place not in shared or shared[place] == most[one.table]]


def evidence(asked: Asked, found: Sequence[Candidate]) -> npt.NDArray[np.float64]:
    """[sentences, kinds of evidence] in the order of the fields of ``Weights``."""
    wanted = kinds(asked.text)
    top = max((candidate.passage_score for candidate in found), default=0.0)
    matched = _matched(found)
    rows = [astuple(_evidence(one, asked, wanted, top, matched[one.number])) for one in found]
    return np.array(rows, np.float64).reshape(len(rows), -1)


def _matched(found: Sequence[Candidate]) -> Mapping[int, Floats]:
    """For each passage, [question tokens] best similarity with any of its sentences."""
    best: dict[int, Floats] = {}
    for one in found:
        best[one.number] = np.maximum(best.get(one.number, one.best), one.best)
    return best


def _evidence(one: Candidate, asked: Asked, wanted: tuple[Kind, ...], top: float, matched: Floats) -> Weights:
    return Weights(
        late=float(asked.weights @ one.best),
        uniform=float(one.best.mean()),
        own=float(asked.weights @ (one.best >= matched)),
        echo=float(one.echoes.mean()),
        kind=float(bool(answering(asked.text, one.text, wanted))),
        total=float(_COUNTS.search(asked.text) is not None and _TOTALS.search(one.text) is not None),
        lead=float(one.place == 0),
        behind=one.passage_score - top,
        chance=one.probability,
    )
