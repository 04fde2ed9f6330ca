"""What texts and pages say of themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest_files import PAGES, SHARED, needs_articles

from qa.ingest.bylines import Fields, byline, dateline, find_date
from qa.ingest.metadata import tidy_title
from qa.ingest.read import read_bytes, read_text
from qa.ingest.script import fold
from qa.types import Metadata

BODY = "石桥始建于一百年前,两岸居民至今仍靠它往来,今年春天的洪水冲坏了两个桥墩。"


def said(line: str) -> Fields | None:
    return byline(line, fold(line))


@pytest.mark.parametrize(
    ("line", "publisher", "author", "published"),
    [
        ("来源:石桥晚报2024-09-02 11:27", "石桥晚报", None, "2024-09-02"),
        (
            "2024年12月02日 14:54\u00a0 | \u00a0作者:徐燕 \u00a0| \u00a0来源:河湾政协网 分享到:\u00a0",
            "河湾政协网",
            "徐燕",
            "2024-12-02",
        ),
        ("时间:2022-09-17 作者:佚名   来源:河湾市药监局", "河湾市药监局", None, "2022-09-17"),
        ("來源：《海灣日報》（2024年5月1日 第3版）", "海灣日報", None, "2024-05-01"),
        ("发布时间：2024-05-01 浏览次数：1234次", None, None, "2024-05-01"),
        ("2024-05-20 08:37:50 来源: 河湾网 字号 小 大", "河湾网", None, "2024-05-20"),
        ("文/张三 图/李四", None, "张三", None),
        ("河湾报记者 张三 李四", None, "张三、李四", None),
        ("By Jane Doe, Staff Writer | May 3, 2024", None, "Jane Doe", "2024-05-03"),
        ("Published: 3 May 2024 10:22 GMT | Source: Coastal Notes", "Coastal Notes", None, "2024-05-03"),
    ],
)
def test_byline(line: str, publisher: str | None, author: str | None, published: str | None) -> None:
    assert said(line) == Fields(publisher, author, published)


@pytest.mark.parametrize(
    "line",
    ["2020年9月,河湾市启动服务业扩大开放。", "会议时间：下周三", "历史文章推荐", "By the river stood a mill", ""],
)
def test_other_lines_are_no_bylines(line: str) -> None:
    assert said(line) is None


@pytest.mark.parametrize(
    ("opening", "publisher", "author", "day"),
    [
        ("河湾政协网石桥12月2日电(记者 徐燕)11月29日", "河湾政协网", "徐燕", (12, 2)),
        ("海灣新聞網8月26日訊(海灣日報記者高遠 通訊員溫一)今天", "海灣新聞網", "高遠、溫一", (8, 26)),
        ("新华社烟台5月19日电（刘一、杨二）", "新华社", "刘一、杨二", (5, 19)),
        ("东方网记者曹三5月13日报道：", "东方网", "曹三", (5, 13)),
        ("本报讯(记者 王红)昨日", None, "王红", (None, None)),
        ("BEIJING, Dec. 2 (Xinhua) -- The", "Xinhua", None, (None, None)),
    ],
)
def test_dateline(opening: str, publisher: str | None, author: str | None, day: tuple[int | None, int | None]) -> None:
    found = dateline(opening, fold(opening))
    assert found is not None
    assert (found.publisher, found.author, (found.month, found.day)) == (publisher, author, day)


def test_a_sentence_with_a_day_is_no_dateline() -> None:
    opening = "河湾大学新闻与传播学院12月2日举行讲座"
    assert dateline(opening, fold(opening)) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024年2月30日", None),
        ("2024-1-2", "2024-01-02"),
        ("20240102", "2024-01-02"),
        ("Jan. 2nd, 2024", "2024-01-02"),
        ("12月2日", None),
    ],
)
def test_find_date(text: str, day: str | None) -> None:
    assert find_date(text) == day


def dated(title: str, body: str) -> str | None:
    return read_text(title, f"河湾网石桥11月18日电 {body}").metadata.published


def test_dateline_without_a_year_needs_one_that_is_certain() -> None:
    assert dated("石桥通车", BODY) is None
    assert dated("2023石桥国际论坛开幕", BODY) == "2023-11-18"
    assert dated("2023年度总结", BODY) is None
    assert read_text("", f"2023石桥国际论坛开幕\n河湾网石桥11月18日电 {BODY}").metadata.published == "2023-11-18"
    assert dated("石桥通车", f"{BODY}通车仪式在2019年11月18日举行。") == "2019-11-18"


def test_republisher_gives_way_to_the_outlet_it_credits() -> None:
    def publisher(header: str, credit: str) -> str | None:
        return read_text("", f"石桥通车了\n来源:{header}\n{BODY}\n来源:{credit}").metadata.publisher

    assert publisher("河湾市交通局", "河湾日报") == "河湾日报"
    assert publisher("石桥晚报", "河湾日报") == "石桥晚报"
    assert publisher("河湾市交通局", "河湾市档案局") == "河湾市交通局"


def test_text_pages() -> None:
    bridge = read_bytes("bridge.txt", (PAGES / "bridge.txt").read_bytes()).metadata
    assert bridge == Metadata("石桥镇重修百年石桥", "石桥晚报", None, "2021-07-08")
    notice = read_bytes("notice.txt", (PAGES / "notice.txt").read_bytes()).metadata
    assert notice == Metadata(
        "青河推行立案新办法",
        "青河日报",
        None,
        "2020-11-03",
        "https://sfj.example.gov.cn/news/2020/11/03.html".replace("https", "http"),
    )
    marked = read_bytes("marked.txt", (PAGES / "marked.txt").read_bytes()).metadata
    assert marked == Metadata("海灣市擴建漁業碼頭", "海灣新聞網", "高遠、溫一", None)


def test_html_pages() -> None:
    library = read_bytes("library_zh.html", (PAGES / "library_zh.html").read_bytes()).metadata
    assert library == Metadata(
        "河湾镇新图书馆开放 三层书库可藏书二十万册",
        "河湾新闻网",
        "林小满",
        "2023-05-06",
        "https://news.example.com/2023/library.html",
    )
    lighthouse = read_bytes("lighthouse_en.html", (PAGES / "lighthouse_en.html").read_bytes()).metadata
    assert lighthouse == Metadata("The lighthouse that moved", "Coastal Notes", "Mara Finch、Odd Berg", "2022-03-14")


def test_given_metadata_wins() -> None:
    source = read_text(
        "给定的题目",
        f"另一个题目\n来源:石桥晚报 2020-01-02\n{BODY}",
        publisher="河湾日报",
        published="2021-05-06",
        url="https://example.com/a",
    )
    assert source.metadata == Metadata("给定的题目", "河湾日报", None, "2021-05-06", "https://example.com/a")


@pytest.mark.parametrize(
    ("title", "tidy"),
    [
        ("论坛举办_产业_医药", "论坛举办"),
        ("# 标题", "标题"),
        ("  两个   空格 ", "两个 空格"),
        ("A_b 不是标签", "A_b 不是标签"),
    ],
)
def test_tidy_title(title: str, tidy: str) -> None:
    assert tidy_title(title) == tidy


def test_tidy_title_takes_the_site_off() -> None:
    assert tidy_title("The lighthouse that moved | Coastal Notes", "Coastal Notes") == "The lighthouse that moved"
    assert tidy_title("桥与河 - 一部小史", "河湾网") == "桥与河 - 一部小史"


def test_there_is_always_a_title() -> None:
    assert read_bytes("000_15464718db4b3a76.txt", BODY.encode()).metadata.title == BODY[:60]
    assert read_bytes("港口 年报.txt", BODY.encode()).metadata.title == "港口 年报"


@needs_articles
def test_raw_articles() -> None:
    expected = {
        "000": ("首届生物医药产业临空发展大会", "大兴临空", None, "2024-09-02"),
        "001": ("第九届北京国际医药健康创新交流会", "人民政协网", "徐艳红", "2024-12-02"),
        "002": ("打造具有全球影響力的生命健康產業創新高地", "河北新聞網", "劉杰、徐嘉良", None),
        "003": ("硕果满枝!", "新京报", None, "2022-09-17"),
        "004": ("2023北京·昌生平命科学国际论坛举办", "中新网", None, "2023-11-18"),
    }
    for path in sorted((SHARED / "articles").glob("*.txt")):
        found = read_bytes(path.name, path.read_bytes()).metadata
        title, *rest = expected[path.name[:3]]
        assert found.title.startswith(title)
        assert [found.publisher, found.author, found.published] == rest
        assert (found.url is not None) == (path.name[:3] == "003")


@given(st.text(max_size=200))
def test_bylines_of_any_text(text: str) -> None:
    key = fold(text)
    assert len(key) == len(text)
    byline(text, key)
    dateline(text, key)
