"""Fitting the weights of a sum by which the best of a group is chosen: evidence, a softmax over the group, L-BFGS.

    shares = softmax(evidence . w);  loss = mean over groups of one of the two below, plus l2 |w|^2

(listwise: Cao et al., ICML 2007), on evidence scaled to unit variance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Loss = Callable[[Floats, Floats], tuple[float, Floats]]
"""From the shares of a group and the gains of its members, both [n]: the loss, and its gradient by the scores."""


@dataclass(frozen=True, slots=True)
class Group:
    """What is chosen from: ``evidence`` [n, kinds], ``gain`` [n] of choosing each, ``share`` of all weight."""

    evidence: Floats
    gain: Floats
    share: float = 1.0


def surprise(shares: Floats, gain: Floats) -> tuple[float, Floats]:
    """- log of the probability that a member with gain 1 (the others have 0) is drawn."""
    drawn = float(shares @ gain)
    return -float(np.log(drawn)), shares - shares * gain / drawn


def regret(shares: Floats, gain: Floats) -> tuple[float, Floats]:
    """- the expected gain of a draw."""
    expected = float(shares @ gain)
    return -expected, -shares * (gain - expected)


def fit(groups: Sequence[Group], loss: Loss, l2: float) -> Floats:
    """[kinds] weights. A kind of evidence that never varies gets weight 0."""
    from scipy.optimize import minimize

    scales = np.concatenate([group.evidence for group in groups]).std(axis=0)
    scales = np.where(scales > 1e-9, scales, np.inf)
    scaled = [replace(group, evidence=group.evidence / scales) for group in groups]
    found = minimize(objective, np.zeros(len(scales)), args=(scaled, loss, l2), jac=True)
    return np.asarray(found.x / scales)


def objective(weights: Floats, groups: Sequence[Group], loss: Loss, l2: float) -> tuple[float, Floats]:
    """The loss and its gradient."""
    total = sum(group.share for group in groups)
    value, gradient = l2 * float(weights @ weights), 2 * l2 * weights
    for group in groups:
        scores = group.evidence @ weights
        shares = np.exp(scores - scores.max())
        lost, by_scores = loss(shares / shares.sum(), group.gain)
        value += group.share / total * lost
        gradient = gradient + group.share / total * (by_scores @ group.evidence)
    return value, gradient
