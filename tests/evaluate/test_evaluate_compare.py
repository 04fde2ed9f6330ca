"""Comparing runs: the significance test against known distributions, the gate on injected regressions."""

from __future__ import annotations

import json
from math import comb
from pathlib import Path

import numpy as np
import pytest

from qa.errors import EvalError
from qa.evaluate.baseline import Baseline, Result, read, save
from qa.evaluate.compare import compare, randomisation


def result(rank: int | None = 1, *, ndcg: float | None = None, digest: str = "d", **changes: object) -> Result:
    gain = 0.0 if not rank else 1 / float(np.log2(rank + 1))
    base = {"text": "问题？", "answerable": True, "confidence": 0.9, "answered": True}
    return Result(rank=rank, ndcg=gain if ndcg is None else ndcg, digest=digest, **(base | changes))  # type: ignore[arg-type]


def run(ranks: list[int], **changes: object) -> Baseline:
    results = {f"q{number:03d}": result(rank, **changes) for number, rank in enumerate(ranks)}
    return Baseline("set", "sha", "0.1.0", {"zh-zh": results})


def test_the_exact_test_is_the_sign_test_where_all_differences_are_equal() -> None:
    """Five losses, no win: 2 of the 2^5 sign patterns are as extreme: p = 1/16."""
    assert randomisation(np.array([-1.0] * 5 + [0.0] * 50)) == pytest.approx(2 / 32)


def test_one_win_against_six_losses() -> None:
    """|sum| >= 5 of 7 signs: at most one differs from the rest: 2 * (1 + 7) / 128."""
    assert randomisation(np.array([-1.0] * 6 + [1.0])) == pytest.approx(2 * (1 + 7) / 128)


def test_the_exact_test_weighs_sizes() -> None:
    """Differences 3, 1, 1: only all alike (+-5) are as extreme as 5: 2 of 8. Of -3, 1, 1 (sum -1): all of 8."""
    assert randomisation(np.array([3.0, 1.0, 1.0])) == pytest.approx(2 / 8)
    assert randomisation(np.array([-3.0, 1.0, 1.0])) == pytest.approx(8 / 8)


def test_the_sampled_test_agrees_with_the_binomial() -> None:
    """10 wins and 30 losses: two-sided sign test p = 2 * P(X <= 10), X ~ B(40, 1/2)."""
    exact = 2 * sum(comb(40, k) for k in range(11)) / 2**40
    assert randomisation(np.array([1.0] * 10 + [-1.0] * 30)) == pytest.approx(exact, abs=0.002)


def test_no_difference_is_no_evidence_and_no_sample_gives_zero() -> None:
    assert randomisation(np.zeros(30)) == 1.0
    assert 0 < randomisation(np.full(200, -1.0)) <= 1 / 10_001 + 1e-12


def test_p_values_of_chance_are_uniform() -> None:
    """Of 200 comparisons in which nothing changed but chance, about 5% are significant."""
    random = np.random.default_rng(11)
    found = sum(randomisation(random.normal(size=20), permutations=1000) < 0.05 for _ in range(200))
    assert 2 <= found <= 20


def test_equal_runs() -> None:
    found = compare(run([1, 2, 0]), run([1, 2, 0]))
    assert (found.won, found.lost, found.regressions, found.notes) == ((), (), (), ())
    (cell,) = found.cells
    assert [(each.wins, each.ties, each.losses) for each in cell.measures] == [(0, 3, 0)] * 3


def test_wins_ties_and_losses_by_hand() -> None:
    found = compare(run([1, 1, 2, 0, 6]), run([1, 2, 1, 5, 4]))
    hit1, hit5, ndcg = found.cells[0].measures
    assert (hit1.before, hit1.after, hit1.wins, hit1.ties, hit1.losses) == (0.4, 0.4, 1, 3, 1)
    assert (hit5.before, hit5.after, hit5.wins, hit5.losses) == (0.6, 1.0, 2, 0)
    assert (ndcg.wins, ndcg.ties, ndcg.losses) == (3, 1, 1)
    assert [(each.question, each.before, each.after) for each in found.lost] == [("q001", 1, 2)]
    assert [each.question for each in found.won] == ["q002", "q003", "q004"]


def test_a_significant_loss_is_a_regression_though_it_is_small() -> None:
    """Eight of 1000 fall from first to second: hit@1 loses 0.8 points, p = 2/2^8."""
    found = compare(run([1] * 1000), run([2] * 8 + [1] * 992))
    assert len(found.regressions) == 2
    assert "hit@1 fell from 1.000 to 0.992, which is significant (p = 0.00781)" in found.regressions[0]


