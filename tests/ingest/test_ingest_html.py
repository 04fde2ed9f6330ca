"""Visible text and main text of HTML pages."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest_files import PAGES, ROOT, SHARED, check_cover, needs_webmain

from qa.errors import ReadError
from qa.ingest.clean import clean
from qa.ingest.html import declared_charset, votes
from qa.ingest.read import read_bytes
from qa.types import Source

STORY = "港口今年春天向公众开放，居民说这是等了三十年的好事，码头上站满了人。"
SECOND = "工程一共花费九十六万元，其中三分之一由镇上的学校募集，学生卖画筹款。"


def page(body: str, head: str = "") -> Source:
    return read_bytes("a.html", f"<html><head>{head}</head><body>{body}</body></html>".encode())


def main(source: Source) -> str:
    return "\n".join(source.text[slice(*span)] for span in source.main or ())


def check_main(source: Source) -> None:
    at = -1
    for start, end in source.main or ():
        assert at < start < end <= len(source.text)
        at = end
    assert all(source.text[a:b].strip() and 1 <= level <= 6 for a, b, level in source.headings)


@pytest.mark.parametrize("name", ["library_zh.html", "lighthouse_en.html"])
def test_all_that_is_visible_is_in_the_text(name: str) -> None:
    source = read_bytes(name, (PAGES / name).read_bytes())
    check_main(source)
    check_cover(source, clean(source))
    for hidden in ("脚本里的字", "样式里的字", "藏起来的文字", "schema.org"):
        assert hidden not in source.text


def test_reading_order_and_lines() -> None:
    source = page("<div>甲<b>乙</b> 丙<br>丁<p>戊</p>己<ul><li>庚</li><li>辛</li></ul></div>")
    assert source.text.split("\n") == ["甲乙 丙", "丁", "戊", "己", "庚", "辛"]


def test_headings_have_their_level() -> None:
    source = page(f"<h1>题</h1><p>{STORY}</p><h3>小 节</h3><p>{SECOND}</p>")
    assert [(source.text[a:b], level) for a, b, level in source.headings] == [("题", 1), ("小 节", 3)]


def test_data_table_is_a_line_a_row_and_layout_table_is_not() -> None:
    rows = "<table><tr><th>货类</th><th>万吨</th></tr><tr><td><p>煤炭</p></td><td>870</td></tr></table>"
    assert page(rows).text == "货类\t万吨\n煤炭\t870"
    assert page(f"<table><tr><td><p>{STORY}</p><p>{SECOND}</p></td></tr></table>").text == f"{STORY}\n{SECOND}"


def test_code_keeps_its_lines() -> None:
    assert page(f"<p>{STORY}</p><pre>a = 1\n  b = 2</pre>").text.split("\n")[1:] == ["a = 1", "  b = 2"]


def test_main_text_of_a_page_without_class_names() -> None:
    links = "".join(f'<li><a href="/{n}">邻镇的第{n}条新闻标题</a></li>' for n in range(12))
    source = page(f"<div><ul>{links}</ul></div><div><p>{STORY}</p><p>{SECOND}</p></div><div><ul>{links}</ul></div>")
    assert main(source) == f"{STORY}\n{SECOND}"


def test_text_hidden_until_the_page_has_loaded_is_visible() -> None:
    assert STORY in page(f'<div style="visibility: hidden"><p>{STORY}</p></div>').text


def test_comments_are_main_text_only_where_there_is_nothing_else() -> None:
    said = "".join(f'<div class="comment"><p>第{n}位读者说：{SECOND}</p></div>' for n in range(6))
    article = page(
        f'<div class="article"><p>{STORY}</p>{f"<p>{SECOND}</p>" * 6}</div><div class="comments">{said}</div>'
    )
    assert "位读者说" not in main(article)
    assert "第5位读者说" in main(page(f'<h1>讨论</h1><div id="x"><div class="comments">{said}</div></div>'))


@pytest.mark.parametrize(
    ("head", "codec"),
    [
        ('<meta charset="gb2312">', "gb18030"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=gbk">', "gb18030"),
        ("<meta charset='big5'>", "big5"),
        ("", "gb18030"),
        ('<meta charset="gb2312">', "utf-8"),
        ('<meta charset="iso-8859-1">', "gb18030"),
    ],
)
def test_declared_encodings(head: str, codec: str) -> None:
    text = "港口今年春天向公众开放，居民说这是好事。" if codec != "big5" else "港口今年春天開放，居民說這是好事。"
    data = f"<html><head>{head}</head><body><p>{text}</p></body></html>".encode(codec)
    assert read_bytes("a.html", data).text == text


def test_declared_charset() -> None:
    assert declared_charset(b'<?xml version="1.0" encoding="gbk"?><html>') == "gbk"
    assert declared_charset(b"<html><body>charset=gbk</body>") is None


def test_votes_compare_letters() -> None:
    extracted = "港口今年春天向公众开放，居民说这是好事。\n分享\n"
    assert votes(
        ["港口今年春天 向公众开放, 居民说这是好事", "分享", "公众", "另外一句完全不同的话在这里。"], extracted
    ) == [True, True, False, False]


@pytest.mark.parametrize("markup", ["<html></html>", "<!doctype html>", "<html><body><img src='a.png'></body></html>"])
def test_page_that_shows_nothing(markup: str) -> None:
    with pytest.raises(ReadError) as caught:
        read_bytes("a.html", markup.encode())
    assert caught.value.code == "no_text"


def test_deep_nesting_is_read() -> None:
    source = page("<div>" * 1500 + STORY + "</div>" * 1500)
    assert source.text == STORY


@given(
    st.lists(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<div class='comment'>",
                "</div>",
                "<a href=x>",
                "</a>",
                "<table><tr><td>",
                "<h2>",
                "<pre>",
                "\n",
                STORY,
                "短",
                "相关阅读",
                "&#x1F600;",
                "<b",
                "<!--",
            ]
        ),
        min_size=1,
        max_size=25,
    )
)
def test_any_markup_is_read_or_refused(parts: list[str]) -> None:
    with suppress(ReadError):
        source = page("".join(parts))
        check_main(source)
        check_cover(source, clean(source))


@needs_webmain
def test_labelled_pages_beat_a_floor() -> None:
    """A floor under what evals/webmain.py reports, on a few pages of the half that was not tuned on."""
    import runpy

    measured = runpy.run_path(str(ROOT / "evals" / "webmain.py"))
    held = [p for p in measured["pages"](SHARED / "bench" / "webmain") if p.half == "held" and len(p.data) < 150_000][
        :12
    ]
    scores = [measured["score"](measured["extracted"](p.id, p.data), p.gold)[2] for p in held]
    assert sum(scores) / len(scores) > 0.6
