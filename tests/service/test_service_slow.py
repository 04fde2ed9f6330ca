"""Clients that send or take slowly: what does not come to an end is given up, and holds nothing any more."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn

from qa.index import Index
from qa.service import doorman, patience, server
from qa.service.app import create_app

Address = tuple[str, int]
HEAD = b"POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
BODY = json.dumps({"query": "昌平区有多少家医药健康企业？"}).encode()


@pytest.fixture(scope="module")
def impatient(corpus_index: Index) -> Iterator[tuple[Address, uvicorn.Server]]:
    """A service as `qa serve` runs it, which waits for two seconds and not for twenty or thirty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patience, "HEAD_SECONDS", 2.0)
        patch.setattr(patience, "TAKE_SECONDS", 2.0)
        patch.setattr(patience, "TAKE_BYTES", 10_000_000)
        patch.setattr(doorman, "BODY_SECONDS", 2.0)
        settings = corpus_index.settings
        taken = server.take_port("127.0.0.1", 0)
        running = uvicorn.Server(server._config(create_app(corpus_index, settings), settings))
        thread = threading.Thread(target=running.run, args=([taken],))
        thread.start()
        while not running.started:
            time.sleep(0.01)
        yield taken.getsockname(), running
        running.should_exit = True
        thread.join()


def dripped(address: Address, begun: bytes, drip: bytes) -> bytes:
    """All that is answered to somebody who sends the beginning, and then a byte now and again until it is over."""
    answered = b""
    with socket.create_connection(address, timeout=0.2) as connection:
        connection.sendall(begun)
        for _ in range(300):
            try:
                piece = connection.recv(65536)
            except TimeoutError:
                piece = None
            except OSError:
                return answered
            if piece == b"":
                return answered
            answered += piece or b""
            try:
                connection.sendall(drip)
            except OSError:
                return answered
    raise AssertionError("it was waited for")


@pytest.mark.parametrize(
    ("begun", "drip"),
    [
        (b"", b""),
        (b"POST /v1/se", b""),
        (HEAD, b"X: y\r\n"),
        (b"", b"G"),
        (HEAD + b"Content-Length: 0\r\n", b"Y: z\r\n"),
    ],
    ids=["nothing", "a part of a line", "headers without end", "a line without end", "no empty line"],
)
def test_a_head_that_does_not_end_is_given_up(
    impatient: tuple[Address, uvicorn.Server], begun: bytes, drip: bytes
) -> None:
    address, running = impatient
    answered = dripped(address, begun, drip)
    assert answered == b"" or answered.startswith(b"HTTP/1.1 400")
    assert until_free(running)


def until_free(running: uvicorn.Server) -> bool:
    """Whether no connection is left, soon."""
    end = time.monotonic() + 30
    while running.server_state.connections and time.monotonic() < end:
        time.sleep(0.02)
    return not running.server_state.connections


@pytest.mark.parametrize("length", [b"Content-Length: 5000\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_a_body_that_does_not_come_is_told_so(impatient: tuple[Address, uvicorn.Server], length: bytes) -> None:
    address, running = impatient
    drip = b"1\r\n \r\n" if length.startswith(b"T") else b" "
    head, _, body = dripped(address, HEAD + length + b"\r\n", drip).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in head.lower()
    assert json.loads(body)["error"] == {
        "code": "too_slow",
        "message": "The request came too slowly.",
        "hint": "Send it again, or less at one time.",
    }
    assert until_free(running)


def test_a_refused_body_that_does_not_come_is_not_waited_for(impatient: tuple[Address, uvicorn.Server]) -> None:
    """Its declared length is refused at once; the rest is read so that the reason arrives, but not for ever."""
    address, running = impatient
    answered = dripped(address, HEAD + b"Content-Length: 99000000\r\n\r\n", b" ")
    assert answered.startswith(b"HTTP/1.1 413")
    assert until_free(running)


def test_slow_clients_do_not_keep_others_from_being_answered(impatient: tuple[Address, uvicorn.Server]) -> None:
    address, running = impatient
    slow = [socket.create_connection(address) for _ in range(100)]
    for number, connection in enumerate(slow):
        connection.sendall(HEAD + (b"Content-Length: 500\r\n\r\n{" if number % 2 else b"X: "))
    with httpx.Client(base_url=f"http://{address[0]}:{address[1]}", timeout=60) as client:
        answers = [client.post("/v1/search", content=BODY, headers={"Content-Type": "application/json"})]
        answers.append(client.post("/v1/search", content=BODY, headers={"Content-Type": "application/json"}))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert until_free(running)
    for connection in slow:
        connection.close()


def test_who_sends_a_whole_request_in_pieces_is_answered(impatient: tuple[Address, uvicorn.Server]) -> None:
    address, _ = impatient
    whole = HEAD + f"Content-Length: {len(BODY)}\r\nConnection: close\r\n\r\n".encode() + BODY
    with socket.create_connection(address, timeout=30) as connection:
        for start in range(0, len(whole), 40):
            connection.sendall(whole[start : start + 40])
        assert connection.recv(15) == b"HTTP/1.1 200 OK"


def connected_narrowly(address: Address) -> socket.socket:
    """A client whose system takes little at a time."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.settimeout(30)
    connection.connect(address)
    return connection


def asked_much(address: Address, running: uvicorn.Server) -> socket.socket:
    """Asks for more than the systems between them hold, and waits until the service cannot get rid of it."""
    connection = connected_narrowly(address)
    # Requests in a row are answered in a row: 60 times the description of the interface, some 10 MB.
    connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 60)
    end = time.monotonic() + 30
    while not any(getattr(each, "_taking", None) for each in list(running.server_state.connections)):
        assert time.monotonic() < end
        time.sleep(0.02)
    return connection


def test_an_answer_that_is_not_taken_is_given_up(impatient: tuple[Address, uvicorn.Server]) -> None:
    address, running = impatient
    with asked_much(address, running):
        assert until_free(running)


def test_an_answer_that_is_taken_in_time_is_whole(impatient: tuple[Address, uvicorn.Server]) -> None:
    address, running = impatient
    with asked_much(address, running) as connection:
        taken = connection.recv(2000)
        while taken.count(b"HTTP/1.1 200 OK") < 60 or not taken.rstrip().endswith(b"}"):
            piece = connection.recv(65536)
            assert piece
            taken += piece
    assert taken.count(b'"openapi":') == 60
    assert until_free(running)
