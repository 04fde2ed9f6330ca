"""A scripted endpoint: a real HTTP server on loopback that answers chat completions as a test says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from qa.answer.endpoint import Endpoint
from qa.config import Settings
from qa.encode import load
from qa.index import Index

Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Script:
    """What the endpoint does, request by request (the last reply repeats), and what it was asked."""

    replies: list[Reply] = field(default_factory=list)
    asked: list[dict[str, object]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    address: str = ""

    def endpoint(self, timeout: float = 10.0, key: str = "") -> Endpoint:
        return Endpoint(self.address, "scripted", SecretStr(key), timeout)


def says(*parts: str, pause: float = 0.0) -> Reply:
    """Streams a text in parts."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        for part in parts:
            chunk = {"choices": [{"index": 0, "delta": {"content": part}}]}
            handler.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            handler.wfile.flush()
            time.sleep(pause)
        handler.wfile.write(b"data: [DONE]\n\n")

    return reply


def whole(text: str) -> Reply:
    """Does not stream, though asked to."""
    return body(json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}))


def body(text: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        handler.wfile.write(text.encode())

    return reply


def fails(status: int, retry_after: str | None = None) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        if retry_after is not None:
            handler.send_header("Retry-After", retry_after)
        handler.end_headers()

    return reply


def breaks_off(text: str) -> Reply:
    """Sends a text and hangs up in the middle of the response."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        handler.wfile.write(f"data: {json.dumps({'choices': [{'delta': {'content': text}}]})}\n\n".encode())

    return reply


def hangs(seconds: float) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        handler.send_response(200)
        handler.end_headers()

    return reply


@contextmanager
def serving(script: Script) -> Iterator[Script]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            script.asked.append(json.loads(self.rfile.read(length)))
            script.headers.append(dict(self.headers))
            reply = script.replies[min(len(script.asked), len(script.replies)) - 1]
            with suppress(OSError):  # the client has hung up
                reply(self)

        def log_message(self, format: str, *values: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    script.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def script() -> Iterator[Script]:
    with serving(Script()) as running:
        yield running


@contextmanager
def beside(corpus_index: Index, directory: Path) -> Iterator[Index]:
    """An index of its own with the encoder that is loaded already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "load", lambda settings, progress=None: corpus_index.encoder)
        with Index.open(settings=Settings(index_dir=directory / "index")) as index:
            yield index


@contextmanager
def modelled(index: Index, script: Script, **more: object) -> Iterator[None]:
    """The index has the scripted model meanwhile; ``more`` are settings."""
    before = index._settings
    changes = {"model_base_url": script.address, "model_timeout": 10.0, **more}
    index._settings = Settings(**{**before.model_dump(), **changes})  # type: ignore[arg-type]
    try:
        yield
    finally:
        index._settings = before
