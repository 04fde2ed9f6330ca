"""The widget on pages of other sites: those that its key allows, and another."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from qa.index import Index

POLICY = "default-src 'none'; script-src {service}; connect-src {service}; base-uri 'none'"
"""What a strict site has to allow for the widget: nothing inline, no styles."""


class Site(SimpleHTTPRequestHandler):
    """A site of its own, with a strict policy for its pages."""

    policy = ""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", self.policy)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def site(folder: Path, policy: str) -> Iterator[str]:
    """The origin of a site that serves a folder."""
    handler = partial(type("Strict", (Site,), {"policy": policy}), directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def embed(folder: Path, client: httpx.Client, **data: str) -> None:
    attributes = "".join(f' data-{name}="{value}"' for name, value in data.items())
    service = str(client.base_url).rstrip("/")
    script = f'<script src="{service}/widget.js"{attributes}></script>'
    html = f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>News</title><p>Before.</p>{script}'
    (folder / "index.html").write_text(html, encoding="utf-8")


@contextmanager
def visited(browser: Browser, address: str) -> Iterator[tuple[Page, list[str]]]:
    """A page of the site, and what went wrong on it (a missing favicon aside)."""
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: message.type == "error" and problems.append(message.text))
    page.goto(address)
    yield page, problems
    context.close()


def served(own_index: Index, corpus_dir: Path, origin: str) -> str:
    """Gives the index something to say, and makes a key for one origin."""
    if not own_index.documents():
        own_index.ingest(corpus_dir)
    return own_index.store.keys.create("widget", "read", collections=None, origins=[origin], days=None)[1]


def ask(page: Page, question: str, box: str) -> None:
    page.get_by_label(box).fill(question)
    page.keyboard.press("Enter")


def test_a_site_that_the_key_allows_can_ask(
    own_index: Index, own_client: httpx.Client, corpus_dir: Path, browser: Browser, folder: Path
) -> None:
    policy = POLICY.format(service=str(own_client.base_url).rstrip("/"))
    with site(folder, policy) as origin:
        key = served(own_index, corpus_dir, origin)
        embed(folder, own_client, key=key, lang="zh", title="问本站", theme="dark")
        with visited(browser, origin) as (page, problems):
            ask(page, "昌平论坛上集中签约了多少个重磅项目？", "你的问题")
            expect(page.locator(".answer")).to_contain_text("集中签约12个重磅项目")
            expect(page.get_by_role("heading", name="问本站")).to_be_visible()
            page.locator("[role=doc-noteref]").first.click()
            expect(page.locator(".passage").first).to_be_focused()
            link = page.get_by_role("link", name="查看原文位置").first.get_attribute("href")
            assert link is not None
            assert link.startswith(f"{str(own_client.base_url).rstrip('/')}/documents/")
            assert page.evaluate("localStorage.length + sessionStorage.length") == 0
            assert [problem for problem in problems if "favicon" not in problem and "404" not in problem] == []


def test_neither_sides_styles_reach_the_other(
    own_index: Index, own_client: httpx.Client, corpus_dir: Path, browser: Browser, folder: Path
) -> None:
    with site(folder, "") as origin:
        embed(folder, own_client, key=served(own_index, corpus_dir, origin), lang="en")
        with visited(browser, origin) as (page, _):
            before = page.locator("p").first
            margin = before.evaluate("(p) => getComputedStyle(p).marginTop")
            expect(page.get_by_label("Your question")).to_be_visible()
            assert before.evaluate("(p) => getComputedStyle(p).marginTop") == margin != "0px"
            page.add_style_tag(content="input { display: none !important }")
            expect(page.get_by_label("Your question")).to_be_visible()


def test_another_site_cannot_use_the_key(
    own_index: Index, own_client: httpx.Client, corpus_dir: Path, browser: Browser, folder: Path
) -> None:
    with site(folder, "") as origin:
        key = served(own_index, corpus_dir, "https://news.example")
        embed(folder, own_client, key=key, lang="en")
        with visited(browser, origin) as (page, _):
            ask(page, "昌平论坛上集中签约了多少个重磅项目？", "Your question")
            expect(page.get_by_role("alert")).to_have_text("The service cannot be reached from this page.")
            expect(page.locator(".answer")).to_have_count(0)
