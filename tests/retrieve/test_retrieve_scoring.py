"""Late interaction, fusion and calibration, with numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from qa.retrieve.calibrate import NAMES, Calibration, Features, shipped
from qa.retrieve.fuse import ACROSS_LANGUAGES, SAME_LANGUAGE, fuse, relative_lexical
from qa.retrieve.late import maxsim, token_weights


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


def test_maxsim_takes_the_best_match_of_each_question_token() -> None:
    similarities = np.array([[0.1, 0.9, 0.2], [0.4, 0.3, 0.2]], np.float32)
    scores = maxsim([similarities, np.zeros((2, 0), np.float32)], np.array([0.75, 0.25], np.float32))
    assert scores.tolist() == pytest.approx([0.75 * 0.9 + 0.25 * 0.4, 0.0])


def test_fusion_takes_names_for_words_across_languages() -> None:
    late, dense = np.array([0.5, 0.5], np.float32), np.array([0.2, 0.2], np.float32)
    lexical, names = np.array([8.0, 8.0], np.float32), np.array([1.0, 1.0], np.float32)
    scores = fuse(late, dense, lexical, names, np.array([True, False]))
    assert scores[0] == pytest.approx(0.5 + SAME_LANGUAGE.dense * 0.2 + SAME_LANGUAGE.lexical)
    assert scores[1] == pytest.approx(0.5 + ACROSS_LANGUAGES.dense * 0.2 + ACROSS_LANGUAGES.names)


def test_lexical_share_is_relative_to_the_best() -> None:
    assert relative_lexical(np.array([4.0, 1.0, 0.0], np.float32)).tolist() == [1.0, 0.25, 0.0]
    assert relative_lexical(np.zeros(2, np.float32)).tolist() == [0.0, 0.0]


def test_calibration_is_the_logistic_of_scaled_features() -> None:
    names = list(NAMES)
    weights = tuple(2.0 if name == "late" else 0.0 for name in names)
    means = tuple(0.5 if name == "late" else 0.0 for name in names)
    scales = tuple(0.1 if name == "late" else 1.0 for name in names)
    calibration = Calibration(weights, means, scales, bias=-1.0, threshold=0.5)
    chance = calibration.probabilities([_features(late=0.6)])
    assert chance.tolist() == pytest.approx([1 / (1 + math.exp(-(-1.0 + 2.0 * 1.0)))])
    assert calibration.probabilities([]).shape == (0,)


def test_calibration_survives_json_and_refuses_other_features() -> None:
    calibration = shipped()
    assert Calibration.from_json(calibration.to_json()) == calibration
    foreign = {**calibration.to_json(), "features": ["something", "else"]}
    with pytest.raises(ValueError, match="other features"):
        Calibration.from_json(foreign)
