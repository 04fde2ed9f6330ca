"""Measures of rankings, with every expected value worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.evaluate.measure import MEASURES, Table, first_rank, intervals, means, parity, percentiles, score

JUDGED = {"q1": {"a": 1}, "q2": {"a": 1, "b": 1}, "q3": {"c": 1}}
RUN = {"q1": ["x", "a"], "q2": ["a", "x", "y", "b"], "q3": ["x", "y"]}


def by_hand(name: str) -> list[float]:
    log = math.log2
    return {
        "hit@1": [0, 1, 0],
        "hit@3": [1, 1, 0],
        "hit@5": [1, 1, 0],
        "hit@10": [1, 1, 0],
        "recall@5": [1, 1, 0],
        "recall@10": [1, 1, 0],
        "mrr@10": [1 / 2, 1, 0],
        "ndcg@10": [1 / log(3), (1 + 1 / log(5)) / (1 + 1 / log(3)), 0],
    }[name]


@pytest.mark.parametrize("name", MEASURES)
def test_measures_question_by_question(name: str) -> None:
    assert score(JUDGED, RUN).column(name).tolist() == pytest.approx(by_hand(name))


def test_means() -> None:
    found = means(score(JUDGED, RUN))
    assert found["hit@1"] == pytest.approx(1 / 3)
    assert found["mrr@10"] == pytest.approx(1 / 2)


def test_the_first_ten_count_and_order_matters_not_names() -> None:
    items = [f"z{number}" for number in range(9, -1, -1)]
    table = score({"in": {"a": 1}, "out": {"a": 1}}, {"in": [*items[:9], "a"], "out": [*items, "a"]})
    assert table.column("hit@10").tolist() == [1, 0]
    assert table.column("mrr@10").tolist() == pytest.approx([0.1, 0])
    assert table.column("ndcg@10").tolist() == pytest.approx([1 / math.log2(11), 0])


def test_recall_is_a_share_of_what_is_relevant() -> None:
    table = score({"q": {"a": 1, "b": 1, "c": 1, "d": 0}}, {"q": ["a", "d", "b"]})
    assert table.column("recall@5").tolist() == pytest.approx([2 / 3])


def test_a_question_that_the_run_leaves_out_counts_as_missed() -> None:
    table = score({"q1": {"a": 1}, "q2": {"a": 1}}, {"q1": ["a"], "q9": ["a"]})
    assert table.ids == ("q1", "q2")
    assert means(table)["ndcg@10"] == pytest.approx(0.5)


def test_no_questions() -> None:
    table = score({}, {})
    assert means(table) == dict.fromkeys(MEASURES, 0.0)
    assert intervals(table) == {}


def constant(share: float, size: int) -> Table:
    values = np.zeros((size, len(MEASURES)))
    values[: round(share * size)] = 1.0
    return Table(tuple(map(str, range(size))), values)


def test_the_interval_of_a_share_is_the_binomial_one() -> None:
    """n = 400, p = 0.3: the standard error is sqrt(.3 * .7 / 400) = 0.0229, so 95% is 0.3 -+ 0.0449."""
    low, high = intervals(constant(0.3, 400))["hit@1"]
    assert low == pytest.approx(0.3 - 0.0449, abs=0.005)
    assert high == pytest.approx(0.3 + 0.0449, abs=0.005)


def test_the_interval_of_what_never_varies_is_a_point() -> None:
    assert intervals(constant(1.0, 50))["ndcg@10"] == (1.0, 1.0)


def test_intervals_are_the_same_every_time() -> None:
    table = constant(0.5, 37)
    assert intervals(table) == intervals(table)


def test_intervals_hold_the_true_mean_as_often_as_they_say() -> None:
    """Of 200 samples of 120 questions with p = 0.6, about 95% have intervals that hold 0.6."""
    random = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        values = np.repeat((random.random(120) < 0.6).astype(float)[:, None], len(MEASURES), axis=1)
        low, high = intervals(Table(tuple(map(str, range(120))), values), resamples=400)["hit@1"]
        held += low <= 0.6 <= high
    assert 0.90 <= held / 200 <= 0.99


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.sets(st.sampled_from("abcdef")))
def test_first_rank_agrees_with_hits(ranking: list[str], relevant: set[str]) -> None:
    rank = first_rank(dict.fromkeys(relevant, 1), ranking)
    assert (rank == 0) == (not relevant & set(ranking))
    if rank:
        assert ranking[rank - 1] in relevant
        assert not relevant & set(ranking[: rank - 1])


def test_first_rank_skips_what_is_judged_irrelevant() -> None:
    assert first_rank({"a": 0, "b": 2}, ["a", "b"]) == 2


def test_parity() -> None:
    zh = {"n1": True, "n2": True, "n3": False, "n4": False, "n5": True, "only zh": True}
    en = {"n1": True, "n2": False, "n3": True, "n4": False, "n5": False, "only en": True}
    counted = parity(zh, en)
    assert (counted.both, counted.zh, counted.en, counted.neither) == (1, 2, 1, 1)
    assert counted.share == pytest.approx(1 / 3)
    assert parity({}, {}).share is None


def test_percentiles() -> None:
    assert percentiles(range(101)) == {"p50": 50.0, "p95": 95.0}
    assert percentiles([]) == {}
