"""Links that lead to the quoted words."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.answer.links import MAX_ADDRESS, address, document_view, source_view, text_fragment
from qa.types import Citation

QUOTE = "巡护员刘海每天投喂玉米二百斤。"
VIEW = f"https://qa.example/documents/d1?start=100&end={100 + len(QUOTE)}&sha256={'0' * 64}"
TEXT = st.one_of(st.text(min_size=1, max_size=400), st.integers(1, 4000).map(lambda count: "x" * count))


def citation(quote: str = QUOTE, url: str | None = "https://news.example/a-b?id=1", **changed: object) -> Citation:
    fields: dict[str, object] = {
        "marker": "[1]",
        "document_id": "d1",
        "passage_id": "p1",
        "title": "扎龙的鹤",
        "publisher": "龙江报",
        "author": None,
        "published": "2024-12-02",
        "source": "鹤.txt",
        "kind": "article",
        "heading": None,
        "page": None,
        "start": 100,
        "end": 100 + len(quote),
        "sha256": "0" * 64,
    }
    return Citation(quote=quote, url=url, **fields | changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "https://news.example/a-b?id=1#:~:text="),
        ({"url": "https://news.example/a#part"}, "https://news.example/a#part"),
        ({"url": "https://news.example/a.pdf", "page": 3}, "https://news.example/a.pdf#page=3"),
        ({"kind": "digest"}, "https://news.example/a-b?id=1"),
        ({"url": None}, VIEW),
        ({"url": "javascript:alert(1)"}, VIEW),
        ({"url": "https://[bad"}, VIEW),
        ({"url": "https://e.example/a b|c>d\n"}, "https://e.example/a%20b%7Cc%3Ed#:~:text="),
    ],
)
def test_where_a_citation_leads(changed: dict[str, object], expected: str) -> None:
    pointed = address(citation(**changed), "https://qa.example/", "mine", [(103, 109)])
    if expected.endswith("#:~:text="):
        expected += quote("刘海每天投喂")
    assert pointed == (f"{expected}&marks=103-109&collection=mine" if expected == VIEW else expected)


def test_a_whole_passage_is_its_own_address() -> None:
    plain = citation(url=None)
    assert address(plain, "https://qa.example") == VIEW
    assert address(plain, "") == ""
    assert document_view("a/b?", "http://h", "x y") == "http://h/documents/a%2Fb%3F?collection=x+y"
    assert unquote(address(citation(), "")).endswith("#:~:text=巡护员刘海每天投喂玉米二百斤。")


def test_a_text_fragment_names_the_beginning_and_the_end() -> None:
    assert text_fragment("twenty-one cranes") == "#:~:text=twenty%2Done%20cranes"
    long = (
        "昌平区以跨国药企研发布局和原创成果转化为重点，在论坛上集中签约十二个重磅项目，包括转化中心、大健康产业，"
        "签约项目涉及中国五百强企业、全球知名学术出版机构。"
    )
    start, end = (unquote(part) for part in text_fragment(long).removeprefix("#:~:text=").split(","))
    assert start == "昌平区以跨国药企研发布局和原创成果转化为重点"
    assert end == "全球知名学术出版机构。"
    english = "The forum closed on Friday with twelve contracts. " * 3
    start, end = (unquote(part) for part in text_fragment(english).removeprefix("#:~:text=").split(","))
    assert start == "The forum closed on Friday with"
    assert end == "closed on Friday with twelve contracts."
    assert text_fragment(" \n ") == ""


@given(TEXT, st.integers(1, 500))
def test_an_address_is_one_word_and_bounded(words: str, spans: int) -> None:
    cited = citation(quote=words)
    marked = [(100, 100 + len(words))] * spans
    for found in (address(cited, "https://h", spans=marked), source_view(cited, "https://h", spans=marked)):
        assert len(found) <= MAX_ADDRESS
        assert re.fullmatch(r"[!-~]+", found)
        assert not re.search(r"[\s<>|()\"]", found)
