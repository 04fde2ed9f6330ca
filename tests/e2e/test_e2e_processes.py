"""Two processes serve one index: what one did the other knows, and what one left undone the other ends."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from test_e2e_serve import TEXT, Server, finished, qa, serving

pytestmark = pytest.mark.e2e

TAKEN_OVER_SECONDS = 120.0
"""Far more than it should take, on a machine that does other things too."""


@dataclass(frozen=True, slots=True)
class Pair:
    index_dir: Path
    one: Server
    other: Server


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    index_dir = tmp_path_factory.mktemp("shared") / "index"
    with serving(index_dir) as one, serving(index_dir) as other:
        yield Pair(index_dir, one, other)
        other.client.close()


def sent(server: Server, count: int, about: str) -> httpx.Response:
    files = [("files", (f"{about}{number}.txt", f"{about}{number}。{TEXT * 3}".encode())) for number in range(count)]
    accepted = server.client.post("/v1/documents", files=files, data={"collection": about})
    assert accepted.status_code == 202
    return accepted


def test_what_one_ingested_the_other_finds_at_once(pair: Pair) -> None:
    """Sent to one, its job asked for at the other: when the job is done, both find it."""
    for here, there, about in ((pair.one, pair.other, "east"), (pair.other, pair.one, "west")):
        job = finished(there, sent(here, 1, about).headers["location"])
        assert job["state"] == "done"
        for server in (here, there):
            hits = server.client.post("/v1/search", json={"query": "谁盖戳？", "collection": about}).json()["hits"]
            assert hits[0]["citation"]["source"] == f"{about}0.txt"


def test_jobs_sent_to_both_are_each_done_once(pair: Pair) -> None:
    with ThreadPoolExecutor(6) as pool:
        servers = [pair.one, pair.other] * 3
        accepted = list(pool.map(lambda one: sent(one[1], 2, f"n{one[0]}"), enumerate(servers)))
    for answer in accepted:
        job = finished(pair.one, answer.headers["location"])
        assert (job["state"], job["attempts"], len(job["report"]["added"])) == ("done", 1, 2)


def test_a_job_whose_process_is_killed_is_ended_by_the_other(pair: Pair) -> None:
    """The other stands still meanwhile, so that it is known which of them has the job."""
    pair.other.process.send_signal(signal.SIGSTOP)
    accepted = sent(pair.one, 60, "letters")
    address = accepted.headers["location"]
    while pair.one.client.get(address).json()["state"] == "queued":
        time.sleep(0.01)
    pair.one.stop(signal.SIGKILL)
    pair.other.process.send_signal(signal.SIGCONT)
    began = time.monotonic()
    job = finished(pair.other, address)
    assert time.monotonic() - began < TAKEN_OVER_SECONDS
    assert (job["state"], job["attempts"]) == ("done", 2)
    assert len(job["report"]["added"]) + len(job["report"]["unchanged"]) == 60
    assert pair.other.client.get("/v1/documents?collection=letters").json()["total"] == 60
    assert qa(pair.index_dir, "doctor").returncode == 0
