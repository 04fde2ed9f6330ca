"""Late interaction, fusion and calibration, with numbers worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.retrieve.calibrate import NAMES, Calibration, Features, Logistic, shipped, stored_or_shipped
from qa.retrieve.fuse import Blend, Evidence, Weights, fuse, relative_lexical
from qa.retrieve.late import WINDOW, matches, token_weights


def _features(**changes: float) -> Features:
    base = dict.fromkeys(NAMES, 0.0)
    return Features(**{**base, **changes})


def test_token_weights_are_half_uniform_half_rarity() -> None:
    # N = 9: idf of df 1 is log(10/1.5), of df 4 is log(10/4.5)
    rare, common = math.log(10 / 1.5), math.log(10 / 4.5)
    weights = token_weights(np.array([1, 4]), 9)
    by_rarity = [rare / (rare + common), common / (rare + common)]
    assert weights.tolist() == pytest.approx([0.25 + 0.5 * share for share in by_rarity])
    assert weights.sum() == pytest.approx(1.0)


def test_token_weights_of_a_word_in_every_passage_stay_positive() -> None:
    assert (token_weights(np.array([10, 10]), 10) > 0).all()
    assert (token_weights(np.array([12]), 10) > 0).all(), "a frequency counted before a delete may exceed the size"
    assert token_weights(np.array([], np.int64), 10).shape == (0,)


def test_matches_take_the_best_of_each_question_token() -> None:
    similarities = np.array([[0.1, 0.9, 0.2], [0.4, -0.3, -0.2]], np.float32)
    found = matches([similarities, np.zeros((2, 0), np.float32)], np.array([0.75, 0.25], np.float32))
    assert found.linear.tolist() == pytest.approx([0.75 * 0.9 + 0.25 * 0.4, 0.0])
    assert found.squared.tolist() == pytest.approx([0.75 * 0.81 + 0.25 * 0.16, 0.0])
    assert found.window.tolist() == pytest.approx(found.squared.tolist()), "three tokens are within one window"


def test_a_window_holds_neighbours_only() -> None:
    """Two question tokens matched 40 tokens apart: together they are in no window, next to each other they are."""
    apart, together = np.zeros((2, 80), np.float32), np.zeros((2, 80), np.float32)
    apart[0, 10], apart[1, 50] = 0.8, 0.6
    together[0, 40], together[1, 50] = 0.8, 0.6
    found = matches([apart, together], np.array([0.5, 0.5], np.float32))
    assert found.squared.tolist() == pytest.approx([0.5, 0.5])
    assert found.window.tolist() == pytest.approx([0.32, 0.5])


def test_a_window_never_reaches_into_the_next_passage() -> None:
    first, second = np.zeros((1, 9), np.float32), np.full((1, 40), 0.9, np.float32)
    found = matches([first, second, first], np.array([1.0], np.float32))
    assert found.window.tolist() == pytest.approx([0.0, 0.81, 0.0])


@given(
    st.lists(st.integers(0, 70), min_size=1, max_size=6),
    st.integers(1, 5),
    st.randoms(use_true_random=False),
)
def test_matches_agree_with_the_definition(lengths: list[int], tokens: int, random: Random) -> None:
    matrices = [
        np.array([[random.uniform(-1, 1) for _ in range(n)] for _ in range(tokens)], np.float32) for n in lengths
    ]
    weights = np.full(tokens, 1 / tokens, np.float32)
    found = matches([m.reshape(tokens, -1) for m in matrices], weights)
    for matrix, linear, squared, window in zip(matrices, found.linear, found.squared, found.window, strict=True):
        n = matrix.size // tokens
        best = matrix.reshape(tokens, n).max(axis=1) if n else np.zeros(tokens)
        assert linear == pytest.approx(float(weights @ best), abs=1e-5)
        assert squared == pytest.approx(float(weights @ np.maximum(best, 0) ** 2), abs=1e-5)
        spans = [matrix.reshape(tokens, n)[:, start : start + WINDOW] for start in range(0, n, 8)]
        expected = max((float(weights @ np.maximum(s.max(axis=1), 0) ** 2) for s in spans), default=0.0)
        assert window == pytest.approx(expected, abs=1e-5)


def test_fusion_weighs_by_the_language_pair() -> None:
    same, across = np.array([0.5, 0.25], np.float32), np.array([0.1, 0.3], np.float32)
    evidence = Evidence(
        squared=same,
        window=across,
        dense=same,
        lexical=np.array([8.0, 4.0], np.float32),
        names=across,
        glossary=same,
        covered=np.array([0.7, 0.0], np.float32),
        read=np.array([0.9, 0.2], np.float32),
    )
    blend = Blend(
        Weights(squared=1, dense=2, lexical=3, covered=2, read=2), Weights(squared=1, window=2, names=3, glossary=4)
    )
    scores = fuse(evidence, np.array([True, False]), blend)
    expected = [0.5 + 2 * 0.5 + 3 * 1.0 + 2 * 0.7 + 2 * 0.9, 0.25 + 2 * 0.3 + 3 * 0.3 + 4 * 0.25]
    assert scores.tolist() == pytest.approx(expected)
    ahead = fuse(evidence, np.array([True, False]), replace(blend, head_start=0.5))
    assert ahead.tolist() == pytest.approx([expected[0], expected[1] + 0.5])


def test_lexical_share_is_relative_to_the_best() -> None:
    assert relative_lexical(np.array([4.0, 1.0, 0.0], np.float32)).tolist() == [1.0, 0.25, 0.0]
    assert relative_lexical(np.zeros(2, np.float32)).tolist() == [0.0, 0.0]


def test_calibration_is_the_logistic_of_scaled_features() -> None:
    names = list(NAMES)
    weights = tuple(2.0 if name == "late" else 0.0 for name in names)
    means = tuple(0.5 if name == "late" else 0.0 for name in names)
    scales = tuple(0.1 if name == "late" else 1.0 for name in names)
    model, sure = Logistic(weights, means, scales, bias=-1.0), Logistic((0.0,) * len(names), means, scales, bias=3.0)
    calibration = Calibration(model, model, sure, threshold=0.5)
    assert calibration.scores([_features(late=0.6)]).tolist() == pytest.approx(
        [1 / (1 + math.exp(-(-1.0 + 2.0 * 1.0)))]
    )
    assert calibration.scores([]).shape == (0,)
    assert calibration.confidence(_features(late=0.5)) == pytest.approx(1 / (1 + math.e))
    assert calibration.confidence(_features(late=0.5, across=1.0)) == pytest.approx(1 / (1 + math.exp(-3)))


def test_what_is_not_known_of_a_hit_counts_as_the_mean() -> None:
    weights = tuple(2.0 if name == "read" else 0.0 for name in NAMES)
    model = Logistic(weights, (0.5,) * len(NAMES), (0.1,) * len(NAMES), bias=-1.0)
    calibration = Calibration(model, model, model, threshold=0.5)
    unknown, usual = calibration.scores([_features(read=math.nan), _features(read=0.5)])
    assert unknown == usual == pytest.approx(1 / (1 + math.e))


def test_a_calibration_of_an_earlier_release_gives_way(caplog: pytest.LogCaptureFixture) -> None:
    assert stored_or_shipped(None) == shipped()
    assert stored_or_shipped(shipped().to_json()) == shipped()
    assert stored_or_shipped({"features": ["late"], "weights": [1.0]}) == shipped()
    assert "qa eval --calibrate" in caplog.text


def test_calibration_survives_json_and_refuses_other_features() -> None:
    calibration = shipped()
    assert Calibration.from_json(calibration.to_json()) == calibration
    foreign = {**calibration.to_json(), "features": ["something", "else"]}
    with pytest.raises(ValueError, match="other features"):
        Calibration.from_json(foreign)
