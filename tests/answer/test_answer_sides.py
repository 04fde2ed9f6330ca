"""Questions that compare, taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.answer.sides import sides


@pytest.mark.parametrize(
    ("question", "apart"),
    [
        ("昌平和大兴谁的企业多？", ("昌平谁的企业多？", "大兴谁的企业多？")),
        (
            "城南图书馆与城北图书馆的藏书分别是多少？",
            ("城南图书馆的藏书分别是多少？", "城北图书馆的藏书分别是多少？"),
        ),
        (
            "甲乙两馆办过两回：春天展的是什么，秋天展的又是什么？",
            ("甲乙两馆办过两回 春天展的是什么", "甲乙两馆办过两回 秋天展的又是什么？"),
        ),
        (
            "How do the parks differ between the Northern Basin and the Southern Ridge?",
            (
                "How do the parks differ between the Northern Basin?",
                "How do the parks differ between the Southern Ridge?",
            ),
        ),
        (
            "Which is bigger: the yearly budget of the Northern Basin park, or what visitors spend in Port Ellery?",
            ("the yearly budget of the Northern Basin park", "what visitors spend in Port Ellery"),
        ),
        (
            "Does Port Ellery have more parks than Millbrook?",
            ("Does Port Ellery have more parks ?", "Does have more parks than Millbrook?"),
        ),
    ],
)
def test_each_side_gets_a_question_of_its_own(question: str, apart: tuple[str, ...]) -> None:
    assert sides(question) == apart


@pytest.mark.parametrize(
    "question", ["昌平有多少家企业？", "Who and where?", "主任和书记", "", "When did the museum and the library open?"]
)
def test_what_does_not_compare_stays_whole(question: str) -> None:
    assert sides(question) == ()


@given(st.text(max_size=200))
def test_any_text_is_taken(text: str) -> None:
    assert len(sides(text)) != 1
