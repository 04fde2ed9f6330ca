"""The whole program as its users run it: `qa serve` in a process of its own, asked over HTTP and by commands."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
ZH = "河北医药行业总体规模在全国排名如何？"
EN = "When did the 9th Beijing medicine and health innovation exchange take place?"
TEXT = "漠河的邮局在冬至那天收到一千二百封信，局长方雪梅亲手盖戳。"


class Server:
    """A running `qa serve`; ``said`` is what it has written to stderr so far."""

    def __init__(self, index_dir: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "qa", "serve", "--port", "0", *arguments]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment(index_dir), stderr=subprocess.PIPE, text=True
        )
        self.said: list[str] = []
        assert self.process.stderr is not None
        self._reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self._reader.start()
        self.client = httpx.Client(base_url=self._address(), timeout=60)

    def _read(self, stream: IO[str]) -> None:
        with stream:
            self.said.extend(iter(stream.readline, ""))

    def _address(self) -> str:
        end = time.monotonic() + 300
        while time.monotonic() < end:
            found = re.search(r"passages at (http://\S+)", "".join(self.said))
            if found:
                return found[1]
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError("".join(self.said))

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.client.close()
        self.process.send_signal(number)
        code = self.process.wait(60)
        self._reader.join(10)
        return code


def environment(index_dir: Path) -> dict[str, str]:
    return os.environ | {"QA_INDEX_DIR": str(index_dir), "QA_LANGUAGE": "en"}


@contextmanager
def serving(index_dir: Path, *arguments: str) -> Iterator[Server]:
    server = Server(index_dir, *arguments)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop(signal.SIGKILL)


def qa(index_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qa", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(index_dir), capture_output=True, text=True, timeout=300)


def ask(server: Server, question: str) -> dict[str, Any]:
    answer = server.client.post("/v1/search", json={"query": question})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def finished(server: Server, address: str) -> dict[str, Any]:
    end = time.monotonic() + 120
    while (job := server.client.get(address).json())["state"] not in ("done", "failed"):
        assert time.monotonic() < end, job
        time.sleep(0.05)
    found: dict[str, Any] = job
    return found


def test_from_nothing_to_an_answer_and_to_a_clean_stop(tmp_path: Path) -> None:
    index_dir = tmp_path / "index"
    with serving(index_dir) as server:
        assert any(line.startswith("Indexing corpus") for line in server.said)
        assert any(line.startswith("Try:  curl") for line in server.said)
        assert server.client.get("/readyz").json()["documents"] == 5
        for question in (ZH, EN):
            assert ask(server, question)["hits"][0]["citation"]["publisher"] == "人民政协网"
        printed = qa(index_dir, "search", ZH, "--json")
        assert printed.returncode == 0, printed.stderr
        assert json.loads(printed.stdout) | {"took_ms": 0} == ask(server, ZH) | {"took_ms": 0}
        added = qa(index_dir, "ingest", str(ROOT / "corpus" / "README.md"), "--collection", "more")
        assert added.returncode == 0, added.stderr
        assert server.client.get("/v1/documents?collection=more").json()["total"] == 1
        deleted = server.client.get("/v1/documents").json()["documents"][0]["id"]
        assert server.client.delete(f"/v1/documents/{deleted}").status_code == 204
        assert server.stop() == 0
    assert server.said[-1] == "Stopped.\n"
    assert not any("Traceback" in line for line in server.said)

    with serving(index_dir) as server:
        assert not any(line.startswith("Indexing") for line in server.said)
        assert server.client.get("/v1/documents").json()["total"] == 4
        assert server.stop(signal.SIGINT) == 0


@pytest.fixture
def no_corpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QA_CORPUS_DIR", str(tmp_path / "none"))


def test_what_was_accepted_survives_a_kill(tmp_path: Path, no_corpus: None) -> None:
    index_dir = tmp_path / "index"
    files = [("files", (f"{number}.txt", f"第{number}号信件。{TEXT * 3}".encode())) for number in range(60)]
    with serving(index_dir) as server:
        accepted = server.client.post("/v1/documents", files=files, data={"collection": "letters"})
        assert accepted.status_code == 202
        server.stop(signal.SIGKILL)
    with serving(index_dir) as server:
        job = finished(server, accepted.headers["location"])
        assert job["state"] == "done"
        report = job["report"]
        assert len(report["added"]) + len(report["unchanged"]) == 60
        assert report["skipped"] == []
        assert server.client.get("/v1/documents?collection=letters").json()["total"] == 60
        assert server.stop() == 0
    assert qa(index_dir, "doctor").returncode == 0


def test_several_processes_serve_one_index(tmp_path: Path, no_corpus: None) -> None:
    with serving(tmp_path / "index", "--workers", "2") as server:
        assert server.client.get("/readyz").status_code == 200
        sent = server.client.post("/v1/documents", json={"title": "邮局", "text": TEXT * 3})
        job = finished(server, sent.headers["location"])
        assert job["state"] == "done", job
        for _ in range(12):
            with httpx.Client(base_url=server.client.base_url, timeout=60) as fresh:
                found = fresh.post("/v1/search", json={"query": "漠河邮局的局长是谁？"}).json()["hits"]
                assert [hit["citation"]["title"] for hit in found] == ["邮局"]
        counted = server.client.get("/metrics").text
        searches = re.search(r'qa_requests_total\{method="POST",route="/v1/search",status="200"\} (\d+)', counted)
        assert searches is not None
        assert int(searches[1]) == 12
        assert server.stop() == 0


def test_a_taken_port_is_said_at_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = qa(tmp_path / "index", "serve", "--port", port)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: 127.0.0.1:{port} cannot be listened on: ")
    assert not (tmp_path / "index").exists()


def test_a_public_address_needs_a_yes(tmp_path: Path) -> None:
    refused = qa(tmp_path / "index", "serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 2
    assert "qa keys create" in refused.stderr
    assert "--allow-anonymous" in refused.stderr


def test_a_service_without_articles_serves(tmp_path: Path, no_corpus: None) -> None:
    with serving(tmp_path / "index") as server:
        assert any("Add articles" in line for line in server.said)
        assert ask(server, ZH)["hits"] == []
        assert server.client.get("/v1/documents").json()["total"] == 0
        assert server.stop() == 0
