"""What the end of a server does to those who still wait."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from qa.service.doorman import Doorman
from qa.service.lifetime import _told_of_signals
from qa.service.metrics import Metrics
from qa.service.server import take_port


async def slow(scope: Scope, receive: Receive, send: Send) -> None:
    """Begins to answer at /begun; never ends."""
    if scope["path"] == "/begun":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"some", "more_body": True})
    await asyncio.sleep(3600)


@contextmanager
def stopping(grace: int) -> Iterator[tuple[str, uvicorn.Server]]:
    taken = take_port("127.0.0.1", 0)
    app = Doorman(slow, Metrics(), 1000, {})
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=grace)
    )
    thread = threading.Thread(target=server.run, args=([taken],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{taken.getsockname()[1]}", server
    finally:
        server.should_exit = True
        thread.join(60)


def test_who_is_not_answered_in_time_is_told_to_ask_again() -> None:
    with stopping(grace=1) as (address, server):
        threading.Timer(0.3, setattr, (server, "should_exit", True)).start()
        answer = httpx.post(f"{address}/v1/search", json={}, timeout=60)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"]["code"] == "busy"


def test_an_answer_that_was_begun_is_cut_off() -> None:
    with stopping(grace=1) as (address, server), httpx.stream("POST", f"{address}/begun", timeout=60) as answer:
        server.should_exit = True
        assert answer.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()


def test_a_signal_reaches_the_workers_and_the_server() -> None:
    heard: list[str] = []

    async def run() -> None:
        with _told_of_signals(lambda: heard.append("workers")):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.1)

    mine = signal.signal(signal.SIGTERM, lambda *_: heard.append("server"))
    try:
        asyncio.run(run())
        assert heard == ["workers", "server"]
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == ["workers", "server", "server"]
    finally:
        signal.signal(signal.SIGTERM, mine)
