"""Fitting confidence: the optimum is checked, not the optimiser."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qa.errors import EvalError
from qa.evaluate.calibration import FEWEST, Example, fit, fit_logistic, threshold
from qa.retrieve.calibrate import FAR, NAMES, Features

BASE = Features(**{**dict.fromkeys(NAMES, 0.5), "across": 0.0})  # type: ignore[arg-type]


def gradient(inputs: np.ndarray, right: np.ndarray, l2: float) -> np.ndarray:
    """At the optimum sum(p - y) = 0 and sum((p - y) x) + l2 w = 0."""
    model = fit_logistic(inputs, right, l2)
    scaled = np.clip((inputs - np.array(model.means)) / np.array(model.scales), -FAR, FAR)
    error = model.probabilities(inputs) - right
    return np.concatenate([[error.sum()], error @ scaled + l2 * np.array(model.weights)])


@pytest.mark.parametrize("l2", [0.1, 1.0, 30.0])
def test_the_fit_is_at_the_optimum(l2: float) -> None:
    random = np.random.default_rng(3)
    inputs = random.normal(size=(300, 4)) * [1, 10, 0.1, 3] + [0, 5, 2, -1]
    right = random.random(300) < 1 / (1 + np.exp(-(inputs[:, 0] - inputs[:, 3] - 1)))
    assert gradient(inputs, right, l2) == pytest.approx(np.zeros(5), abs=0.01)


def test_what_is_not_known_does_not_move_the_fit() -> None:
    """A column missing in half of the rows is standardised by the others; one that is always missing weighs 0."""
    random = np.random.default_rng(4)
    inputs = random.normal(size=(400, 3))
    right = random.random(400) < 1 / (1 + np.exp(-2 * inputs[:, 0]))
    inputs[::2, 1], inputs[:, 2] = np.nan, np.nan
    model = fit_logistic(inputs, right)
    assert model.means[1] == pytest.approx(inputs[1::2, 1].mean())
    assert model.scales[1] == pytest.approx(inputs[1::2, 1].std())
    assert (model.weights[2], model.means[2], model.scales[2]) == (0.0, 0.0, 1.0)
    assert np.isfinite(model.probabilities(inputs)).all()


def test_a_known_model_is_found_again() -> None:
    """50,000 draws from sigmoid(-1 + 2a - b): standardised weights are weight times spread, within sampling error."""
    random = np.random.default_rng(5)
    inputs = random.normal(size=(50_000, 2)) * [1.0, 2.0]
    right = random.random(50_000) < 1 / (1 + np.exp(-(-1 + 2 * inputs[:, 0] - inputs[:, 1])))
    model = fit_logistic(inputs, right)
    assert np.divide(model.weights, model.scales) == pytest.approx([2, -1], abs=0.06)
    assert model.bias - float(np.divide(np.multiply(model.weights, model.means), model.scales).sum()) == pytest.approx(
        -1, abs=0.06
    )


def test_without_evidence_the_probability_is_the_share() -> None:
    """A feature that never varies gets weight 0: what is left is 3 of 4."""
    model = fit_logistic(np.ones((8, 1)), np.array([1, 1, 1, 0] * 2, bool))
    assert model.weights == (0.0,)
    assert model.probabilities(np.ones((1, 1)))[0] == pytest.approx(0.75, abs=1e-5)


def test_more_ridge_means_smaller_weights() -> None:
    inputs = np.linspace(-1, 1, 40)[:, None]
    right = inputs[:, 0] > 0
    weights = [abs(fit_logistic(inputs, right, l2).weights[0]) for l2 in (0.01, 1.0, 100.0)]
    assert weights == sorted(weights, reverse=True)


def test_one_outcome_cannot_be_fitted() -> None:
    with pytest.raises(EvalError, match="the same outcome"):
        fit_logistic(np.zeros((3, 1)), np.ones(3, bool))


def test_a_threshold_refuses_no_more_than_it_may() -> None:
    confidence = np.arange(1, 41) / 40
    assert threshold(confidence, 0.05) == pytest.approx(3 / 40)
    assert (confidence < threshold(confidence, 0.05)).sum() == 2
    assert threshold(confidence, 0.0) == pytest.approx(1 / 40)
    with pytest.raises(EvalError, match="No question has an answer"):
        threshold(np.array([]))


def examples(count: int) -> list[Example]:
    right = [Example(replace(BASE, late=0.9 + n / 1000), True, True, True) for n in range(count)]
    return right + [Example(replace(BASE, late=0.5 + n / 1000), False, False, False) for n in range(count)]


def test_what_is_fitted_is_what_the_lane_computes() -> None:
    made = examples(200)
    calibration = fit(made)
    chances = calibration.scores([example.features for example in made])
    assert chances.tolist() == pytest.approx([calibration.confidence(example.features) for example in made])
    assert (chances[:200] > 0.7).all()
    assert (chances[200:] < 0.3).all()
    assert (chances[:200] < calibration.threshold).sum() == 10
    assert fit(made) == calibration


def test_too_few_examples() -> None:
    with pytest.raises(EvalError, match=f"{2 * FEWEST - 2} questions, {FEWEST - 1} of them answered"):
        fit(examples(FEWEST - 1))


def test_each_language_pair_has_its_model_where_it_has_enough_questions() -> None:
    """Here the weaker match is the right one across languages; five questions are too few to say so."""
    foreign = [
        Example(replace(one.features, across=1.0, late=2.0 - one.features.late), one.right, one.found, one.answerable)
        for one in examples(40)
    ]
    both = fit(examples(40) + foreign)
    assert both.confidence(replace(BASE, late=0.9)) > 0.5 > both.confidence(replace(BASE, late=0.5))
    assert both.confidence(replace(BASE, across=1.0, late=1.1)) > both.confidence(replace(BASE, across=1.0, late=1.5))
    few = fit(examples(40) + foreign[:5])
    assert few.same != few.across != both.across, "the model of all questions"


def test_unjudged_hits_count_for_the_question_only() -> None:
    unjudged = [Example(replace(BASE, late=0.7), None, n % 2 == 0, n % 2 == 0) for n in range(60)]
    assert fit(examples(40) + unjudged).right == fit(examples(40)).right
    assert fit(examples(40) + unjudged).same != fit(examples(40)).same


def test_what_no_reader_has_read_is_judged_by_a_model_of_its_own() -> None:
    """The reader knows: high where the question is answered. Without it, only the late score tells."""
    made = [
        replace(one, features=replace(one.features, late=float(one.found) + i % 3, read=8.0 * one.found - 4.0))
        for i, one in enumerate(examples(4 * FEWEST))
    ]
    fitted = fit(made)
    assert fitted.unread is not None
    assert fitted.unread.unread is None
    right, wrong = (next(e.features for e in made if e.found is found) for found in (True, False))
    assert fitted.confidence(right) > 0.8 > 0.2 > fitted.confidence(wrong)
    unread = replace(right, read=float("nan"), best_read=float("nan"))
    assert fitted.confidence(unread) == fitted.unread.confidence(unread)
    assert fitted.confidence(unread) == fitted.unread.confidence(replace(unread, read=9.0))
    assert fitted.unread.threshold != fitted.threshold
    assert fitted.answers(fitted.unread.threshold, unread)
    assert not fitted.answers(fitted.unread.threshold - 1e-9, unread)
    assert fitted.answers(fitted.threshold, right)
    assert not fitted.answers(fitted.threshold - 1e-9, right)
    np.testing.assert_allclose(
        fitted.scores([right, unread]), [fitted.scores([right])[0], fitted.unread.scores([unread])[0]]
    )
    assert type(fitted).from_json(fitted.to_json()) == fitted
