"""Romanised Chinese names."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.retrieve.names import names, shared_names


@pytest.mark.parametrize(
    ("question", "passage", "share"),
    [
        ("How many firms are in Changping?", "昌平区有企业900余家", 1.0),
        ("How many firms are in Changping?", "廊坊临空经济区签约20余家", 0.0),
        ("What did Zhou Hao say?", "周浩表示", 1.0),
        ("What did Hao Zhou say?", "周浩表示", 1.0),
        ("Who founded Tong Ren Tang?", "同仁堂集团", 1.0),
        ("Is Xi'an or Langfang larger?", "西安比廊坊大", 1.0),
        ("Is Xi'an or Langfang larger?", "廊坊在河北", 0.5),
        ("changping medical companies", "昌平区", 1.0),
    ],
)
def test_english_questions_find_chinese_names(question: str, passage: str, share: float) -> None:
    assert shared_names(question, "en", passage, "zh") == share


def test_english_words_are_no_names() -> None:
    assert names("Who can change the name of the game?") == ()
    assert shared_names("Who wrote the report?", "en", "报告", "zh") is None


def test_a_single_syllable_is_no_name() -> None:
    assert names("What did Li say?") == ()


def test_chinese_questions_meet_romanised_names_in_english_passages() -> None:
    assert shared_names("周浩说了什么？", "zh", "Zhou Hao opened the meeting in Langfang.", "en") == 1.0
    assert shared_names("梅群说了什么？", "zh", "Zhou Hao opened the meeting in Langfang.", "en") == 0.0
    assert shared_names("梅群说了什么？", "zh", "梅群", "zh") is None


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    assert all(0 <= (shared_names(text, "en", "昌平", "zh") or 0) <= 1 for _ in "x")
    names("zhang" * 40 + text)
