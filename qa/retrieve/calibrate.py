"""From evidence to a probability: how often a hit with such evidence answers the question.

A logistic model over a few features of one hit. Its parameters are made by ``python -m qa.evaluate.calibration`` and
ship as ``data/calibration.json``; an index may carry its own, fitted by ``qa eval --calibrate``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Features:
    """Evidence for one hit of one question; similarities are cosines.

    ``late``: late-interaction score. ``dense``: centred one-vector cosine. ``margin``: fused score less the best fused
    score of any other hit (negative below the first place). ``gap``: fused score less the median of all candidates.
    ``weakest``: mean similarity of the worst-matched third of the question's tokens, by weight. ``rare``: share of the
    question's rarest words' weight that the passage holds (0.5 across languages, where words cannot tell).
    ``figures``: share of the question's figures that the passage or its heading holds (1 where it has none).
    ``names``: share of an English question's romanised names that a Chinese passage and its document hold (1 where
    there are none).
    ``agreement``: 1 where the lexical ranking has the hit first too, 0 where another, 0.5 where it is mute.
    ``across``: 1 where question and passage differ in language. ``length``: log of the number of question tokens.
    """

    late: float
    dense: float
    margin: float
    gap: float
    weakest: float
    rare: float
    figures: float
    names: float
    agreement: float
    across: float
    length: float


NAMES = tuple(field.name for field in fields(Features))


def matrix(features: list[Features]) -> Floats:
    """[hits, features] with the columns of ``NAMES``."""
    return np.array([[getattr(f, name) for name in NAMES] for f in features], np.float64).reshape(-1, len(NAMES))


@dataclass(frozen=True, slots=True)
class Calibration:
    """probability = sigmoid(bias + sum_k weight_k (x_k - mean_k) / scale_k); answers start at ``threshold``."""

    weights: tuple[float, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    bias: float
    threshold: float

    def probabilities(self, features: list[Features]) -> Floats:
        """[hits] probabilities, 0..1."""
        scaled = (matrix(features) - np.array(self.means)) / np.array(self.scales)
        logits = self.bias + scaled @ np.array(self.weights)
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -50, 50))))

    def to_json(self) -> dict[str, Any]:
        return {
            "features": list(NAMES),
            "weights": list(self.weights),
            "means": list(self.means),
            "scales": list(self.scales),
            "bias": self.bias,
            "threshold": self.threshold,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Calibration:
        """Raises ValueError where the parameters belong to other features than these."""
        if tuple(data["features"]) != NAMES:
            raise ValueError("the calibration was fitted to other features")
        return cls(tuple(data["weights"]), tuple(data["means"]), tuple(data["scales"]), data["bias"], data["threshold"])


@cache
def shipped() -> Calibration:
    """The calibration that ships with the packaged encoder."""
    text = resources.files("qa.retrieve").joinpath("data/calibration.json").read_text("utf-8")
    return Calibration.from_json(json.loads(text))
