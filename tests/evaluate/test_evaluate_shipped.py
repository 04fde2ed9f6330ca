"""The question set that ships: complete, bilingual, and true to the articles that ship."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from qa.evaluate.addition import texts_of
from qa.evaluate.dataset import ANSWERABLE_KINDS, TYPED_KINDS, UNANSWERABLE_KINDS, QuestionSet, check_quotes, load

SHIPPED = Path(__file__).parents[2] / "evals" / "questions.jsonl"


@pytest.fixture(scope="module")
def shipped() -> QuestionSet:
    return load(SHIPPED)


def test_every_gold_quote_stands_in_its_article(shipped: QuestionSet, corpus_dir: Path) -> None:
    check_quotes(shipped.questions, texts_of(corpus_dir, 10**7), shipped.name)


def test_every_need_is_asked_in_both_languages(shipped: QuestionSet) -> None:
    asked = Counter((question.need, question.language) for question in shipped.questions)
    assert {need for need, language in asked if language == "zh"} == {
        need for need, language in asked if language == "en"
    }


def test_it_is_large_enough(shipped: QuestionSet) -> None:
    assert len({question.need for question in shipped.questions if question.answerable}) >= 150
    assert sum(not question.answerable for question in shipped.questions) >= 100


def test_every_kind_is_there(shipped: QuestionSet) -> None:
    assert {kind for q in shipped.questions for kind in q.kinds} == {
        *ANSWERABLE_KINDS,
        *TYPED_KINDS,
        *UNANSWERABLE_KINDS,
    }


def test_every_article_is_asked_about(shipped: QuestionSet, corpus_dir: Path) -> None:
    asked = {gold.document for question in shipped.questions for gold in question.gold}
    assert asked == {path.name for path in corpus_dir.iterdir()}


def test_a_comparison_takes_two_articles(shipped: QuestionSet) -> None:
    compared = [question for question in shipped.questions if "comparison" in question.kinds]
    assert all(len({gold.document for gold in question.gold}) >= 2 for question in compared)
