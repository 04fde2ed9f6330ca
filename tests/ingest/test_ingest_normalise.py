from __future__ import annotations

import re
import time
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opencc import OpenCC

from qa.ingest.normalise import Normalised, converted, is_invisible, normalise, normalise_query, readable
from qa.ingest.script import CJK
from qa.types import Span

TRICKY = (
    "aé́̈ ¨ﾊﾞ㎏ﷺ½①ｱ한ㅏᅡᆨ각憑藉薴產业發“”…，。Ａ"
    "\u3000\u00a0\u200b\u200d\u00ad\u202e\ufeff\u034f\ufe0f\ud800\x00\n\t\u2028\U000e0041"
)
HAN = re.compile(f"[{CJK}]")
texts = st.text() | st.text(alphabet=TRICKY)


@st.composite
def texts_with_cuts(draw: st.DrawFn) -> tuple[str, list[Span]]:
    text = draw(texts)
    edges = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
    return text, list(zip(edges[::2], edges[1::2], strict=False))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＧＭＰ　认证：１２．１％", "GMP 认证:12.1%"),
        ("  產業\r\n\t發展  ", "产业 发展"),
        ("昌\u200b平\u00a0生命谷\ufeff", "昌平 生命谷"),
        ("co\u00adoperation \u202eabc\u202c", "cooperation abc"),
        ("cafe\u0301", "café"),
        ("e\u200b\u0301", "é"),
        ("ﾊﾞｲｵ", "バイオ"),
        ("5㎏", "5kg"),
        ("NASA", "NASA"),
        ("乾坤 乾燥", "乾坤 干燥"),
        ("a\x00b\ud800c", "abc"),
        ("葛\U000e0100城", "葛城"),
        ("", ""),
        (" \u3000\n", ""),
    ],
)
def test_matchable_text(text: str, expected: str) -> None:
    assert normalise(text).text == expected
    assert normalise_query(text) == expected


def test_the_map_by_hand() -> None:
    # 0 '產', 1-2 white space, 3 '㎏' (two characters), 4 'e' + 5 mark
    result = normalise("產 \u3000㎏e\u0301")
    assert result.text == "产 kgé"
    assert list(result.starts) == [0, 1, 3, 3, 4]
    assert list(result.ends) == [1, 3, 4, 4, 6]
    assert result.source_span(1, 3) == (1, 4)


def test_cuts_are_left_out() -> None:
    text = "產(chǎn)業(yè)鏈"
    cuts = [(1, 7), (8, 12)]
    result = normalise(text, cuts)
    assert result.text == "产业链"
    assert list(result.starts) == [0, 7, 12]
    assert readable(text, cuts) == "產業鏈"


def test_what_a_cut_swallowed_is_restored() -> None:
    # the cut at 3 hides a character that the annotation destroyed
    text = "河北日?qǐng)?bào)記者"
    cuts, restored = [(3, 14)], [(3, "報")]
    result = normalise(text, cuts, restored)
    assert result.text == "河北日报记者"
    assert result.source_span(3, 4) == (3, 14)
    assert result.source_span(4, 5) == (14, 15)
    assert readable(text, cuts, restored) == "河北日報記者"


@settings(deadline=None)
@given(texts_with_cuts())
def test_the_map_is_monotonic_and_in_bounds(case: tuple[str, list[Span]]) -> None:
    text, cuts = case
    result = normalise(text, cuts)
    assert len(result.text) == len(result.starts) == len(result.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(result.starts, result.ends, strict=True))
    assert all(a <= b for a, b in pairwise(result.starts))
    assert all(a <= b for a, b in pairwise(result.ends))


@settings(deadline=None)
@given(texts_with_cuts())
def test_no_character_comes_from_a_cut(case: tuple[str, list[Span]]) -> None:
    text, cuts = case
    result = normalise(text, cuts)
    for start in result.starts:
        assert not any(cut_start <= start < cut_end for cut_start, cut_end in cuts)


@settings(deadline=None)
@given(texts)
@example("¨a¨")
@example("a\u0301\u200d\u0308" * 40)
@example("\u0344" * 50)
@example("ㅏ" * 50)
@example("薴憑藉")
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text).text
    assert normalise(once).text == once


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cf", "Cc"]), max_size=20))
def test_agrees_with_nfkc_where_nothing_else_applies(text: str) -> None:
    if any(is_invisible(c) for c in text):
        return
    plain = " ".join(unicodedata.normalize("NFKC", " ".join(text.split())).split())
    assert normalise(text).text == OpenCC("t2s").convert(OpenCC("t2s").convert(plain))


@settings(deadline=None)
@given(texts_with_cuts())
def test_passage_and_query_agree(case: tuple[str, list[Span]]) -> None:
    text, cuts = case
    remaining = "".join(c for i, c in enumerate(text) if not any(start <= i < end for start, end in cuts))
    assert normalise(text, cuts).text == normalise_query(remaining)


@settings(deadline=None)
@given(texts)
@example("婡")  # its simplified form lies in an extension of the Han block
def test_each_character_normalises_to_what_its_span_says(text: str) -> None:
    result = normalise(text)
    for character, start, end in zip(result.text, result.starts, result.ends, strict=True):
        origin = unicodedata.normalize("NFKC", "".join(c for c in text[start:end] if not is_invisible(c)))
        if character == " ":
            assert any(c.isspace() for c in origin)
        elif HAN.match(character):
            assert HAN.search(origin), "it may have been simplified"
        else:
            assert character in origin


@settings(deadline=None)
@given(texts)
def test_invisible_characters_leave_no_trace(text: str) -> None:
    for result in (normalise(text).text, readable(text)):
        assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in result.replace("\n", ""))
        assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\ufeff\u00ad") & set(result)


def test_length_changing_conversion_keeps_the_map() -> None:
    # OpenCC's Taiwan phrases make four characters of 互联网
    result = converted(normalise("在 互联网，用 鼠标"), OpenCC("s2twp").convert)
    assert result.text == "在 網際網路,用 滑鼠"
    assert list(result.starts) == [0, 1, 2, 2, 2, 2, 5, 6, 7, 8, 9]
    assert list(result.ends) == [1, 2, 5, 5, 5, 5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("　　產業鏈，\n\n  發展 \t 好", "產業鏈，\n發展 好"),
        ("ＧＭＰ\u00a0认证", "ＧＭＰ 认证"),
        ("a\u202eb\u0000c\ufeff", "abc"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("x\u2028y", "x\ny"),
        (" \u200b ", ""),
    ],
)
def test_readable(text: str, expected: str) -> None:
    assert readable(text) == expected


@settings(deadline=None)
@given(texts_with_cuts())
def test_readable_twice_changes_nothing(case: tuple[str, list[Span]]) -> None:
    once = readable(*case)
    assert readable(once) == once == once.strip()


@pytest.mark.parametrize(
    "text",
    ["a" + "\u0301\u0327" * 200_000, "\ud800" * 400_000, "产业，" * 130_000, " " * 400_000, "\u200b" * 400_000],
    ids=["marks", "surrogates", "chinese", "blanks", "invisible"],
)
def test_a_giant_text_takes_seconds(text: str) -> None:
    began = time.perf_counter()
    normalise(text)
    readable(text)
    assert time.perf_counter() - began < 5


def test_an_empty_text_has_an_empty_map() -> None:
    result = normalise("")
    assert isinstance(result, Normalised)
    assert (list(result.starts), list(result.ends)) == ([], [])
