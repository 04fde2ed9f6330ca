"""Addresses and servers that try to lead a fetch inside, or to keep it: a resolver and a server of our own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from qa.errors import CiteqaError
from qa.ingest.fetch import fetch

PUBLIC = "93.184.216.34"
INWARD = (
    "http://127.0.0.1:{port}/secret",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]:{port}/secret",
    "http://[::ffff:7f00:1]:{port}/secret",
    "http://[fe80::1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.8/",
    "http://2130706433:{port}/secret",
    "http://0x7f000001:{port}/secret",
    "http://0x7f.0.0.1:{port}/secret",
    "http://017700000001:{port}/secret",
    "http://127.1:{port}/secret",
    "http://0:{port}/secret",
    "http://localhost:{port}/secret",
)
STRANGE = (
    "http://0177.0.0.1:{port}/secret",
    "http://localhost.:{port}/secret",
    "http://１２７.０.０.１:{port}/secret",
    "http://①②⑦.⓪.⓪.①:{port}/secret",
    "http://127.0.0.1%00.example.org:{port}/secret",
    "http://example.org@127.0.0.1:{port}/secret",
    "http://127.0.0.1:{port}\\@example.org/secret",
    "http://[fe80::1%25lo]/",
)
"""Not addresses, or other hosts, depending on the machine's resolver."""


class Handler(BaseHTTPRequestHandler):
    asked: list[str]

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.asked.append(f"{self.headers['host']}{self.path}")
        with suppress(OSError):
            if self.path.startswith("/to/"):
                self.send_response(302)
                self.send_header("location", bytes.fromhex(self.path[4:]).decode())
                self.end_headers()
            elif self.path == "/endless":
                self.send_response(200)
                self.end_headers()
                while True:
                    self.wfile.write(b"<p>text</p>" * 8192)
            elif self.path == "/endless-header":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                while True:
                    self.wfile.write(b"x-more: " + b"a" * 65536 + b"\r\n")
            elif self.path == "/huge":
                self.send_response(200)
                self.send_header("content-length", str(1 << 40))
                self.end_headers()
                while True:
                    self.wfile.write(b"a" * 65536)
            else:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"<html><body><p>A secret of the inner network.</p></body></html>")


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadingHTTPServer]:
    Handler.asked = []
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def asked(server: ThreadingHTTPServer) -> list[str]:
    """What the server was asked in this test."""
    Handler.asked.clear()
    return Handler.asked


def refused(url: str, **options: Any) -> str:
    with pytest.raises(CiteqaError) as caught:
        fetch(url, **options)
    assert caught.value.hint
    return caught.value.code


@pytest.mark.parametrize("form", INWARD)
def test_no_way_to_write_an_inner_address_gets_through(
    server: ThreadingHTTPServer, asked: list[str], form: str
) -> None:
    assert refused(form.format(port=server.server_port)) == "private_address"
    assert asked == []


@pytest.mark.parametrize("form", STRANGE)
def test_strange_ways_to_write_one_reach_nothing(server: ThreadingHTTPServer, asked: list[str], form: str) -> None:
    assert refused(form.format(port=server.server_port)) in ("private_address", "bad_url", "unreachable")
    assert asked == []


class Resolver:
    """Answers with one list of numbers after the other, as a name's owner can; the last repeats."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.answers = answers
        self.times = 0

    async def __call__(self, host: str, port: int, **options: object) -> list[tuple[Any, ...]]:
        numbers = self.answers[min(self.times, len(self.answers) - 1)]
        self.times += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, port)) for number in numbers]


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Names are resolved by the resolver given; numbers are left to the system, as when a socket is connected."""

    def use(resolver: Resolver) -> None:
        real = asyncio.BaseEventLoop.getaddrinfo

        async def getaddrinfo(loop: Any, host: Any, port: int, **options: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            if name[0].isdigit():
                return await real(loop, host, port, **options)
            return await resolver(name, port)

        monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)

    return use


def test_a_name_is_resolved_once_and_what_was_checked_is_connected_to(
    server: ThreadingHTTPServer, asked: list[str], resolving: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is public when it is checked and 127.0.0.1 whenever it is asked for again."""
    dialled: list[str] = []

    async def connect(loop: Any, sock: socket.socket, address: tuple[Any, ...]) -> None:
        dialled.append(str(address[0]))
        raise OSError("no network here")

    resolver = Resolver((PUBLIC,), ("127.0.0.1",))
    resolving(resolver)
    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", connect)
    assert refused(f"http://rebinding.example:{server.server_port}/secret") == "unreachable"
    assert resolver.times == 1
    assert set(dialled) == {PUBLIC}
    assert asked == []


def test_a_name_with_one_inner_number_among_public_ones_is_refused(
    server: ThreadingHTTPServer, asked: list[str], resolving: Any
) -> None:
    resolving(Resolver((PUBLIC, "127.0.0.1")))
    assert refused(f"http://mixed.example:{server.server_port}/secret") == "private_address"
    assert asked == []


def test_a_name_that_turns_inward_is_refused_at_a_redirect(
    server: ThreadingHTTPServer, asked: list[str], resolving: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each hop is checked again: the first number counts as public here, the second does not."""
    monkeypatch.setattr("qa.ingest.fetch.is_public", lambda number: str(number) == "127.0.0.1")
    resolving(Resolver(("127.0.0.1",), ("127.0.0.2",)))
    there = f"http://turning.example:{server.server_port}"
    assert refused(f"{there}/to/{f'{there}/secret'.encode().hex()}") == "private_address"
    assert len(asked) == 1


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/",
        "http://[::ffff:10.0.0.1]/",
        "http://0x7f000002/",
        "//127.0.0.2/secret",
        "http://[fe80::1]/",
        "gopher://127.0.0.1/",
        "file:///etc/passwd",
        "http://user:word@example.org/",
    ],
)
def test_a_redirect_inward_is_refused(
    server: ThreadingHTTPServer, asked: list[str], monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.setattr("qa.ingest.fetch.is_public", lambda number: str(number) == "127.0.0.1")
    start = f"http://127.0.0.1:{server.server_port}/to/{target.encode().hex()}"
    code = refused(start)
    assert code == ("bad_url" if target.startswith(("gopher", "file")) or "@" in target else "private_address")
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("path", "code"), [("endless", "too_large"), ("huge", "too_large"), ("endless-header", "unreachable")]
)
def test_an_answer_without_end_is_given_up(server: ThreadingHTTPServer, path: str, code: str) -> None:
    url = f"http://127.0.0.1:{server.server_port}/{path}"
    assert refused(url, allow_private=True, max_bytes=1_000_000) == code
