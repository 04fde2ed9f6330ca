"""Keeping the articles in a real browser: adding, finding, deleting with undo, collections, and hostile names."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from qa.index import Index
from qa.service.access import Caller

OpenPage = Callable[..., Page]
Serving = Callable[..., AbstractContextManager[httpx.Client]]

CRANES = "丹顶鹤在扎龙湿地过冬，巡护员刘海每天投喂玉米二百斤。"
STOVE = "老灶台用了六十年，祖母在上面蒸过一万笼馒头。"
expect.set_options(timeout=20_000)
HOSTILE = "<img src=x onerror=alert(1)>\u202egpj"


@pytest.fixture(autouse=True)
def emptied(own_client: httpx.Client) -> Iterator[None]:
    """No test finds what another left, neither in the list nor in the trash."""
    yield
    for one in own_client.get("/v1/documents").json()["documents"]:
        own_client.delete(f"/v1/documents/{one['id']}")
    for one in own_client.get("/v1/trash").json()["documents"]:
        own_client.delete(f"/v1/documents/{one['id']}", params={"forever": "true"})
    own_client.delete("/v1/collections/kitchen")


def choose(page: Page, *files: dict[str, object]) -> None:
    page.locator("#files").set_input_files(list(files))  # type: ignore[arg-type]
    expect(page.locator(".job[data-state=done]").first).to_be_visible()


def text_file(name: str, content: str) -> dict[str, object]:
    return {"name": name, "mimeType": "text/plain", "buffer": content.encode()}


def paste(page: Page, title: str, text: str) -> None:
    page.get_by_text("粘贴文字").click()
    page.get_by_label("标题", exact=True).fill(title)
    page.get_by_label("正文").fill(text)
    page.get_by_role("button", name="添加文字").click()
    expect(page.locator(".job[data-state=done]").first).to_be_visible()


def titles(page: Page) -> list[str]:
    return page.locator("[data-id] h2").all_inner_texts()


def test_an_uploaded_article_is_found_by_asking(own_client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(own_client, "/articles")
    expect(page.get_by_text("这里还没有文章。")).to_be_visible()
    choose(page, text_file("鹤.txt", f"鹤的冬天\n\n{CRANES * 3}"), text_file("空.txt", ""))
    expect(page.locator(".job")).to_contain_text("完成: 新增 1, 跳过 1")
    expect(page.locator(".job details")).to_contain_text("空.txt: 文件是空的，请确认保存完整。")
    expect(page.locator("[data-id]")).to_have_count(1)
    page.get_by_role("link", name="提问").click()
    page.get_by_role("search").get_by_role("textbox").fill("巡护员每天投喂多少玉米？")
    page.keyboard.press("Enter")
    expect(page.locator(".answer")).to_contain_text("二百斤")


def test_delete_and_undo(own_client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(own_client, "/articles")
    paste(page, "鹤的冬天", CRANES * 3)
    paste_again = page.get_by_role("button", name="删除《鹤的冬天》")
    paste_again.click()
    undo = page.get_by_role("button", name="撤销")
    expect(undo).to_be_focused()
    expect(page.locator(".undo")).to_contain_text("已删除《鹤的冬天》。")
    assert titles(page) == []
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="鹤的冬天")).to_be_focused()
    expect(undo).to_have_count(0)

    page.get_by_role("button", name="删除《鹤的冬天》").click()
    page.reload()
    page.get_by_text("最近删除 (1)").click()
    page.get_by_role("button", name="恢复《鹤的冬天》").click()
    expect(page.get_by_role("link", name="鹤的冬天")).to_be_visible()
    expect(page.get_by_text("最近删除")).to_have_count(0)


def test_files_are_dropped_anywhere(own_client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(own_client, "/articles")
    expect(page.locator(".drop")).to_be_visible()
    files = {
        f"第{number}篇.txt": base64.b64encode(f"第{number}篇\n\n{STOVE * number}".encode()).decode()
        for number in (2, 3)
    }
    transfer = page.evaluate_handle(
        """(files) => {
          const transfer = new DataTransfer();
          for (const [name, content] of Object.entries(files)) {
            transfer.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name));
          }
          return transfer;
        }""",
        files,
    )
    page.dispatch_event("h1", "dragover", {"dataTransfer": transfer})
    expect(page.locator(".drop.over")).to_have_count(1)
    page.dispatch_event("h1", "drop", {"dataTransfer": transfer})
    expect(page.locator(".drop.over")).to_have_count(0)
    expect(page.locator(".job[data-state=done]")).to_contain_text("新增 2")
    expect(page.locator("[data-id] h2")).to_have_count(2)


def test_copies_are_named(own_client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(own_client, "/articles")
    paste(page, "鹤的冬天", CRANES * 3)
    page.get_by_label("标题", exact=True).fill("转载")
    page.get_by_label("正文").fill(CRANES * 3)
    page.get_by_role("button", name="添加文字").click()
    expect(page.locator(".job").first).to_contain_text("重复 1")
    expect(page.locator("[data-id]", has_text="转载").locator(".copy")).to_have_text("重复： 鹤的冬天")


@pytest.mark.parametrize(
    ("url", "said"), [("http://127.0.0.1:1/x", "不读取内部网络的地址。"), ("ftp://example.org/a", "网址有误")]
)
def test_an_address_that_cannot_be_read_is_told(
    own_client: httpx.Client, open_page: OpenPage, url: str, said: str
) -> None:
    page = open_page(own_client, "/articles")
    page.get_by_text("读取网址").click()
    page.get_by_label("网址").fill(url)
    page.get_by_role("button", name="读取网页").click()
    expect(page.locator(".job")).to_contain_text(said)
    assert titles(page) == []


def test_markup_in_names_titles_and_texts_is_shown_as_text(own_client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(own_client, "/articles")
    shown = HOSTILE.replace("\u202e", "[U+202E]")
    choose(page, text_file(f"{HOSTILE}.txt".replace("/", "_"), f"{HOSTILE}\n\n{STOVE * 3}"))
    paste(page, HOSTILE, CRANES * 2 + HOSTILE)
    expect(page.locator(".job").first).to_contain_text(shown)
    expect(page.locator("[data-id]")).to_have_count(2)
    assert shown in titles(page)
    page.get_by_role("button", name=f"删除《{shown}》").last.click()
    expect(page.locator(".undo")).to_contain_text(shown)
    page.get_by_label("按标题或发布者查找").fill("<b>")
    expect(page.get_by_text("没有这样的文章。")).to_be_visible()
    assert page.locator("img").count() == 0


def test_finding_and_collections(own_client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(own_client, "/articles", locale="en-GB")
    choose(page, text_file("crane.txt", f"Crane\n\n{CRANES * 3}"), text_file("stove.txt", f"Stove\n\n{STOVE * 3}"))
    expect(page.locator("[data-id]")).to_have_count(2)
    page.get_by_label("Find by title or publisher").fill("sto")
    expect(page.locator("[data-id]")).to_have_count(1)
    assert page.url.endswith("/articles?q=sto")
    page.get_by_text("Collections", exact=True).click()
    page.get_by_label("New collection").fill("kitchen")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("There are no articles here yet.")).to_be_visible()
    expect(page.get_by_label("Collection", exact=True)).to_have_value("kitchen")
    choose(page, text_file("stove.txt", f"Stove\n\n{STOVE * 3}"))
    expect(page.locator("[data-id]")).to_have_count(1)
    page.get_by_text("Collections", exact=True).click()
    page.get_by_role("button", name="Delete the collection kitchen").click()
    expect(page.get_by_role("dialog")).to_contain_text("with 1 article, for good")
    page.get_by_role("button", name="Delete it for good").click()
    expect(page.locator("[data-id]")).to_have_count(2)


@pytest.mark.parametrize("look", [{"locale": "zh-CN"}, {"locale": "en-GB", "color_scheme": "dark"}])
def test_it_is_accessible_and_fits_a_phone(own_client: httpx.Client, open_page: OpenPage, look: dict[str, str]) -> None:
    page = open_page(own_client, "/articles", viewport={"width": 360, "height": 740}, **look)
    choose(
        page, text_file("a.txt", f"一篇\n\n{CRANES * 3}"), text_file("长" * 60 + ".txt", f"{'W' * 200}\n\n{STOVE * 3}")
    )
    page.locator("[data-id] button").first.click()
    expect(page.locator(".undo button")).to_be_visible()
    for fold in page.locator("details").all():
        fold.evaluate("(one) => { one.open = true; }")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []


def test_it_is_worked_by_keyboard_alone(own_client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(own_client, "/articles")
    paste(page, "鹤的冬天", CRANES * 3)
    page.get_by_label("按标题或发布者查找").focus()
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    assert [one for one in reached if one in ("鹤的冬天", "删除", "files")] == ["鹤的冬天", "删除", "files"]


def test_what_waits_is_seen_when_the_language_changes(own_client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(own_client, "/articles")
    paste(page, "鹤的冬天", CRANES * 3)
    page.locator("#language").click()
    expect(page.locator(".job")).to_contain_text("Done: 1 added")
    expect(page.get_by_role("heading", name="Articles", exact=True)).to_be_visible()


def test_who_may_only_read_is_not_offered_changes(
    own_client: httpx.Client,
    own_index: Index,
    finished: Callable[..., Any],
    serving: Serving,
    open_page: OpenPage,
    watched: list[Any],
) -> None:
    finished(own_client, own_client.post("/v1/documents", json={"title": "鹤的冬天", "text": CRANES * 3}))

    async def reader(_scope: object, _token: object) -> Caller:
        return Caller("1", "reader", frozenset({"read"}))

    with serving(own_index, own_index.settings, reader) as client:
        page = open_page(client, "/articles")
        expect(page.get_by_role("link", name="鹤的冬天")).to_be_visible()
        expect(page.get_by_role("button", name="删除《鹤的冬天》")).to_have_count(0)
        expect(page.get_by_role("heading", name="添加文章")).to_be_hidden()
        page.goto("/evals")
        expect(page.get_by_text("还没有评测过。")).to_be_visible()
        expect(page.get_by_role("heading", name="运行评测")).to_have_count(0)
    # The browser notes each refused request as an error of its own.
    watched[0].expect("403")
