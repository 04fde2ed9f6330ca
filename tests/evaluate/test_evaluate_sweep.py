"""Sweeps over the weights within a language: what a blend is worth, and what hangs on one weight."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qa.evaluate.blend import KINDS, Choice
from qa.evaluate.run import Plan
from qa.evaluate.sweep import GRID, blends, columns_of, gain, main, measured, overall, tables
from qa.index import Index
from qa.retrieve.fuse import SHIPPED, Weights
from qa.types import Language

QUESTIONS = Path(__file__).parents[2] / "evals" / "questions.jsonl"


def choice(items: list[int], answers: list[bool], language: Language = "zh", **evidence: list[float]) -> Choice:
    """Candidates of the given items; evidence of what is not named is 0."""
    columns = [evidence.get(kind, [0.0] * len(items)) for kind in KINDS]
    return Choice(np.array(columns, np.float64).T, np.array(answers), True, language, np.array(items))


def vector(**weights: float) -> np.ndarray:
    return np.array([weights.get(kind, 0.0) for kind in KINDS])


def test_a_blend_is_told_by_the_rank_of_the_first_item_that_answers() -> None:
    one = choice([1, 1, 2, 3], [False, False, False, True], squared=[0.9, 0.8, 0.7, 0.6], covered=[0, 0, 0, 1])
    assert gain(one, vector(squared=1)) == pytest.approx(1 / np.log2(4)), "two passages of one item are one place"
    assert gain(one, vector(squared=1, covered=0.2)) == pytest.approx(1 / np.log2(3))
    assert gain(one, vector(squared=1, covered=1)) == 1.0


def test_what_stands_behind_the_tenth_item_counts_nothing() -> None:
    scores = [1 - n / 100 for n in range(12)]
    assert gain(choice(list(range(12)), [n == 9 for n in range(12)], squared=scores), vector(squared=1)) > 0
    assert gain(choice(list(range(12)), [n == 10 for n in range(12)], squared=scores), vector(squared=1)) == 0


def test_what_the_grid_does_not_name_is_as_shipped() -> None:
    tried = blends({"covered": (0.0, 0.5), "read": (0.1, 0.2, 0.3)})
    assert len(tried) == 6
    assert {(weights.covered, weights.read) for weights in tried} == {(c, r) for c in (0, 0.5) for r in (0.1, 0.2, 0.3)}
    assert {weights.window for weights in tried} == {SHIPPED.same.window}


def test_a_large_set_weighs_no_more_than_a_small_one() -> None:
    figures = np.array([[0.2, 0.4, 0.9]])
    assert overall(figures, ["news zh", "news en", "wiki zh"]) == pytest.approx([0.6])


def test_the_table_shows_what_is_shipped_the_best_and_each_value() -> None:
    good = choice([1, 2], [False, True], squared=[0.5, 0.4], covered=[0.0, 1.0])
    bad = choice([1, 2], [False, True], "en", squared=[0.5, 0.4], covered=[1.0, 0.0])
    columns = {"set zh": [good, good, good], "set en": [bad]}
    assert measured(columns, [Weights(squared=1, covered=1)]).tolist() == [[1.0, pytest.approx(1 / np.log2(3))]]
    grid = {"covered": (0.0, 1.0)}
    said = "\n".join(tables(grid, blends(grid), columns))
    assert "2 blends; questions: set zh 3, set en 1" in said
    assert said.count("| shipped") == 1
    assert "- covered: 0 0.6309, 1 0.8155" in said


def test_the_shipped_questions_give_choices_within_their_language(corpus_index: Index) -> None:
    found = dict(columns_of([Plan(QUESTIONS, questions=30, index=corpus_index.store.root)]))
    assert list(found) == ["questions.jsonl zh"], "the shipped articles are Chinese"
    column = found["questions.jsonl zh"]
    assert column
    assert all(one.same and one.answers.any() and not one.answers.all() for one in column)
    assert 0.5 < measured({"zh": column}, [SHIPPED.same])[0, 0] <= 1.0


@pytest.mark.parametrize(
    ("said", "named"),
    [
        (["--vary", "squared=1"], "squared"),
        (["--vary", "covered=much"], "covered=much"),
        (["--vary", "covered"], "no numbers"),
        ([f"--vary={kind}={','.join(map(str, range(12)))}" for kind in GRID], "too many"),
    ],
)
def test_what_cannot_be_swept_is_said(said: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["questions.jsonl", *said])
    assert named in capsys.readouterr().err