def test_an_insignificant_loss_within_the_margin_passes() -> None:
    """Two of 100: 2 points of hit@1 (margin 3), p = 0.5."""
    assert compare(run([1] * 100), run([2] * 2 + [1] * 98)).regressions == ()


def test_an_insignificant_loss_beyond_the_margin_is_a_regression() -> None:
    """Four of 100 fall from first to second: p = 2/16, but hit@1 loses 4 points."""
    (only,) = compare(run([1] * 100), run([2] * 4 + [1] * 96)).regressions
    assert "hit@1 fell from 1.000 to 0.960, more than the margin of 0.03" in only


def test_hit_at_five_has_its_own_margin() -> None:
    """Three of 100 fall from fifth to sixth: no first place changes, nDCG hardly."""
    (only,) = compare(run([5] * 3 + [1] * 97), run([6] * 3 + [1] * 97)).regressions
    assert "hit@5 fell from 1.000 to 0.970" in only


def test_gains_never_fail() -> None:
    assert compare(run([2] * 50), run([1] * 50)).regressions == ()


def abstaining(confidences: list[float], answered: bool) -> Baseline:
    known = {f"a{n}": result(1, confidence=0.5, answered=True) for n in range(10)}
    unknown = {
        f"u{n}": result(None, ndcg=0, answerable=False, confidence=confidence, answered=answered)
        for n, confidence in enumerate(confidences)
    }
    return Baseline("set", "sha", "0.1.0", {"zh-zh": known | unknown})


def test_a_loss_of_separation_is_a_regression() -> None:
    """One of ten unanswerable questions gets more confidence than all answerable ones: AUROC 1.0 -> 0.9."""
    (only,) = compare(abstaining([0.1] * 10, False), abstaining([0.1] * 9 + [0.8], False)).regressions
    assert "auroc fell from 1.000 to 0.900, more than the margin of 0.03" in only


def test_refusals_are_won_and_lost() -> None:
    found = compare(abstaining([0.1] * 10, True), abstaining([0.1] * 10, False))
    assert found.cells[0].queries == 20
    separation = found.cells[0].measures[-1]
    assert (separation.measure, separation.wins, separation.losses) == ("auroc", 10, 0)
    assert found.cells[0].measures[0].ties == 10


def test_a_changed_question_set_is_compared_where_it_is_the_same() -> None:
    before = run([1, 1, 1])
    results = {"q000": result(1), "q001": result(9, digest="edited"), "q777": result(0)}
    found = compare(before, Baseline("set", "other", "0.2.0", {"zh-zh": results, "en-zh": {"q0": result(1)}}))
    assert found.cells[0].queries == 1
    assert found.regressions == ()
    (note,) = found.notes
    assert "the 1 questions that both runs asked unchanged; 2 only in the baseline, 3 only in this run" in note


def test_nothing_in_common_does_not_pass() -> None:
    found = compare(run([1]), Baseline("other", "sha", "0.1.0", {"en-zh": {"x": result(1)}}))
    assert "no question in common" in found.regressions[0]
    assert found.notes[0] == "the baseline is of another set: set"


def test_a_baseline_is_read_as_it_was_saved(tmp_path: Path) -> None:
    before = abstaining([0.1, 0.25], True)
    save(before, tmp_path / "new" / "baseline.json")
    assert read(tmp_path / "new" / "baseline.json") == before


def test_a_baseline_has_one_line_a_question_in_order(tmp_path: Path) -> None:
    save(run([3, 1]), tmp_path / "baseline.json")
    lines = (tmp_path / "baseline.json").read_text("utf-8").splitlines()
    assert [line[:6] for line in lines if line.startswith('"q')] == ['"q000"', '"q001"']
    assert "问题？" in lines[-5]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"format": 1, "set": "s", "sha256": "x", "version": "1", "results": {"zh-zh": {"q": {"rank": 1}}}}',
    ],
)
def test_what_is_no_baseline(tmp_path: Path, text: str) -> None:
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(EvalError, match="is not a baseline"):
        read(tmp_path / "b.json")


def test_a_missing_or_foreign_baseline(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="There is no baseline"):
        read(tmp_path / "none.json")
    (tmp_path / "b.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(EvalError, match="has the format 99, not 1"):
        read(tmp_path / "b.json")
