"""Abstention and calibration, with every expected value worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.evaluate.confidence import auroc, brier, calibration_error, false_answers, reliability, risk_coverage


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


def flags(*values: int) -> np.ndarray:
    return np.array(values, bool)


def test_auroc_counts_pairs() -> None:
    """Pairs (answerable, not): .9>.5, .9>.2, .4<.5, .4>.2: three of four."""
    assert auroc(floats(0.9, 0.4, 0.5, 0.2), flags(1, 1, 0, 0)) == pytest.approx(3 / 4)


def test_auroc_of_ties_is_half() -> None:
    assert auroc(floats(0.5, 0.5, 0.5), flags(1, 0, 0)) == pytest.approx(0.5)


def test_auroc_needs_both_kinds() -> None:
    assert auroc(floats(0.5), flags(1)) is None
    assert auroc(floats(0.5), flags(0)) is None


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=40))
def test_auroc_equals_counting(pairs: list[tuple[int, bool]]) -> None:
    known = [score for score, answerable in pairs if answerable]
    unknown = [score for score, answerable in pairs if not answerable]
    found = auroc(floats(*(score / 9 for score, _ in pairs)), flags(*(answerable for _, answerable in pairs)))
    if not known or not unknown:
        assert found is None
        return
    counted = sum((a > b) + (a == b) / 2 for a in known for b in unknown) / (len(known) * len(unknown))
    assert found == pytest.approx(counted)


def test_false_answers_at_five_percent_refused() -> None:
    """Twenty answerable at .05, .10 ... 1.00: one may be refused, so the threshold is .10; .10 and .5 reach it."""
    known = [number / 20 for number in range(1, 21)]
    unknown = [0.01, 0.06, 0.10, 0.5]
    found = false_answers(floats(*known, *unknown), flags(*[1] * 20, *[0] * 4))
    assert found == pytest.approx(2 / 4)


def test_false_answers_where_none_may_be_refused() -> None:
    """Of nineteen answerable questions 5% is less than one: the threshold is the least confidence among them."""
    found = false_answers(floats(*[0.5] * 18, 0.2, 0.3, 0.1), flags(*[1] * 19, 0, 0))
    assert found == pytest.approx(1 / 2)


def test_false_answers_need_both_kinds() -> None:
    assert false_answers(floats(0.5), flags(1)) is None
    assert false_answers(floats(0.5), flags(0)) is None


def test_risk_and_coverage() -> None:
    """Answered in order: right, right, wrong, right: risk 0, 0, 1/3, 1/4; the area is their mean."""
    curve = risk_coverage(floats(0.2, 0.9, 0.8, 0.4), flags(1, 1, 1, 0))
    assert curve.coverage == pytest.approx((0.25, 0.5, 0.75, 1.0))
    assert curve.risk == pytest.approx((0, 0, 1 / 3, 1 / 4))
    assert curve.area == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)


def test_answers_of_one_confidence_come_together() -> None:
    """Three at .5, one wrong: there is no telling them apart, so the only points are after one and after all four."""
    curve = risk_coverage(floats(0.5, 0.5, 0.9, 0.5), flags(0, 1, 1, 1))
    assert curve.coverage == pytest.approx((0.25, 1.0))
    assert curve.risk == pytest.approx((0, 0.25))
    assert curve.area == pytest.approx(0.75 * 0.25)


def test_risk_of_nothing() -> None:
    assert risk_coverage(floats(), flags()).area == 0


def test_reliability_bins() -> None:
    """Bins of a tenth: {.05}, {.90, .95, 1.0} (1.0 belongs to the last bin)."""
    bins = reliability(floats(0.05, 0.90, 0.95, 1.0), flags(0, 1, 0, 1))
    assert [each.count for each in bins] == [1, 3]
    assert bins[1].confidence == pytest.approx(0.95)
    assert bins[1].right == pytest.approx(2 / 3)
    assert calibration_error(bins) == pytest.approx((1 * 0.05 + 3 * (0.95 - 2 / 3)) / 4)


def test_honest_confidence_has_no_calibration_error() -> None:
    bins = reliability(floats(*[0.75] * 4), flags(1, 1, 1, 0))
    assert calibration_error(bins) == pytest.approx(0)
    assert calibration_error([]) is None


def test_brier() -> None:
    assert brier(floats(1.0, 0.5, 0.0), flags(1, 1, 1)) == pytest.approx((0 + 0.25 + 1) / 3)
    assert brier(floats(), flags()) is None
