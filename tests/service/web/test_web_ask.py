"""Asking in the page, in both languages, and what can be done with an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from qa.index import Index
from qa.ingest.read import read_text

OpenPage = Callable[..., Page]

QUESTION = "昌平论坛上集中签约了多少个重磅项目？"
ENGLISH = "What is the theme of the airport-economy biomedicine conference?"
NOWHERE = "法国首都是哪里？"


def ask(page: Page, question: str) -> None:
    """Type a question and press Enter; returns when the last answer is whole."""
    page.locator("#question").fill(question)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=question, exact=True)).to_be_visible()
    expect(page.locator(".columns").last).to_have_attribute("aria-busy", "false")


def test_a_chinese_question_gets_a_short_answer_with_its_proof(client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(client)
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    ask(page, QUESTION)
    expect(page.locator(".answer")).to_contain_text("集中签约12个重磅项目")
    mark = page.locator("[role=doc-noteref]").first
    expect(mark).to_have_accessible_name("引用 1：2023北京·昌平生命科学国际论坛举办")
    passage = page.locator(".passage").first
    for fact in ("2023北京·昌平生命科学国际论坛举办", "中新网", "2023年11月18日", "把握"):
        expect(passage).to_contain_text(fact)
    assert page.title() == f"{QUESTION} · citeqa"


def test_an_english_question_gets_an_english_page(client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(client, locale="en-GB")
    assert page.locator("html").get_attribute("lang") == "en"
    ask(page, ENGLISH)
    expect(page.locator(".answer")).to_contain_text("The sources are in Chinese")
    expect(page.locator(".answer")).to_contain_text("面向国际、链接全球")
    title = "首届生物医药产业临空发展大会在北京大兴国际机场临空经济区成功召开"
    expect(page.locator("[role=doc-noteref]").first).to_have_accessible_name(f"Citation 1: {title}")
    expect(page.get_by_role("heading", name="Where it stands")).to_be_visible()


@pytest.mark.parametrize("point", ["hover", "focus"])
def test_pointing_at_a_mark_lights_its_sentence_and_its_source(
    client: httpx.Client, open_page: OpenPage, point: str
) -> None:
    page = open_page(client)
    ask(page, QUESTION)
    expect(page.locator(".lit")).to_have_count(0)
    getattr(page.locator("[role=doc-noteref]").first, point)()
    expect(page.locator(".sentence.lit")).to_contain_text("集中签约12个重磅项目")
    expect(page.locator(".passage.lit")).to_have_count(1)
    lit = "".join(page.locator("mark.lit").all_inner_texts())
    assert lit == page.locator(".sentence.lit").inner_text().removesuffix("\u2060[1]")


def test_a_mark_leads_to_its_passage_and_back(client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(client)
    ask(page, QUESTION)
    page.locator("[role=doc-noteref]").first.press("Enter")
    expect(page.locator(".passage").first).to_be_focused()
    page.locator("[role=doc-backlink]").first.press("Enter")
    expect(page.locator("[role=doc-noteref]").first).to_be_focused()


def test_what_is_not_in_the_articles_is_said_first(client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(client)
    ask(page, NOWHERE)
    expect(page.locator(".declined")).to_contain_text("文章中没有答案")
    expect(page.get_by_role("heading", name="最接近的段落")).to_be_visible()
    assert page.locator(".passage").count() >= 3
    expect(page.locator("[role=doc-noteref]")).to_have_count(0)


def test_a_follow_up_is_asked_with_what_was_asked_before(client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(client)
    ask(page, "昌平区有多少家医药健康企业？")
    with page.expect_request("**/v1/ask") as asked:
        ask(page, "其中独角兽企业呢？")
    assert asked.value.post_data_json["history"] == ["昌平区有多少家医药健康企业？"]
    expect(page.locator(".turn")).to_have_count(2)
    page.go_back()
    expect(page.locator(".turn")).to_have_count(1)
    expect(page.locator(".answer")).to_contain_text("900余家")


def test_a_shared_link_asks_the_same_again(client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(client, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_text("查找范围").click()
    page.get_by_label("发布者").select_option("中新网")
    page.get_by_label("起始日期").fill("2023-01-01")
    ask(page, QUESTION)
    ask(page, "包括哪些？")
    page.get_by_role("button", name="复制链接").last.click()
    expect(page.get_by_role("button", name="已复制")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    given = {"q": ["包括哪些？"], "h": [QUESTION], "publisher": ["中新网"], "from": ["2023-01-01"]}
    assert parse_qs(urlsplit(link).query) == given
    other = open_page(client, link)
    expect(other.locator(".answer")).to_have_text(page.locator(".answer").last.inner_text())
    expect(other.get_by_label("发布者")).to_have_value("中新网")
    expect(other.locator(".earlier")).to_contain_text(QUESTION)


def test_filters_hold(client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(client, f"/?q={QUESTION}&publisher=新京报&to=2023-01-01")
    expect(page.locator(".columns")).to_have_attribute("aria-busy", "false")
    assert {line.split(" · ")[0] for line in page.locator(".passage .facts").all_text_contents()} == {"新京报"}


def test_examples_come_from_the_collection_and_are_answered(client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(client)
    example = page.locator(".examples a").first
    question = example.inner_text()
    example.click()
    expect(page.get_by_role("heading", name=question, exact=True)).to_be_visible()
    expect(page.locator("[role=doc-noteref]").first).to_be_visible()


def test_an_answer_is_copied_with_its_citations(client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(client, permissions=["clipboard-read", "clipboard-write"])
    ask(page, QUESTION)
    page.get_by_role("button", name="复制", exact=True).click()
    expect(page.get_by_role("button", name="已复制")).to_be_visible()
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith(f"{QUESTION}\n\n")
    assert "[1] 2023北京·昌平生命科学国际论坛举办, 中新网, 2023年11月18日" in text
    page.get_by_role("button", name="复制为 Markdown").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('**'))")
    markdown = page.evaluate("navigator.clipboard.readText()")
    assert "行业领军企业。[^1]" in markdown
    assert "[^1]: 2023北京·昌平生命科学国际论坛举办, 中新网" in markdown


def test_enter_that_ends_a_chinese_word_does_not_ask(client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(client)
    box = page.locator("#question")
    box.fill("昌平")
    enter = "new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true, cancelable: true })"
    box.evaluate(f"(box) => box.dispatchEvent({enter})")
    assert urlsplit(page.url).query == ""
    box.press("Shift+Enter")
    expect(box).to_have_value("昌平\n")


def test_the_language_is_switched_and_the_answer_stays(client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(client)
    ask(page, QUESTION)
    page.locator("#question").fill("半句话")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Where it stands")).to_be_visible()
    expect(page.locator(".answer")).to_contain_text("集中签约12个重磅项目")
    expect(page.locator("#question")).to_have_value("半句话")
    expect(page.get_by_role("button", name="中文")).to_be_focused()
    page.reload()
    expect(page.get_by_role("link", name="Articles")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "en"


def test_colours_follow_the_system_until_somebody_chooses(client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(client, color_scheme="dark")

    def brightness() -> float:
        return float(page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]"))

    assert brightness() < 60
    button = page.locator("#theme")
    button.click()
    expect(button).to_have_accessible_name("配色：浅色")
    assert brightness() > 200
    page.reload()
    assert brightness() > 200
    button.click()
    expect(button).to_have_accessible_name("配色：深色")
    assert brightness() < 60


def test_a_failure_is_told_in_the_language_of_the_page(
    client: httpx.Client, open_page: OpenPage, watched: list[Any]
) -> None:
    page = open_page(client)
    page.route("**/v1/ask", lambda route: route.abort())
    page.locator("#question").fill(QUESTION)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("无法连接服务。请确认服务正在运行，然后重试。")
    watched[0].expect("^console: Failed to load resource: net::ERR_FAILED$", least=1, most=1)
    page.unroute("**/v1/ask")
    ask(page, QUESTION)


def test_a_verdict_is_kept_with_its_comment(own_index: Index, own_client: httpx.Client, open_page: OpenPage) -> None:
    own_index.ingest_sources([read_text("漠河的邮局", "漠河的邮局在冬至那天收到一千二百封信。")])
    page = open_page(own_client)
    ask(page, "漠河的邮局冬至收到多少封信？")
    page.get_by_role("button", name="回答得不好").click()
    expect(page.get_by_role("button", name="回答得不好")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("好在哪里").fill("少了<b>年份</b>")
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_text("谢谢，已留作评测之用。").first).to_be_visible()
    kept = own_client.get("/v1/feedback").json()["feedback"][0]
    assert (kept["question"], kept["verdict"]) == ("漠河的邮局冬至收到多少封信？", "down")
    assert (kept["comment"], kept["language"]) == ("少了<b>年份</b>", "zh")
    assert "一千二百封信" in kept["answer"]
