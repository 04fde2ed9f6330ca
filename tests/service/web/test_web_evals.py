"""Evals in a real browser: run one, read the report, its plots and lost questions, deal with what users said."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from qa.index import Index
from qa.ingest.read import read_text

OpenPage = Callable[..., Page]

expect.set_options(timeout=20_000)
MARKUP = "<img src=x onerror=alert(1)>"
TEXTS = {
    f"冰湖{MARKUP}": "冰湖的渔汛从十二月开始，头网打上来四万斤鱼。查干屯的把头叫石宝柱。",
    "茶园": "雾谷茶园有茶树六万株，春茶在清明前采摘，由十二户人家共同经营。",
}


def rows() -> Iterator[dict[str, Any]]:
    asked = [
        ("n1", "zh", "头网打上来多少鱼？", f"冰湖{MARKUP}", "头网打上来四万斤鱼", "四万斤"),
        ("n1", "en", "How much fish was in the first net?", f"冰湖{MARKUP}", "头网打上来四万斤鱼", "四万斤"),
        ("n2", "zh", "茶园里有多少株茶树？", "茶园", "雾谷茶园有茶树六万株", "六万株"),
        # Nobody can find this: it is there to be lost.
        ("n3", "zh", f"天气如何{MARKUP}？", "茶园", "由十二户人家共同经营", "十二户"),
    ]
    for need, lang, text, document, quote, said in asked:
        gold = [{"document": document, "quote": quote}]
        yield {"id": f"{need}.{lang}", "need": need, "lang": lang, "text": text, "kinds": ["fact"]} | {
            "answerable": True,
            "gold": gold,
            "answers": [said],
        }
    for lang, text in (("zh", "谁赢了世界杯？"), ("en", "Who won the world cup?")):
        head = {"id": f"u1.{lang}", "need": "u1", "lang": lang, "text": text, "kinds": ["unanswerable", "far"]}
        yield head | {"answerable": False, "gold": [], "answers": []}


@pytest.fixture(scope="module", autouse=True)
def filled(own_index: Index) -> None:
    own_index.ingest_sources([read_text(title, text) for title, text in TEXTS.items()])


@pytest.fixture(scope="module")
def question_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sets") / "mine.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows()), encoding="utf-8")
    return path


def run_own(page: Page, file: Path, words: tuple[str, str]) -> None:
    own, go = words
    page.locator("#set").select_option(label=own)
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name=go, exact=True).click()


def test_an_eval_is_run_and_read(own_client: httpx.Client, open_page: OpenPage, question_set: Path) -> None:
    page = open_page(own_client, "/evals")
    expect(page.get_by_text("还没有评测过。")).to_be_visible()
    run_own(page, question_set, ("自己的文件……", "运行"))
    expect(page.get_by_role("heading", name="报告: mine")).to_be_visible()
    expect(page.get_by_text("6 个问题，2 篇文章")).to_be_visible()
    for caption in ("第一个正确结果的名次", "各类问题的 hit@1", "风险–覆盖曲线", "可靠性"):
        expect(page.locator("figcaption", has_text=caption)).to_be_visible()
    assert page.locator(".plot polyline").count() >= 3
    assert page.locator(".plot rect.bar").count() >= 3
    expect(page.get_by_role("table").first).to_contain_text("mine · default")

    lost = page.locator("details.lost", has_text="答案没有排在第一的问题")
    expect(lost).to_contain_text(f"天气如何{MARKUP}？")
    expect(lost).to_contain_text("由十二户人家共同经营")
    expect(lost.locator(".returned li").first).to_be_visible()
    assert page.locator("img").count() == 0


def test_the_history_grows_and_earlier_reports_are_read(
    own_client: httpx.Client, open_page: OpenPage, question_set: Path
) -> None:
    page = open_page(own_client, "/evals", locale="en-GB")
    expect(page.get_by_role("heading", name="Report: mine")).to_be_visible()
    before = page.locator("tbody").first.locator("tr").count()
    run_own(page, question_set, ("a file of your own …", "Run"))
    expect(page.locator("tbody").first.locator("tr")).to_have_count(before + 1)
    expect(page.locator("#progress progress")).to_have_count(0)
    expect(page.get_by_role("heading", name="Report: mine")).to_be_visible()
    expect(page.locator("#set")).to_have_value("questions")
    expect(page.locator("figcaption", has_text="nDCG@10 over time")).to_be_visible()
    page.locator("tbody a").last.click()
    expect(page.locator("tbody a").last).to_have_attribute("aria-current", "true")


def test_a_set_that_does_not_fit_is_told_line_by_line(
    own_client: httpx.Client, open_page: OpenPage, watched: list[Any], tmp_path: Path
) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text('{"id": "x"}\n', encoding="utf-8")
    page = open_page(own_client, "/evals")
    expect(page.locator("#set")).to_be_visible()
    run_own(page, path, ("自己的文件……", "运行"))
    expect(page.locator("form + .problem, form ~ .problem")).to_contain_text("line 1")
    # The browser notes a refused request as an error of its own.
    watched[0].expect("400", least=1, most=1)


def test_what_users_said_is_listed_and_set_aside(own_client: httpx.Client, open_page: OpenPage) -> None:
    said = {"question": f"鱼{MARKUP}？", "verdict": "down", "comment": "<script>alert(1)</script>"}
    own_client.post("/v1/feedback", json=said).raise_for_status()
    page = open_page(own_client, "/evals")
    waiting = page.locator("section", has_text="用户反馈")
    expect(waiting).to_contain_text(said["question"])
    expect(waiting).to_contain_text(said["comment"])
    waiting.get_by_role("button", name="搁置").click()
    expect(waiting).to_contain_text("没有等待处理的反馈。")
    assert own_client.get("/v1/feedback").json()["total"] == 0


@pytest.mark.parametrize("look", [{"locale": "zh-CN", "color_scheme": "dark"}, {"locale": "en-GB"}])
def test_it_is_accessible_and_fits_a_phone(own_client: httpx.Client, open_page: OpenPage, look: dict[str, str]) -> None:
    page = open_page(own_client, "/evals", viewport={"width": 360, "height": 740}, **look)
    expect(page.locator(".plot").first).to_be_visible()
    for fold in page.locator("details").all():
        fold.evaluate("(one) => { one.open = true; }")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []
