from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qa.ingest.normalise import normalise_query
from qa.ingest.words import MAX_WORD_CHARS, question_words, stem, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("经济区管委会", ["经济", "经济区", "管委", "委会", "管委会"]),
        ("生物医药产业的发展", ["生物", "医药", "生物医药", "产业", "发展"]),
        ("3,900亿元", ["3900", "390000000000", "亿元"]),
        ("3900亿元", ["3900", "390000000000", "亿元"]),
        ("390 billion yuan", ["390", "390000000000", "billion", "yuan"]),
        ("1.25万家", ["1.25", "12500", "万家"]),
        ("12,500", ["12500"]),
        ("5万亿", ["5", "5000000000000", "万亿"]),
        ("3百万", ["3", "3000000", "百万"]),
        ("1.23456万", ["1.23456", "12345.6", "万"]),
        ("增长12.1%", ["增长", "12.1"]),
        ("007", ["7"]),
        ("3.5-4.2", ["3.5", "4.2"]),
        ("mRNA-1273", ["mrna", "1273", "mrna1273"]),
        ("GB/T 19001-2016", ["gb", "19001", "2016", "gbt190012016", "gbt19001"]),
        ("GB/T19001", ["gb", "19001", "gbt19001"]),
        ("ISO 9001", ["iso", "9001", "iso9001"]),
        ("Mate60", ["mate", "60", "mate60"]),
        ("U.S.", ["us"]),
        ("R&D", ["rd"]),
        ("The companies' vaccines", ["company", "vaccin"]),
        ("Beijing's labs", ["beij", "lab"]),
        ("café naïve", ["cafe", "naiv"]),
        ("杨仁全", ["杨", "杨仁", "仁", "仁全", "全"]),
        ("Привет, мир", ["привет", "мир"]),
        ("バイオ 한국어", ["バイ", "イオ", "한국", "국어"]),
        ("μ子", ["μ", "子"]),
        ("", []),
        ("。,!“” 的了 the of", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("3900亿元", "总投资3,900亿元人民币"),
        ("3900亿", "about 390 billion yuan"),
        ("12.1%", "增长１２．１％"),
        ("12000家", "1.2万家企业"),
        ("mRNA1273", "mRNA-1273 vaccine"),
        ("GB/T19001", "GB/T 19001-2016"),
        ("ecommerce", "e-commerce"),
        ("昌平", "昌平区委"),
        ("manufacture vaccine", "the manufacturing of vaccines"),
        ("planned policies", "planning a policy"),
        ("產業鏈", "产业链"),
    ],
)
def test_question_and_passage_meet_in_a_word(question: str, passage: str) -> None:
    assert set(words(normalise_query(question))) & set(words(normalise_query(passage)))


@pytest.mark.parametrize(
    "text", ["September 2, 2024", "Sept. 2, 2024", "2 September 2024", "2024-09-02", "2024年9月2日"]
)
def test_dates_meet_in_the_month(text: str) -> None:
    assert {"9月", "2", "2024"} <= set(words(text))


@pytest.mark.parametrize("text", ["You may march on", "marches", "mayor 3", "decimal 5", "1024-09-02"])
def test_what_is_no_month(text: str) -> None:
    assert not any(word.endswith("月") for word in words(text))


@pytest.mark.parametrize(
    ("forms", "expected"),
    [
        ("vaccine vaccines", "vaccin"),
        ("manufacture manufactures manufactured manufacturing", "manufactur"),
        ("company companies", "company"),
        ("box boxes", "box"),
        ("process processes", "process"),
        ("plan plans planned planning", "plan"),
        ("call calls called calling", "call"),
        ("create creates created creating", "creat"),
    ],
)
def test_forms_of_a_word_share_a_stem(forms: str, expected: str) -> None:
    assert {stem(form) for form in forms.split()} == {expected}


@pytest.mark.parametrize(
    "word", ["string", "spring", "speed", "need", "bus", "virus", "analysis", "gas", "ring", "red"]
)
def test_what_only_looks_like_an_ending_stays(word: str) -> None:
    assert stem(word) == word


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("哪些公司参加了大会?", ["公司", "参加", "大会"]),
        ("昌平区有多少家企业", ["昌平", "昌平区", "家", "企业"]),
        ("谁是会长?", ["会长"]),
        ("How many companies took part?", ["company", "took", "part"]),
        ("What is GMP?", ["gmp"]),
        ("什么是什么", ["什么", "什么"]),
        ("who?", ["who"]),
    ],
)
def test_question_words(question: str, expected: list[str]) -> None:
    assert question_words(question) == expected


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cn", "Cs"])))
@example("\u3099")
@example("か\u309a\u309a")
def test_words_are_lower_case_letters_and_digits(text: str) -> None:
    found = words(normalise_query(text))
    assert found == words(normalise_query(text))
    assert set(question_words(normalise_query(text))) <= set(found)
    for word in found:
        assert 0 < len(word) <= MAX_WORD_CHARS
        assert word.replace(".", "").isalnum()
        assert word == word.lower()


@settings(deadline=None)
@given(st.integers(1, 10**9), st.sampled_from(["万", "亿", "百万", "千万", "万亿"]))
def test_values_are_exact(figure: int, unit: str) -> None:
    power = {"万": 4, "亿": 8, "百万": 6, "千万": 7, "万亿": 12}[unit]
    assert words(f"{figure:,}{unit}")[:2] == [str(figure), str(figure * 10**power)]


@pytest.mark.parametrize(
    "text", ["1" * 300_000, "a-" * 150_000, "产业" * 150_000, "1,234" * 60_000, "9月" * 150_000, "A " * 150_000]
)
def test_a_giant_text_takes_seconds(text: str) -> None:
    began = time.perf_counter()
    words(text)
    assert time.perf_counter() - began < 10
