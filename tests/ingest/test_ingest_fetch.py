"""Fetching, from a server of our own: what is fetched, and what must not be."""

from __future__ import annotations

import asyncio
import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest
from ingest_files import pdf

from qa.errors import CiteqaError, FetchError, ReadError
from qa.ingest.fetch import fetch, is_public

STORY = "港口今年春天向公众开放，居民说这是等了三十年的好事，码头上站满了人。"
PAGE = f"<html><head><title>港口开放</title></head><body><p>{STORY}</p></body></html>"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        with suppress(ConnectionError):
            getattr(self, "page_" + self.path.strip("/").split("?")[0].split("/")[0], self.page_missing)()

    def reply(self, body: bytes, kind: str = "text/html; charset=utf-8", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def page_plain(self) -> None:
        self.reply(PAGE.encode())

    def page_gbk(self) -> None:
        self.reply(PAGE.encode("gbk"), "text/html; charset=gbk")

    def page_article(self) -> None:
        self.reply(PAGE.encode())

    def page_text(self) -> None:
        self.reply(STORY.encode(), "text/plain; charset=utf-8")

    def page_pdf(self) -> None:
        self.reply(pdf([["A page of the harbour report."]]), "application/pdf")

    def page_packed(self) -> None:
        self.reply(gzip.compress(PAGE.encode()), content_encoding="gzip")

    def page_bomb(self) -> None:
        self.reply(gzip.compress(b"a" * 5_000_000), content_encoding="gzip")

    def page_damaged(self) -> None:
        self.reply(b"not packed at all", content_encoding="gzip")

    def page_big(self) -> None:
        self.reply(b"a" * 200_000)

    def page_empty(self) -> None:
        self.reply(b"")

    def page_host(self) -> None:
        self.reply(f"<html><body><p>{self.headers['host']} 是请求里的主机名。</p></body></html>".encode())

    def page_hop(self) -> None:
        self.reply(b"", status=302, location="/plain")

    def page_loop(self) -> None:
        self.reply(b"", status=302, location="/loop")

    def page_inward(self) -> None:
        self.reply(b"", status=302, location="file:///etc/passwd")

    def page_missing(self) -> None:
        self.reply(b"gone", status=404)

    def page_drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(200):
            self.wfile.write(b"a")
            self.wfile.flush()
            time.sleep(0.05)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def refused(url: str, **options: object) -> str:
    with pytest.raises(CiteqaError) as caught:
        fetch(url, **{"allow_private": True, **options})  # type: ignore[arg-type]
    return caught.value.code


def test_page(site: str) -> None:
    source = fetch(f"{site}/plain#part", allow_private=True)
    assert (source.name, source.locator, source.metadata.url) == (f"{site}/plain",) * 3
    assert (source.format, source.text, source.metadata.title) == ("html", STORY, "港口开放")


@pytest.mark.parametrize(
    ("path", "format"),
    [("gbk", "html"), ("packed", "html"), ("hop", "html"), ("text", "text"), ("article/a.php", "html")],
)
def test_kinds_of_pages(site: str, path: str, format: str) -> None:
    source = fetch(f"{site}/{path}", allow_private=True)
    assert (source.format, source.text) == (format, STORY)


def test_pdf_by_its_content(site: str) -> None:
    assert fetch(f"{site}/pdf", allow_private=True).pages == (0,)


def test_redirect_names_the_final_page(site: str) -> None:
    assert fetch(f"{site}/hop", allow_private=True).name == f"{site}/plain"


def test_host_is_named_though_its_number_is_dialled(site: str) -> None:
    url = site.replace("127.0.0.1", "localhost")
    assert fetch(f"{url}/host", allow_private=True).text.startswith("localhost:")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("missing", "http_status"),
        ("loop", "too_many_redirects"),
        ("inward", "bad_url"),
        ("bomb", "too_large"),
        ("big", "too_large"),
        ("damaged", "unreachable"),
        ("empty", "empty"),
    ],
)
def test_refusals(site: str, path: str, expected: str) -> None:
    assert refused(f"{site}/{path}", max_bytes=100_000) == expected


def test_slow_page_is_given_up_in_time(site: str) -> None:
    begin = time.monotonic()
    assert refused(f"{site}/drip", timeout=0.5) == "timeout"
    assert time.monotonic() - begin < 3


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/a",
        "file:///etc/passwd",
        "example.org",
        "http://",
        "javascript:alert(1)",
        "http://user:pw@example.org/",
        "http://" + "a" * 3000,
        "http://[::1",
    ],
)
def test_bad_addresses(url: str) -> None:
    assert refused(url) == "bad_url"


def test_private_addresses_are_refused_by_default(site: str) -> None:
    for url in (
        f"{site}/plain",
        site.replace("127.0.0.1", "localhost"),
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://2130706433/",
        "http://0.0.0.0/",
        "http://[::ffff:127.0.0.1]/",
    ):
        assert refused(url, allow_private=False) == "private_address", url


def test_unreachable() -> None:
    assert refused("http://127.0.0.1:1/") == "unreachable"
    assert refused("http://no-such-host.invalid/") == "unreachable"


def test_called_inside_an_event_loop(site: str) -> None:
    async def call() -> str:
        return fetch(f"{site}/plain", allow_private=True).text

    assert asyncio.run(call()) == STORY


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_is_public(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public


def test_errors_are_of_the_tree() -> None:
    assert issubclass(FetchError, CiteqaError)
    assert issubclass(ReadError, CiteqaError)
