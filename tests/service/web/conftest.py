"""The page in a real browser: Debian's chromium (or whatever chromium is on the PATH), driven through Playwright."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
expect.set_options(timeout=20_000)
CHROMIUM = next((found for name in NAMES if (found := shutil.which(name))), None)
NOT_RUN = "No chromium on this machine: the tests of the page did NOT run. `apt-get install chromium` brings one."


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM is None:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=NOT_RUN))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if CHROMIUM is None:
        terminalreporter.section("NO BROWSER", red=True, bold=True)
        terminalreporter.line(NOT_RUN, red=True, bold=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Started once for each module: while it runs, this thread has an event loop that other tests would meet."""
    assert CHROMIUM is not None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Watched:
    """What a page did that it must not do."""

    host: str
    problems: list[str] = field(default_factory=list)
    expected: str = ""
    least: int = 0
    most: int | None = None

    def expect(self, pattern: str, *, least: int = 0, most: int | None = None) -> None:
        """The test provokes problems that the pattern finds, so many, and no others. It is judged at the end of the
        test: the browser may tell of a problem after the page has shown it."""
        self.expected, self.least, self.most = pattern, least, most

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("request", self._request)

    def provoked(self) -> list[str]:
        return [told for told in self.problems if self.expected and re.search(self.expected, told)]

    def is_as_expected(self) -> bool:
        count = len(self.provoked())
        return count == len(self.problems) and self.least <= count <= (count if self.most is None else self.most)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("blob", "data") and address.netloc != self.host:
            self.problems.append(f"request: {request.url}")


@pytest.fixture
def watched() -> list[Watched]:
    """The watches of a test. One that provokes problems says which: ``Watched.expect``."""
    return []


@pytest.fixture
def open_page(browser: Browser, watched: list[Watched]) -> Iterator[Callable[..., Page]]:
    """Opens a page of a service in a window of its own. At the end nothing may have gone wrong in any of them:
    no error, no warning, no request to another host, nothing against the Content-Security-Policy."""
    contexts: list[BrowserContext] = []

    def opened(client: httpx.Client, path: str = "/", **options: object) -> Page:
        context = browser.new_context(**{"locale": "zh-CN", "base_url": str(client.base_url), **options})
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        watched.append(Watched(client.base_url.netloc.decode()))
        watched[-1].watch(page)
        page.goto(path)
        return page

    yield opened
    end = time.monotonic() + 20
    while time.monotonic() < end and any(len(watch.provoked()) < watch.least for watch in watched):
        contexts[0].pages[0].wait_for_timeout(50)
    for context in contexts:
        context.close()
    assert [watch.problems for watch in watched if not watch.is_as_expected()] == []
