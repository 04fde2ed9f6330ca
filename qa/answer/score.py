"""How well a sentence answers a question: a weighted sum of evidence, the weights fitted to questions with answers.

The weights come from a softmax regression over the sentences of five passages (which of them holds the answer?), on
every fourth article of ``evals/training/articles.jsonl``, in four language directions, and on the dev half of
``evals/questions.jsonl``, the latter with twice the weight; rounded, and the
last decimals chosen by hand on that dev half.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from qa.answer.candidates import Candidate
from qa.answer.phrases import Voice
from qa.answer.wanted import Kind, answering, kinds
from qa.ingest.words import words
from qa.types import Span

Floats = npt.NDArray[np.float32]

KIND: Final = 0.05
"""For holding something of the kind that is asked for."""
FIGURES: Final = 0.05
"""For holding the figures of the question, as a share. Not fitted: too few questions name one."""
OWN: Final = 0.13
"""For the share of the question whose best match in the passage stands in this sentence."""
ECHO: Final = 0.55
"""For how much the sentence's tokens match the question's on average."""
UNIFORM: Final = 0.34
"""Against the unweighted mean of the best matches: rare tokens of the question are to weigh even more."""
LEAD: Final = 0.035
"""Against the first sentence of a passage, which has its subject in it and matches everything."""
TOTAL: Final = 0.05
"""For giving a total where the question asks how many there are. Not fitted."""
BEHIND: Final = 1.04
"""For how far the passage is behind the first one (a number below 0)."""
CHANCE: Final = 0.09
"""For the probability that the passage answers."""

_COUNTS = re.compile(r"多少|几[家个位项]|\bhow many\b|\bnumber of\b", re.IGNORECASE)
_TOTALS = re.compile(
    r"共有|一共|总共|合计|共(?=[计\d])|\bin (?:total|all)\b|\btotal of\b|\baltogether\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the extraction sees it. ``text`` is matchable and only the question itself, without the turns
    before it; ``weights`` [tokens of what was searched] sum to 1."""

    text: str
    voice: Voice
    weights: Floats


@dataclass(frozen=True, slots=True)
class Scored:
    """A sentence with its score. ``answering`` are the places in its text that may be what is asked for."""

    candidate: Candidate
    score: float
    answering: tuple[Span, ...]
    words: frozenset[str]


def ranked(asked: Asked, found: Sequence[Candidate]) -> list[Scored]:
    """The sentences, best first."""
    wanted = kinds(asked.text)
    figures = frozenset(word for word in words(asked.text) if word[0].isdigit())
    top = max((candidate.passage_score for candidate in found), default=0.0)
    matched = _matched(found)
    scored = [_scored(one, asked, wanted, figures, top, matched[one.number]) for one in found]
    return sorted(scored, key=lambda one: (-one.score, one.candidate.number, one.candidate.place))


def _matched(found: Sequence[Candidate]) -> Mapping[int, Floats]:
    """For each passage, [question tokens] best similarity with any of its sentences."""
    best: dict[int, Floats] = {}
    for one in found:
        best[one.number] = np.maximum(best.get(one.number, one.best), one.best)
    return best


def _scored(
    one: Candidate, asked: Asked, wanted: tuple[Kind, ...], figures: frozenset[str], top: float, matched: Floats
) -> Scored:
    held = frozenset(words(one.text))
    spans = tuple(answering(asked.text, one.text, wanted))
    score = float(asked.weights @ one.best) - UNIFORM * float(one.best.mean())
    score += OWN * float(asked.weights @ (one.best >= matched))
    score += ECHO * float(one.echoes.mean())
    score += KIND * bool(spans) + FIGURES * (len(figures & held) / len(figures) if figures else 0)
    score += TOTAL * (_COUNTS.search(asked.text) is not None and _TOTALS.search(one.text) is not None)
    score += BEHIND * (one.passage_score - top) + CHANCE * one.probability - LEAD * (one.place == 0)
    return Scored(one, score, spans, held)
