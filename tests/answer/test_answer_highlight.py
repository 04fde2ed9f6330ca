from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.answer.candidates import Candidate, Located
from qa.answer.highlight import Weights, answer_words, candidate_runs, evidence, word_spans
from qa.answer.score import Asked
from qa.index import Index


def sentence(text: str) -> Candidate:
    """Every character is a token of its own; the question has one token, alike to all."""
    located = Located(text, list(range(len(text))), list(range(1, len(text) + 1)))
    similarities = np.full((1, len(text)), 0.5, np.float32)
    middles = np.arange(len(text), dtype=np.float32) + 0.5
    return Candidate(1, 0, "d", "zh", located, text, np.array([0.5], np.float32), similarities, middles, 1.0, 0.5)


ASKED = Asked("多少家企业", "zh", np.ones(1, np.float32), np.ones(1, bool))


@given(st.text(alphabet="昌平区有900余家企业，。 ab12(）", max_size=60))
def test_words_and_runs_lie_in_the_text_in_order(text: str) -> None:
    words = word_spans(text)
    assert all(0 <= a < b <= len(text) for a, b in words)
    assert all(one[1] <= other[0] for one, other in zip(words, words[1:], strict=False))
    assert all(text[a:b].strip() == text[a:b] for a, b in candidate_runs(text))


@given(st.text(alphabet="昌平区有900余家企业，。 ab12(）", min_size=1, max_size=60))
def test_there_are_answering_words_in_any_sentence(text: str) -> None:
    assert all(0 <= start < end <= len(text) for start, end in answer_words(ASKED, sentence(text)))


def test_every_kind_of_evidence_is_a_column() -> None:
    one = sentence("昌平区有900余家企业。")
    runs = candidate_runs(one.text)
    assert evidence(ASKED, one, runs).shape == (len(runs), len(fields(Weights)))


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("昌平区有多少家医药健康企业？", "900余家"),
        ("首届生物医药产业临空发展大会是哪一天举行的？", "8月31日"),
    ],
)
def test_the_words_that_answer_are_found(corpus_index: Index, question: str, words: str) -> None:
    cited = corpus_index.ask(question).citations[0]
    marked = [cited.quote[start - cited.start : end - cited.start] for start, end in cited.highlights]
    assert any(words in each and len(each) <= len(words) + 6 for each in marked)
