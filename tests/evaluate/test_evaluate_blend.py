"""Fitting fusion weights: what tells answers apart gets the weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qa.evaluate.blend import KINDS, Choice, fit, main
from qa.evaluate.listwise import Group, Loss, objective, regret, surprise


def choices(random: np.random.Generator, informative: str, count: int = 80) -> list[Choice]:
    """Ten candidates a question, the first of which answers; ``squared`` and one other kind of evidence say so."""
    made = []
    for _ in range(count):
        evidence = random.normal(size=(10, len(KINDS)))
        evidence[0, KINDS.index("squared")] += 1.0
        evidence[0, KINDS.index(informative)] += 2.0
        evidence[:, KINDS.index("names")] = 1.0
        made.append(Choice(evidence, np.arange(10) == 0, True, "zh", np.arange(10)))
    return made


@pytest.mark.parametrize("informative", ["dense", "glossary"])
def test_weight_goes_to_what_tells_answers_apart(informative: str) -> None:
    found = fit(choices(np.random.default_rng(1), informative))
    assert found.squared == 1.0
    assert getattr(found, informative) == max(getattr(found, kind) for kind in KINDS) > 1.2
    assert found.names == 0.0, "it never varies"
    assert abs(found.lexical) < 0.5


def test_what_is_held_is_not_fitted_and_the_rest_is_fitted_around_it() -> None:
    made = choices(np.random.default_rng(1), "dense")
    free, held = fit(made), fit(made, held={"dense": 0.5})
    assert held.dense == 0.5
    assert held.squared == 1.0
    double = [replace(choice, evidence=_with_dense(choice, free.dense)) for choice in made]
    assert fit(double, held={"dense": 0.0}).window == pytest.approx(
        fit(made, held={"dense": free.dense}).window, abs=1e-3
    )


def _with_dense(choice: Choice, weight: float) -> np.ndarray:
    evidence = choice.evidence.copy()
    evidence[:, KINDS.index("squared")] += weight * evidence[:, KINDS.index("dense")]
    return evidence


@pytest.mark.parametrize("said", ["squared=1", "colour=1", "read", "read=much"])
def test_what_cannot_be_held_is_said(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["questions.jsonl", "--hold", said])
    assert said.partition("=")[0] in capsys.readouterr().err


@pytest.mark.parametrize("loss", [surprise, regret])
def test_the_gradient_is_that_of_the_loss(loss: Loss) -> None:
    random = np.random.default_rng(2)
    groups = [Group(c.evidence, c.answers.astype(float), 1.0 + n) for n, c in enumerate(choices(random, "dense", 5))]
    at = random.normal(size=len(KINDS)) * 0.3
    _, gradient = objective(at, groups, loss, 0.01)
    for k in range(len(KINDS)):
        step = np.zeros(len(KINDS))
        step[k] = 1e-5
        above, below = (objective(at + sign * step, groups, loss, 0.01)[0] for sign in (1, -1))
        assert (above - below) / 2e-5 == pytest.approx(gradient[k], abs=1e-5)
