"""A platform's HTTP API on loopback: it notes what it is asked, and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Call:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


SILENCE = Reply()
"""The request is carried out, and the connection breaks before it is answered."""


class Vendor:
    def __init__(self, answer: Callable[[Call], Reply]) -> None:
        self.answer = answer
        self.calls: list[Call] = []
        self.url = ""
        self.next: list[Reply] = []
        """Answers to the next calls, before ``answer`` is asked."""

    def to(self, part: str) -> list[Call]:
        """The calls to addresses that contain ``part``."""
        return [call for call in self.calls if part in call.path]

    def wait(self, part: str, count: int = 1, seconds: float = 20) -> list[Call]:
        """The calls to ``part``, once there are ``count``."""
        until = time.monotonic() + seconds
        while len(self.to(part)) < count and time.monotonic() < until:
            time.sleep(0.02)
        found = self.to(part)
        assert len(found) >= count, f"{len(found)} of {count} calls to {part}"
        return found

    def take(self, call: Call) -> Reply:
        self.calls.append(call)
        return self.next.pop(0) if self.next else self.answer(call)


@contextmanager
def running(vendor: Vendor) -> Iterator[Vendor]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = vendor.take(Call(self.path, headers, json.loads(raw)))
            if reply is SILENCE:
                self.close_connection = True
                return
            sent = json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"content-type": "application/json", "content-length": str(len(sent))}.items():
                self.send_header(name, value)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    vendor.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield vendor
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
