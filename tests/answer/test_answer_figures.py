from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.answer.figures import figures


@pytest.mark.parametrize(
    ("texts", "value"),
    [
        (["3900亿元", "3,900亿", "390 billion yuan", "390,000,000,000", "三千九百亿元"], "390000000000"),
        (["2.5万人", "25,000 people", "25000", "两万五千人"], "25000"),
        (["12.1%", "12.1 percent", "百分之十二点一"], "12.1%"),
        (["三家", "3家", "three", "第三届"], "3"),
        (["120家", "一百二十家"], "120"),
        (["twenty-five", "25", "二十五个"], "25"),
        (["two thousand five hundred", "2,500", "2500家"], "2500"),
        (["千亿级", "100 billion"], "100000000000"),
        (["1.50亿", "150 million", "150000000"], "150000000"),
    ],
)
def test_one_value_in_many_notations(texts: list[str], value: str) -> None:
    assert [[figure.value for figure in figures(text)] for text in texts] == [[value]] * len(texts)


@pytest.mark.parametrize(
    "text",
    [
        "2024年8月31日",
        "August 31, 2024",
        "31 August 2024",
        "31st of August 2024",
        "2024-08-31",
        "2024/8/31",
        "二〇二四年八月三十一日",
    ],
)
def test_one_day_in_many_notations(text: str) -> None:
    assert {(figure.sort, figure.value) for figure in figures(text)} == {("year", "2024"), ("day", "8-31")}


def test_months_and_years() -> None:
    assert [(f.sort, f.value) for f in figures("in May 2023")] == [("month", "5"), ("year", "2023")]
    assert [(f.sort, f.value) for f in figures("2024-2026年")] == [("year", "2024"), ("year", "2026")]
    assert [(f.sort, f.value) for f in figures("2000家")] == [("figure", "2000")]
    assert [(f.sort, f.value) for f in figures("It opened in 2019.")] == [("year", "2019")]


@given(st.text(alphabet="0123456789.,%年月日号万亿一二三十百零〇第 aMayone-/", max_size=40))
def test_figures_are_disjoint_and_in_order(text: str) -> None:
    found = figures(text)
    assert all(a.span[1] <= b.span[0] for a, b in zip(found, found[1:], strict=False))
    assert all(figure.value for figure in found)
