"""What each part of the lane is worth: rows that compare, and lanes that differ only in how they rank."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from qa.evaluate.ablation import BLENDS, WHOLE, _json, _text, ablate, rows
from qa.evaluate.outcome import Outcome, Trial
from qa.evaluate.run import Plan, Watch
from qa.index import Index
from qa.types import Timings

QUESTIONS = Path(__file__).parents[2] / "evals" / "questions.jsonl"


def outcome(number: int, rank: int, cell: str = "zh-zh", judged: bool = True) -> Outcome:
    """A question whose one right item stands at ``rank``."""
    ranking = tuple("right" if place == rank else f"wrong {place}" for place in range(1, 11))
    return Outcome(
        question=f"q{number}.{cell}",
        need=f"q{number}",
        cell=cell,
        language="zh",
        text="问题",
        kinds=(),
        answerable=True,
        judgements={"right": 1} if judged else {},
        ranking=ranking,
        confidence=0.5,
        answered=True,
        took=Timings(1.0, 1.0, 1.0, 3.0),
        digest=str(number),
    )


def run(*outcomes: Outcome) -> Trial:
    return Trial("set", "0", 1, 10, outcomes)


def test_each_row_is_compared_with_the_whole_lane() -> None:
    runs = {
        WHOLE: run(*(outcome(n, 1) for n in range(20))),
        "worse": run(*(outcome(n, 3) for n in range(20))),
        "alike": run(*(outcome(n, 1) for n in range(20))),
    }
    whole, worse, alike = rows(runs)
    assert (whole.blend, whole.queries, whole.p) == (WHOLE, 20, None)
    assert (whole.means["hit@1"], worse.means["hit@1"]) == (1.0, 0.0)
    assert worse.means["ndcg@10"] == pytest.approx(0.5)
    assert worse.p is not None
    assert worse.p < 0.001
    assert alike.p == 1.0


def test_questions_without_judgements_have_no_row() -> None:
    runs = {WHOLE: run(outcome(1, 1), outcome(2, 1, cell="en-zh", judged=False))}
    assert [row.cell for row in rows(runs)] == ["zh-zh"]


@pytest.fixture(scope="module")
def ablated(corpus_index: Index) -> Mapping[str, Trial]:
    """Ten shipped questions, put to the shipped articles with every blend."""
    watch = Watch(lambda said: None, lambda done, total: None, None, lambda skipped: None)
    return ablate(Plan(QUESTIONS, questions=10, index=corpus_index.store.root), watch)


def test_every_blend_asks_the_same_questions(ablated: Mapping[str, Trial]) -> None:
    assert list(ablated) == list(BLENDS)
    asked = [[(one.question, one.cell) for one in run.outcomes] for run in ablated.values()]
    assert asked[0]
    assert all(each == asked[0] for each in asked)


def test_what_is_left_out_changes_the_order(ablated: Mapping[str, Trial]) -> None:
    """Across languages words alone see figures and Latin names only."""
    whole, words = (
        {one.question: one.ranking for one in ablated[blend].outcomes if one.cell == "en-zh"}
        for blend in (WHOLE, "words alone (BM25)")
    )
    assert whole != words


def test_the_table_names_set_cell_and_blend(ablated: Mapping[str, Trial]) -> None:
    found = list(rows(ablated))
    printed = _text(QUESTIONS, found)
    assert printed.startswith("# questions.jsonl")
    assert len(printed.splitlines()) == 3 + len(found)
    assert all(blend in printed for blend in BLENDS)
    assert {"set", "cell", "blend", "queries", "p", "hit@1", "ndcg@10", "ci"} == set(_json(QUESTIONS, found[0]))
