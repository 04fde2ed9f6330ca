"""Replies on their way: what is tried again, what is not, and where nothing goes."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from qa.chat import push
from qa.chat.push import ATTEMPTS, LONGEST_WAIT, Pusher, PushError, RetryError, UnclearError, origin


@dataclass
class Vendor:
    """A loopback server that answers by ``script``, and 200 after that; ``None`` closes without an answer."""

    address: str = ""
    script: list[tuple[int, dict[str, str]] | None] = field(default_factory=list)
    got: list[object] = field(default_factory=list)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    made = Vendor()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            step = made.script.pop(0) if made.script else (200, {})
            if step is None:
                return
            self.send_response(step[0])
            for name, value in ({"content-length": "0"} | step[1]).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def posted(vendor: Vendor, address: str | None = None, **options: object) -> list[float]:
    """Post once; the waits between the attempts."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def run() -> None:
        pusher = Pusher(sleep)
        try:
            await pusher.post(address or f"{vendor.address}/x", {"a": 1}, **({"allowed": [vendor.address]} | options))  # type: ignore[arg-type]
        finally:
            await pusher.close()

    asyncio.run(run())
    return waits


def test_what_the_vendor_asks_to_wait_is_waited(vendor: Vendor) -> None:
    vendor.script = [(429, {"retry-after": "7"}), (503, {"retry-after": "1.5"}), (200, {})]
    assert posted(vendor) == [7.0, 1.5]
    assert vendor.got == [{"a": 1}] * 3


def test_without_that_the_waits_double(vendor: Vendor) -> None:
    vendor.script = [(500, {})] * (ATTEMPTS - 1)
    waits = posted(vendor)
    for place, wait in enumerate(waits):
        assert 2**place <= wait <= 1.5 * 2**place
    assert len(waits) == ATTEMPTS - 1


@pytest.mark.parametrize(
    ("answer", "attempts"),
    [((500, {}), ATTEMPTS), ((429, {"retry-after": str(LONGEST_WAIT + 1)}), 1), ((403, {}), 1), ((302, {}), 1)],
    ids=str,
)
def test_it_gives_up(vendor: Vendor, answer: tuple[int, dict[str, str]], attempts: int) -> None:
    vendor.script = [answer] * 10
    with pytest.raises(PushError, match=str(answer[0])):
        posted(vendor)
    assert len(vendor.got) == attempts


def test_a_vendor_that_takes_it_and_hangs_up_is_not_sent_it_twice(vendor: Vendor) -> None:
    vendor.script = [None]
    with pytest.raises(UnclearError):
        posted(vendor)
    assert len(vendor.got) == 1


def test_a_vendor_that_is_too_slow_is_not_sent_it_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes connections and never reads from them
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(UnclearError):
            posted(Vendor(address))


def test_a_vendor_that_is_not_there_is_tried_again() -> None:
    with pytest.raises(RetryError, match="cannot be reached"):
        posted(Vendor("http://127.0.0.1:9"))


def test_what_http_calls_a_success_may_be_none(vendor: Vendor) -> None:
    answers = [RetryError("later", 3.0), None]

    def judge(answer: httpx.Response) -> None:
        error = answers.pop(0)
        if error is not None:
            raise error

    assert posted(vendor, judge=judge) == [3.0]


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/hooks",
        "https://hooks.vendor.example.evil.example/",
        "https://hooks.vendor.example@evil.example/",
        "https://hooks.vendor.example:8443/",
        "http://hooks.vendor.example/",
        "https://[bad/",
        "file:///etc/passwd",
        "//hooks.vendor.example/",
        "https://hooks.vendor.example:x/",
    ],
)
def test_nothing_goes_to_a_host_that_is_not_allowed(vendor: Vendor, address: str) -> None:
    with pytest.raises(PushError) as caught:
        posted(vendor, address, allowed=["https://hooks.vendor.example"])
    assert "evil" not in str(caught.value)


def test_an_origin_ignores_case_and_the_standard_port() -> None:
    assert origin("HTTPS://Hooks.Slack.com:443/services/T1") == "https://hooks.slack.com"
    assert origin("http://127.0.0.1:8080/x") == "http://127.0.0.1:8080"
