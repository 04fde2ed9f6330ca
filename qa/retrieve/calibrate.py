"""From evidence to probabilities: how often a hit with such evidence answers, how often the question is answered.

Logistic models over a few features of one hit. Their parameters are made by ``python -m qa.evaluate.calibration`` and
ship as ``data/calibration.json``; an index may carry its own, fitted by ``qa eval --calibrate``.
"""

from __future__ import annotations

import json
import logging
import math
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_log = logging.getLogger(__name__)

FAR = 3.0
"""Standard deviations beyond which evidence counts no more: a collection of one short note lies outside of all that the
parameters were fitted to, and one odd feature must not decide there."""


@dataclass(frozen=True, slots=True)
class Features:
    """Evidence for one hit of one question; similarities are cosines.

    ``late``, ``squared``, ``window``: late-interaction scores (``late.py``; ``late`` is the linear one). ``dense``:
    centred one-vector cosine. ``glossary``: share of the question found by dictionary (0.5 within one language).
    ``margin``: fused score less the best fused score of any other hit (negative below the first
    place). ``gap``: fused score less the median of all candidates.
    ``weakest``: mean similarity of the worst-matched third of the question's tokens, by weight. ``rare``: share of the
    question's rarest words' weight that the passage holds (0.5 across languages, where words cannot tell).
    ``figures``: share of the question's figures that the passage or its heading holds (1 where it has none).
    ``names``: share of an English question's romanised names that a Chinese passage and its document hold (1 where
    there are none).
    ``agreement``: 1 where the lexical ranking has the hit first too, 0 where another, 0.5 where it is mute.
    ``best_dense``, ``best_rare``: the greatest ``dense`` and ``rare`` of the first five hits.
    ``across``: 1 where question and passage differ in language. ``length``: log of the number of question tokens.
    ``missed_50`` and so on: share of the question's tokens, by weight, whose best match in the first five hits is
    below 0.5, 0.6, 0.7. ``keyword_least``, ``keyword_mean``: least and mean best match of its three weightiest tokens;
    ``best_keyword_least``: the greatest ``keyword_least`` of the first five hits. ``read``: the reader's log-odds that
    the hit holds the answer, ``best_read``: the greatest of the first five hits; NaN where not all of them
    were read.
    """

    late: float
    dense: float
    squared: float
    window: float
    glossary: float
    margin: float
    gap: float
    weakest: float
    rare: float
    figures: float
    names: float
    agreement: float
    best_dense: float
    best_rare: float
    across: float
    length: float
    missed_50: float
    missed_60: float
    missed_70: float
    keyword_least: float
    keyword_mean: float
    best_keyword_least: float
    read: float
    best_read: float


NAMES = tuple(field.name for field in fields(Features))


def matrix(features: list[Features]) -> Floats:
    """[hits, features] with the columns of ``NAMES``."""
    return np.array([[getattr(f, name) for name in NAMES] for f in features], np.float64).reshape(-1, len(NAMES))


def scaled(inputs: Floats, means: Floats, scales: Floats) -> Floats:
    """[n, features] in standard deviations from the mean, at most ``FAR``; 0 where a feature is not known (NaN)."""
    return np.nan_to_num(np.clip((inputs - means) / scales, -FAR, FAR), nan=0.0)


@dataclass(frozen=True, slots=True)
class Logistic:
    """probability = sigmoid(bias + sum_k weight_k clip((x_k - mean_k) / scale_k, -``FAR``, ``FAR``)).

    What is not known of a hit (NaN) counts as the mean.
    """

    weights: tuple[float, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    bias: float

    def probabilities(self, inputs: Floats) -> Floats:
        """[n] probabilities, 0..1, of [n, features]."""
        logits = self.bias + scaled(inputs, np.array(self.means), np.array(self.scales)) @ np.array(self.weights)
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -50, 50))))

    def to_json(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Logistic:
        return cls(tuple(data["weights"]), tuple(data["means"]), tuple(data["scales"]), data["bias"])


@dataclass(frozen=True, slots=True)
class Calibration:
    """``right``: that a hit answers the question. ``same``, ``across``: that one of the first hits does, judged by the
    evidence of the first, where it is in the language of the question or in another. Answers start at ``threshold`` of
    the latter. ``unread``: the same for hits that no reader has read (tables, questions about a whole text, an encoder
    that the reader does not know), fitted without what it says; where that is absent, it counts as the mean."""

    right: Logistic
    same: Logistic
    across: Logistic
    threshold: float
    unread: Calibration | None = None

    def scores(self, features: list[Features]) -> Floats:
        """[hits] probabilities that each hit answers."""
        inputs = matrix(features)
        found = self.right.probabilities(inputs)
        if self.unread:
            unread = np.isnan(inputs[:, NAMES.index("read")])
            found[unread] = self.unread.right.probabilities(inputs[unread])
        return found

    def confidence(self, first: Features) -> float:
        """Probability that the question is answered, by the evidence of its first hit."""
        known = self._of(first)
        model = known.across if first.across else known.same
        return float(model.probabilities(matrix([first]))[0])

    def answers(self, confidence: float, first: Features) -> bool:
        """Whether a question with this confidence and first hit is answered rather than refused."""
        return confidence >= self._of(first).threshold

    def _of(self, hit: Features) -> Calibration:
        return self.unread if self.unread and math.isnan(hit.read) else self

    def to_json(self) -> dict[str, Any]:
        models = {name: getattr(self, name).to_json() for name in ("right", "same", "across")}
        unread = {"unread": self.unread.to_json()} if self.unread else {}
        return {"features": list(NAMES), **models, "threshold": self.threshold, **unread}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Calibration:
        """Raises ValueError where the parameters belong to other features than these."""
        if tuple(data["features"]) != NAMES:
            raise ValueError("the calibration was fitted to other features")
        right, same, across = (Logistic.from_json(data[name]) for name in ("right", "same", "across"))
        unread = cls.from_json(data["unread"]) if "unread" in data else None
        return cls(right, same, across, data["threshold"], unread)


@cache
def shipped() -> Calibration:
    """The calibration that ships with the packaged encoder."""
    text = resources.files("qa.retrieve").joinpath("data/calibration.json").read_text("utf-8")
    return Calibration.from_json(json.loads(text))


def stored_or_shipped(stored: dict[str, Any] | None) -> Calibration:
    """The calibration that an index keeps; the shipped one where it keeps none, or one of an earlier release that
    weighed other evidence."""
    if stored is None:
        return shipped()
    try:
        return Calibration.from_json(stored)
    except (KeyError, TypeError, ValueError):
        _log.warning("The index's own calibration is of an earlier release; fit it again with qa eval --calibrate.")
        return shipped()
