from __future__ import annotations

import socket

import httpx
import pytest

from qa.service.server import take_port
from qa.service.waiting import answering


@pytest.fixture
def base() -> str:
    return "http://127.0.0.1"


def test_while_it_gets_ready_it_lives_and_is_not_ready(base: str) -> None:
    with take_port("127.0.0.1", 0) as taken:
        address = f"{base}:{taken.getsockname()[1]}"
        with answering(taken), httpx.Client(base_url=address, timeout=30) as client:
            assert client.get("/healthz").json() == {"status": "ok"}
            for method, path in (("GET", "/readyz"), ("POST", "/v1/search"), ("DELETE", "/v1/documents/x")):
                told = client.request(method, path, content=b"x" * 1000 if method == "POST" else None)
                assert told.status_code == 503
                assert int(told.headers["retry-after"]) >= 1
                assert set(told.json()["error"]) == {"code", "message", "hint"}
                assert told.headers["x-content-type-options"] == "nosniff"
            assert client.head("/readyz").status_code == 503
        assert taken.fileno() >= 0


def test_a_browser_is_shown_a_page_that_looks_again(base: str) -> None:
    with take_port("127.0.0.1", 0) as taken:
        address = f"{base}:{taken.getsockname()[1]}"
        with answering(taken), httpx.Client(base_url=address, timeout=30) as client:
            shown = client.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert shown.status_code == 503
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    assert 'http-equiv="refresh"' in shown.text
    assert "服务正在启动" in shown.text
    assert "getting ready" in shown.text


def test_the_socket_stays_for_whoever_comes_after(base: str) -> None:
    with take_port("127.0.0.1", 0) as taken:
        with answering(taken):
            pass
        with socket.create_connection(taken.getsockname(), timeout=30) as waits:
            waits.sendall(b"hello")
            accepted, _ = taken.accept()
            with accepted:
                assert accepted.recv(5) == b"hello"
