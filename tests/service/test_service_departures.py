"""Clients that leave, and a service that is told to stop while it answers."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio
import httpx
import pytest

from qa.errors import BusyError
from qa.index import Index
from qa.service.places import Places

ZH = "昌平区有多少家医药健康企业？"


def until(seen: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end
        time.sleep(0.02)


def measured(client: httpx.Client, name: str) -> float:
    """The value of a line of the metrics, 0 where there is none yet."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", client.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def begun(client: httpx.Client, path: str, body: object) -> socket.socket:
    """A connection on which a request was sent and nothing has been read."""
    address = (client.base_url.host, client.base_url.port)
    connection = socket.create_connection(address, timeout=30)
    sent = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(sent)}"
    connection.sendall(f"{head}\r\n\r\n".encode() + sent)
    return connection


class Slow:
    """A model's endpoint that accepts a request and says nothing until it is hung up on."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.left = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked.set()
                self.connection.settimeout(30)
                if self.connection.recv(1) == b"":
                    outer.left.set()

            def log_message(self, format: str, *values: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def model() -> Iterator[Slow]:
    slow = Slow()
    yield slow
    slow.close()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/ask", {"query": ZH, "generator": "model"}),
        ("/v1/ask", {"query": ZH, "generator": "model", "stream": True}),
        ("/v1/chat/completions", {"model": "citeqa-model", "messages": [{"role": "user", "content": ZH}]}),
        (
            "/v1/chat/completions",
            {"model": "citeqa-model", "stream": True, "messages": [{"role": "user", "content": ZH}]},
        ),
    ],
    ids=["ask", "ask-stream", "chat", "chat-stream"],
)
def test_a_model_is_not_kept_writing_for_who_has_left(
    corpus_index: Index, serving: Any, model: Slow, path: str, body: object
) -> None:
    settings = corpus_index.settings.model_copy(update={"model_base_url": model.address, "model_timeout": 60.0})
    index = Index(corpus_index.store, corpus_index.encoder, corpus_index._statistics, settings)
    with serving(index, settings) as client:
        connection = begun(client, path, body)
        assert model.asked.wait(30)
        connection.close()
        assert model.left.wait(10)
        until(lambda: client.get("/healthz").status_code == 200)


@pytest.fixture(scope="module")
def narrow(corpus_index: Index, serving: Any) -> Iterator[httpx.Client]:
    """A service with a short queue."""
    with serving(corpus_index, corpus_index.settings.model_copy(update={"max_queue": 8})) as client:
        yield client


def test_places_of_who_has_left_are_given_back(narrow: httpx.Client) -> None:
    gone = 'qa_requests_total{method="POST",route="/v1/search",status="499"}'
    for _ in range(5):
        waiting = [begun(narrow, "/v1/search", {"query": f"{ZH}{number}" * 20}) for number in range(12)]
        time.sleep(0.01)
        for connection in waiting:
            connection.close()
    until(lambda: measured(narrow, "qa_searches_waiting") == 0)
    assert narrow.post("/v1/search", json={"query": ZH}).status_code == 200
    assert measured(narrow, gone) > 0
    assert measured(narrow, 'qa_requests_total{method="POST",route="/v1/search",status="500"}') == 0


def test_who_stays_is_answered_among_those_who_leave(narrow: httpx.Client) -> None:
    expected = narrow.post("/v1/search", json={"query": ZH}).json()["hits"]
    with ThreadPoolExecutor(3) as pool:
        staying = [pool.submit(narrow.post, "/v1/search", json={"query": ZH}) for _ in range(6)]
        for number in range(12):
            begun(narrow, "/v1/ask", {"query": f"{number}{ZH}", "stream": True}).close()
    for answered in (future.result() for future in staying):
        assert answered.status_code in (200, 503)
        if answered.status_code == 200:
            assert answered.json()["hits"] == expected


class Work:
    """Pieces of work that last until they are let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.done = 0

    def __call__(self) -> None:
        self.go.wait(30)
        self.done += 1


def test_a_place_in_the_queue_is_given_back_at_once_and_a_thread_when_it_has_ended() -> None:
    work, counts = Work(), list[int]()

    async def scene() -> None:
        places = Places(1, 2, counts.append)
        async with anyio.create_task_group() as group:
            running, waiting = anyio.CancelScope(), anyio.CancelScope()
            group.start_soon(cancellable, running, places)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(cancellable, waiting, places)
            await anyio.wait_all_tasks_blocked()
            assert places.accepted == 2
            waiting.cancel()
            await anyio.wait_all_tasks_blocked()
            assert places.accepted == 1
            running.cancel()
            await anyio.sleep(0.05)
            assert places.accepted == 1, "its thread still works"
            work.go.set()
        assert (places.accepted, work.done) == (0, 1)

    async def cancellable(scope: anyio.CancelScope, places: Places) -> None:
        with scope:
            await places.run(work)

    anyio.run(scene)
    assert counts[-1] == 0


def test_nobody_waits_for_ever_and_what_was_begun_goes_on() -> None:
    work, said = Work(), list[str]()

    async def scene() -> None:
        places = Places(1, 1, lambda _: None, wait_seconds=0.05)
        async with anyio.create_task_group() as group:
            group.start_soon(places.run, work)
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(BusyError, match="in time"):
                await places.run(work)
            group.start_soon(more, places)
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(BusyError, match="waiting"):
                await places.run(work)
            await anyio.sleep(0.1)
            work.go.set()

    async def more(places: Places) -> None:
        await places.run(work, begun=True)
        said.append("went on")

    anyio.run(scene)
    assert (said, work.done) == (["went on"], 2)
