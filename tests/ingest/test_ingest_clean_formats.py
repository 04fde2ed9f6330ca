"""Cleaning by format: broken annotations, Markdown, pages of fixed layout, HTML and Word."""

from __future__ import annotations

import pytest
from ingest_files import PAGES, check_cover, docx, gone, kept, pdf, plain

from qa.ingest.annotations import find_annotations, readable
from qa.ingest.clean import clean
from qa.ingest.read import read_bytes
from qa.types import Metadata, Source


@pytest.mark.parametrize(
    ("marked", "shown"),
    [
        ("產(chǎn)業(yè)", "產業"),
        ("醫(yī)藥", "醫藥"),
        ("創(chuàng)新", "創新"),
        ("日?qǐng)?bào)記者", "日報記者"),
        ("當(dāng)?shù)?居民", "當地居民"),
        ("機(jī)場(chǎng)", "機場"),
        ("我們(men)的產(chǎn)業", "我們的產業"),
        ("產(chǎn業", "產業"),
        ("產（chǎn）業", "產業"),
        ("說(shuō)了嗎?真的", "說了嗎?真的"),
    ],
)
def test_annotations_are_cut(marked: str, shown: str) -> None:
    assert readable(marked) == shown


@pytest.mark.parametrize(
    "text",
    [
        "京沪(Beijing)",
        "外包(CRO)服务",
        "函数F(x)",
        "中国(北京)",
        "乐(lè)山大佛",
        "咖啡館(café)",
        "他来了吗?(是)",
        "plain (ā) text",
    ],
)
def test_legitimate_brackets_stay(text: str) -> None:
    assert find_annotations(text).cuts == ()


def test_false_character_is_what_gbk_makes_of_two() -> None:
    for first, swallowed, false in (("日", "報", "請"), ("當", "地", "數")):
        assert (first.encode("gbk")[1:] + swallowed.encode("gbk")[:1]).decode("gbk") == false


def test_marked_page_reads_clean() -> None:
    source = read_bytes("marked.txt", (PAGES / "marked.txt").read_bytes())
    cleaned = clean(source)
    check_cover(source, cleaned)
    texts = kept(source, cleaned)
    assert texts == [
        "海灣新聞網6月5日訊(海灣日報記者高遠 通訊員溫一)今天,海灣市漁業碼頭擴建工程開工,"
        "新增泊位十二個,計劃在明年秋天完工。",
        "市漁業協會說,擴建後每天可以停靠九十艘漁船,比現在多出一半,冷庫的容量也將增加到三千噸。",
    ]
    assert set(gone(source, cleaned)) == {"title", "caption", "keywords"}
    assert source.metadata.title == "海灣市擴建漁業碼頭"


MARKDOWN = """---
title: 港口
kind: digest
---

# 港口

第一段 **重要** 的话,见[港务局](http://example.com/p)的
说明。

## 数据 ##

- 煤炭
- 粮食

```
# 不是标题
x = 1
```

| 货类 | 万吨 |
|---|---|
| 煤炭 | 870 |

小结
----
最后一段,到此为止。
"""


def test_markdown_blocks() -> None:
    source = Source("a.md", "markdown", MARKDOWN, "", Metadata("港口"))
    cleaned = clean(source)
    check_cover(source, cleaned)
    assert [(b.level, text) for b, text in zip(cleaned.blocks, kept(source, cleaned), strict=True)] == [
        (0, "第一段 重要 的话,见港务局的说明。"),
        (2, "数据"),
        (0, "- 煤炭"),
        (0, "- 粮食"),
        (0, "```\n# 不是标题\nx = 1\n```"),
        (0, "| 货类 | 万吨 |\n|---|---|\n| 煤炭 | 870 |"),
        (2, "小结"),
        (0, "最后一段,到此为止。"),
    ]
    assert list(gone(source, cleaned)) == ["front matter", "title"]


def test_pdf_lines_become_paragraphs_and_running_heads_go() -> None:
    middle = ["and lines of the same width fill the page between its head and its foot."] * 2
    pages = [
        ["The harbour was dredged for the first time in the spring of 1904, when", *middle, "Ships paid for the quay"],
        ["of stone and iron that the council built in the years after the war, and", *middle, "It was a dry summer."],
        [
            "Nothing was built in the years of the blockade, but the mole was raised",
            *middle,
            "by a third of its height.",
        ],
    ]
    pages = [["Harbour Report 1904", *lines, str(n)] for n, lines in enumerate(pages, 1)]
    source = read_bytes("report.pdf", pdf(pages))
    cleaned = clean(source)
    check_cover(source, cleaned)
    texts = [" ".join(text.split()) for text in kept(source, cleaned)]
    assert len(source.pages) == 3
    assert source.text[source.pages[1] :].startswith("Harbour Report 1904")
    assert all("Harbour Report" not in text for text in texts)
    assert any("Ships paid for the quay of stone and iron" in text for text in texts)
    assert any(text.endswith("It was a dry summer.") for text in texts)


def test_docx_headings_and_table_rows() -> None:
    source = read_bytes("a.docx", docx())
    cleaned = clean(source)
    check_cover(source, cleaned)
    assert [(b.level, text[:4]) for b, text in zip(cleaned.blocks, kept(source, cleaned), strict=True)] == [
        (1, "吞吐量"),
        (0, "去年全港"),
        (0, "货类\t万"),
        (0, "煤炭\t8"),
        (0, "表后的一"),
    ]


def test_html_keeps_main_text_only() -> None:
    source = read_bytes("library_zh.html", (PAGES / "library_zh.html").read_bytes())
    cleaned = clean(source)
    check_cover(source, cleaned)
    text = "\n".join(kept(source, cleaned))
    for phrase in ("建筑面积八千四百平方米", "旧馆的去处", "自习大厅\t320", "一次最多借十本"):
        assert phrase in text
    for phrase in ("邻县苹果", "终于等到", "版权所有", "当前位置", "责任编辑", "林小满 摄"):
        assert phrase in source.text
        assert phrase not in text
    assert [b.level for b in cleaned.blocks if b.level] == [2]


def test_spans_of_main_text_are_found_by_their_edges() -> None:
    source = Source("a", "html", "甲甲\n乙乙\n丙丙", "", Metadata(""), main=((3, 5),))
    assert kept(source, clean(source)) == ["乙乙"]
    assert kept(plain("甲甲"), clean(plain("甲甲"))) == ["甲甲"]
