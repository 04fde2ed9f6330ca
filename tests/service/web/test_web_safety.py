"""What comes from outside is text; pages are reachable for everyone, light, and keep to themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from qa.index import Index
from qa.ingest.read import read_bytes, read_text

OpenPage = Callable[..., Page]

SCRIPT = "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"
OVERRIDE = "\u202egnp.exe\u2066"
QUESTION = "昌平论坛上集中签约了多少个重磅项目？"
PAGES = ["/", f"/?q={QUESTION}", "/?q=法国首都是哪里？", "/articles", "/evals", "/docs"]
HEAVIEST = 200_000


@pytest.fixture
def hostile(own_index: Index) -> str:
    """Id of a document whose title, publisher, author, text and address are all somebody's attempt."""
    text = f"鸭绿江边的邮局{SCRIPT}每年收到三百封信，局长是{OVERRIDE}赵铁柱。"
    about = {"publisher": f"报社{SCRIPT}", "author": f"{OVERRIDE}记者", "url": "javascript:window.hit=1//"}
    own_index.ingest_sources([read_text(f"邮局{SCRIPT}{OVERRIDE}", text, **about)])
    return next(one.id for one in own_index.documents() if "鸭绿江" in own_index.source_text(one.id))


def untouched(page: Page) -> None:
    """Nothing of what came from outside became an element, an address or a script."""
    assert page.evaluate("window.hit") is None
    assert page.locator("main script, main img, [onerror], a[href^='javascript' i]").count() == 0
    assert "\u202e" not in page.locator("body").inner_text()
    assert "\u202e" not in page.title()


def test_stored_markup_is_shown_as_text(hostile: str, own_client: httpx.Client, open_page: OpenPage) -> None:
    page = open_page(own_client, "/?q=" + quote("鸭绿江边的邮局每年收到多少封信？"))
    passage = page.locator(".passage").first
    expect(passage).to_contain_text(SCRIPT)
    expect(passage.get_by_role("heading")).to_contain_text("[U+202E]gnp.exe[U+2066]")
    untouched(page)
    page.get_by_role("link", name="查看原文位置").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(SCRIPT)
    expect(page.locator(".reading")).to_contain_text(SCRIPT)
    expect(page.locator(".checks .good")).to_have_count(3)
    untouched(page)
    page.goto("/articles")
    expect(page.get_by_text("[U+202E]gnp.exe").first).to_be_visible()
    untouched(page)


def test_markup_in_file_names_is_shown_as_text(own_index: Index, own_client: httpx.Client, open_page: OpenPage) -> None:
    name = "<img src=x onerror=window.hit=1>\u202e.txt"
    own_index.ingest_sources([read_bytes(name, "嫩江的灯塔在秋天亮起四十盏灯。".encode())])
    document = next(one for one in own_index.documents() if one.name.startswith("<img"))
    page = open_page(own_client, f"/documents/{document.id}")
    expect(page.locator("dd", has_text="<img src=x onerror=window.hit=1>[U+202E].txt")).to_be_visible()
    untouched(page)


@pytest.mark.parametrize(
    "path",
    [
        "/?q={}&h={}&publisher={}&collection=default",
        "/?q={}&from={}&to={}",
        "/documents/{}?start=1&end=2&sha256={}&collection={}",
        "/articles?collection={}&q={}",
        "/evals?run={}&x={}",
    ],
)
def test_reflected_markup_is_shown_as_text(
    client: httpx.Client, open_page: OpenPage, watched: list[Any], path: str
) -> None:
    page = open_page(client, path.replace("{}", quote(SCRIPT + OVERRIDE + "</title>", safe="")))
    page.wait_for_load_state("networkidle")
    untouched(page)
    # What the service refuses with a status, the browser notes in its console.
    watched[0].expect("Failed to load resource")


def test_the_policy_stops_what_would_slip_through(
    client: httpx.Client, open_page: OpenPage, watched: list[Any]
) -> None:
    page = open_page(client)
    page.evaluate("document.body.append(Object.assign(document.createElement('p'), { id: 'here' }))")

    def refused(code: str) -> str:
        return str(page.evaluate(f"(() => {{ try {{ {code}; }} catch (error) {{ return error.name; }} }})()"))

    assert refused("here.innerHTML = '<b>x</b>'") == "TypeError"
    assert refused("here.setAttribute('onclick', 'window.hit = 1')") == "TypeError"
    page.evaluate("here.setAttribute('style', 'position: fixed')")
    assert page.evaluate("getComputedStyle(here).position") == "static"
    assert page.evaluate("fetch('https://elsewhere.example/').catch((error) => error.name)") == "TypeError"
    assert page.evaluate("window.hit") is None
    assert len(watched[0].problems) >= 4
    watched[0].expect(".", least=4)


def serious(page: Page) -> list[str]:
    """Serious and critical findings of axe-core, in words."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def settled(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    if page.locator(".columns").count():
        expect(page.locator(".columns")).to_have_attribute("aria-busy", "false")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [*PAGES, "source"])
def test_axe_finds_nothing_serious(client: httpx.Client, open_page: OpenPage, path: str, scheme: str) -> None:
    if path == "source":
        found = client.post("/v1/search", json={"query": QUESTION}).json()["hits"][0]["citation"]
        path = f"/documents/{found['document_id']}?start={found['start']}&end={found['end']}"
    page = open_page(client, path, color_scheme=scheme, locale="zh-CN" if scheme == "light" else "en-US")
    settled(page)
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    assert serious(page) == []


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_is_wider_than_a_narrow_screen(client: httpx.Client, open_page: OpenPage, width: int) -> None:
    page = open_page(client, viewport={"width": width, "height": 800})
    document = client.get("/v1/documents").json()["documents"][0]["id"]
    for path in [*PAGES[:-1], f"/documents/{document}?start=300&end=400"]:
        page.goto(path)
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.parametrize("path", PAGES[:-1])
def test_no_page_weighs_more_than_200_kb(client: httpx.Client, open_page: OpenPage, path: str) -> None:
    """Everything but the answers of the API, uncompressed."""
    weights: dict[str, int] = {}
    page = open_page(client, "/healthz")
    page.on("response", lambda answer: "/v1/" in answer.url or weights.update({answer.url: len(answer.body())}))
    page.goto(path)
    settled(page)
    assert sum(weights.values()) < HEAVIEST, json.dumps(weights, indent=1)
