"""Cleaning of plain text: what stays, what goes and why, and what holds for any text at all."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_files import PAGES, SHARED, check_cover, gone, kept, needs_articles, plain

from qa.ingest.clean import clean
from qa.ingest.read import read_bytes, read_text
from qa.types import Metadata, Source

BODY = "镇文化站站长介绍,这座石桥始建于一百年前,两岸居民至今仍靠它往来。"
MORE = "修桥的石料取自镇北的旧采石场,工匠一共凿制了四百二十块条石。"
FURNITURE_WORDS = [
    "相关阅读",
    "推荐阅读",
    "编辑:某人",
    "来源:新闻网",
    "2024-01-02 10:00",
    "首页> 新闻",
    "版权所有",
    "1",
    "(完)",
    BODY,
]


@pytest.mark.parametrize("note", ["馆长是唐玉琴。", "The keeper is Ann Lee.", BODY])
def test_a_note_of_one_sentence_is_kept(note: str) -> None:
    source = read_bytes("note.txt", f"{note}\n".encode())
    assert kept(source, clean(source)) == [note]


@pytest.mark.parametrize("label", ["馆长", "首页 > 新闻", "相关阅读"])
def test_a_label_alone_is_no_article(label: str) -> None:
    source = read_bytes("label.txt", f"{label}\n".encode())
    assert kept(source, clean(source)) == []


def page(name: str) -> Source:
    return read_bytes(name, (PAGES / name).read_bytes())


def test_clean_article_between_share_hints_and_teasers() -> None:
    source = page("bridge.txt")
    cleaned = clean(source)
    check_cover(source, cleaned)
    assert [(b.level, text[:6]) for b, text in zip(cleaned.blocks, kept(source, cleaned), strict=True)] == [
        (0, "石桥镇文化站"),
        (0, "修桥的石料取"),
        (2, "分步通行"),
        (3, "老手艺回来了"),
        (0, "镇里请回了七"),
        (0, "桥面将先对行"),
    ]
    assert kept(source, cleaned)[-1].endswith("公路桥。")
    removed = gone(source, cleaned)
    assert len(removed["title"]) == 2
    assert "收购价比去年高出一成" in "".join(removed["related"])
    assert "主人喜极而泣" in "".join(removed["related"])
    assert removed["caption"] == ["图为工匠在凿石。陆安平 摄"]


def test_clean_footer_with_contacts_and_disclaimers() -> None:
    source = page("notice.txt")
    cleaned = clean(source)
    check_cover(source, cleaned)
    texts = kept(source, cleaned)
    assert [text[:4] for text in texts] == ["从十一月", "服务站:", "市司法局"]
    assert cleaned.blocks[1].level == 2
    for phrase in ("0999-7654321", "desk@example.com", "ICP备", "友情链接", "不承担", "青河法务传媒中心", "中山路8号"):
        assert phrase in source.text
        assert not any(phrase in text for text in texts)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("阅读剩余全文", "more"),
        ("加载更多", "more"),
        ("关键词:石桥 修缮", "keywords"),
        ("(责任编辑:张三 校对:李四)", "editor"),
        ("编辑:马小东", "editor"),
        ("图为修缮现场。", "caption"),
        ("(资料图片仅供参考)", "caption"),
        ("第 3 页 共 9 页", "page number"),
        ("2", "page number"),
        ("来源:石桥晚报", "source"),
        ("首页> 城事> 正文", "breadcrumb"),
        ("扫一扫 分享到微信朋友圈", "share"),
        ("您看完这篇新闻的心情", "mood"),
        ("原文链接:https://example.com/a", "original link"),
        ("本文仅代表作者个人观点,不代表本站立场,转载请注明出处!", "disclaimer"),
        ("Advertisement", "more"),
        ("Share this article on Facebook", "share"),
        ("Photo by Ann Lee", "caption"),
        ("Click here to read more", "more"),
        ("Back to top", "more"),
        ("Tags: bridges, stone", "keywords"),
    ],
)
def test_clean_removes_furniture_even_between_paragraphs(line: str, rule: str) -> None:
    source = plain(f"{BODY}\n\n{line}\n\n{MORE}")
    cleaned = clean(source)
    assert kept(source, cleaned) == [BODY, MORE]
    assert gone(source, cleaned) == {rule: [line]}


@pytest.mark.parametrize(
    "line",
    [
        "责任编辑制度在这家报社已经实行了三十年,每篇稿件都要经过两位编辑。",
        "法院认为,网站对用户上传的内容不承担责任,原告的请求因此没有得到支持。",
        "他说,作为歌曲的版权所有者,公司有权要求停止演唱,并要求赔偿损失。",
        "联系电话是这座小镇与外界沟通的唯一方式,一共只有三部。",
        "The editor said that all rights in the photographs had been sold to the museum in 1987.",
        "Images taken by the satellite show that the damage to the bridge is far worse than reported.",
        "增值电信业务收入在去年达到二千亿元,比前一年增长百分之七。",
    ],
)
def test_clean_keeps_sentences_that_mention_furniture(line: str) -> None:
    source = plain(f"{BODY}\n{line}\n{MORE}")
    assert kept(source, clean(source)) == [BODY, line, MORE]


def test_clean_keeps_the_contacts_of_a_notice() -> None:
    text = f"{BODY}\n\n报名电话:0999-1112223\n地点:镇文化站二楼"
    source = plain(text)
    assert "报名电话:0999-1112223" in kept(source, clean(source))


def test_clean_keeps_a_chronicle_with_its_dates() -> None:
    text = "\n".join(f"2024-0{n}-01 08:30\n第{n}次会议在镇里举行,代表们讨论了修桥的花费。" for n in range(1, 6))
    source = plain(text)
    assert sum("次会议在镇里举行" in t for t in kept(source, clean(source))) == 5


def test_clean_keeps_text_behind_a_list_of_related_titles() -> None:
    source = plain(f"{BODY}\n相关阅读\n邻镇茶园大丰收\n新门诊楼启用\n{MORE}")
    cleaned = clean(source)
    assert kept(source, cleaned) == [BODY, MORE]
    assert gone(source, cleaned) == {"related": ["相关阅读\n邻镇茶园大丰收\n新门诊楼启用"]}


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("深化合作机制", 2),
        ("昌平:形成一批新案例", 2),
        ("一、总体要求", 2),
        ("(二)基本原则", 3),
        ("第一章 总则", 2),
        ("What it cost", 2),
    ],
)
def test_clean_finds_headings(line: str, level: int) -> None:
    cleaned = clean(plain(f"{BODY}\n{line}\n{MORE}"))
    assert [b.level for b in cleaned.blocks] == [0, level, 0]


@pytest.mark.parametrize("line", ["主要内容如下:", "- 第一项", "他说得很好。", "时间:明天上午,地点:码头"])
def test_clean_takes_no_other_short_line_for_a_heading(line: str) -> None:
    assert [b.level for b in clean(plain(f"{BODY}\n{line}\n{MORE}")).blocks] == [0, 0, 0]


def test_clean_takes_a_row_of_short_lines_for_a_list() -> None:
    names = "苹果\n香蕉\n橘子\n葡萄\n西瓜"
    assert [b.level for b in clean(plain(f"{BODY}\n{names}\n{MORE}")).blocks] == [0] * 7


def test_clean_joins_wrapped_lines() -> None:
    text = (
        "For ninety years the lighthouse at Gull Point stood forty paces from\n"
        "the cliff, and nobody thought that it would ever have to move a sin-\n"
        "gle pace; then came the winter in which half of the cliff fell into\n"
        "the sea.\n\n"
        "Engineers cut the tower from its footing in January and set it upon\n"
        "rails of steel, on which it was pushed inland at three metres a day.\n"
    )
    source = plain(text)
    texts = kept(source, clean(source))
    assert len(texts) == 2
    assert "a single pace" in texts[0]


def test_clean_of_nothing() -> None:
    assert clean(plain("")) == clean(plain(" \n\t\n"))
    assert clean(plain("")).blocks == ()


@given(st.text(max_size=400), st.sampled_from(["text", "markdown"]))
def test_clean_covers_any_text(text: str, format: str) -> None:
    source = Source("a", format, text, "", Metadata("标题"))  # type: ignore[arg-type]
    check_cover(source, clean(source))


@given(st.lists(st.one_of(st.sampled_from(FURNITURE_WORDS), st.text("字,。 a1(ǎ)?|#-*`", max_size=30)), max_size=30))
def test_clean_covers_any_mixture_of_lines(lines: list[str]) -> None:
    source = plain("\n".join(lines), "石桥")
    check_cover(source, clean(source))


@settings(max_examples=12, deadline=None)
@given(st.text("首页> |:·来源作者记者图为摄a1.@()ā?不代表", min_size=200, max_size=260), st.integers(1, 3))
def test_clean_of_long_lines_is_bounded(seed: str, times: int) -> None:
    begin = time.process_time()
    clean(plain((seed * 400 * times)[:100_000]))
    assert time.process_time() - begin < 5


@pytest.mark.parametrize(
    "unit",
    [
        "记者",
        "图为",
        "编辑:",
        "来源:",
        "作者:张 ",
        "首页>",
        "share ",
        "by A",
        "中(a",
        "?ā)",
        "社5月",
        "**a",
        "[a](",
        "|",
    ],
)
@pytest.mark.parametrize("joiner", ["", "\n"])
def test_clean_of_adversarial_repetition_is_bounded(unit: str, joiner: str) -> None:
    begin = time.process_time()
    for format in ("text", "markdown"):
        clean(Source("a", format, joiner.join([unit] * 2000), "", Metadata("题")))  # type: ignore[arg-type]
    assert time.process_time() - begin < 5


@needs_articles
def test_clean_raw_articles_to_their_text() -> None:
    firsts_and_lasts = {
        "000": ("8月31日", "对外开放样板。"),
        "001": ("人民政协网", "全国领先。"),
        "004": ("中新网北京", "创业昌平。"),
    }
    for path in sorted((SHARED / "articles").glob("*.txt")):
        source = read_bytes(path.name, path.read_bytes())
        cleaned = clean(source)
        check_cover(source, cleaned)
        texts = kept(source, cleaned)
        if expected := firsts_and_lasts.get(path.name[:3]):
            assert texts[0].startswith(expected[0])
            assert texts[-1].endswith(expected[1])
        for phrase in ("2025-11", "客服QQ", "ICP备", "免责声明", "加载更多", "本文系作者", "資料圖片", "ǎ"):
            assert not any(phrase in text for text in texts), (path.name, phrase)


def test_clean_of_given_text_with_title_inside() -> None:
    source = read_text("石桥镇重修百年石桥", f"石桥镇重修百年石桥\n{BODY}\n{MORE}")
    assert kept(source, clean(source)) == [BODY, MORE]
