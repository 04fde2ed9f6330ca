"""A service that is told to stop finishes what it accepted, and goes on after the restart where it could not."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from test_e2e_serve import TEXT, ZH, Server, finished, serving

from qa.service.search import THREADS
from qa.service.server import GRACE_SECONDS

pytestmark = pytest.mark.e2e

BOUND_SECONDS = GRACE_SECONDS + 15
"""What `deploy/` gives a process before it kills it."""
LONG = ZH * 5
"""It takes long enough to be searched for a signal to come in between."""


def received(server: Server) -> float:
    """Searches that have been answered, wait for a thread, or have one."""
    families = text_string_to_metric_families(server.client.get("/metrics").text)
    value = {(one.name, one.labels.get("route")): one.value for family in families for one in family.samples}
    waiting = value["qa_searches_waiting", None]
    return value.get(("qa_requests_total", "/v1/search"), 0) + waiting + (THREADS if waiting else 0)


def test_what_was_accepted_is_answered_and_an_ingest_goes_on_after_the_restart(tmp_path: Path) -> None:
    index_dir = tmp_path / "index"
    files = [("files", (f"{number}.txt", f"第{number}号来信。{TEXT * 3}".encode())) for number in range(80)]
    with serving(index_dir) as server:
        expected = server.client.post("/v1/search", json={"query": LONG}).json()["hits"]
        before = received(server)
        accepted = server.client.post("/v1/documents", files=files, data={"collection": "letters"})
        assert accepted.status_code == 202
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(server.client.post, "/v1/search", json={"query": LONG}) for _ in range(8)]
            while received(server) - before < 8:
                time.sleep(0.01)
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            answers = [future.result() for future in asked]
        assert server.process.wait(60) == 0
        assert time.monotonic() - began < BOUND_SECONDS
        server.client.close()
    told = [answer for answer in answers if answer.status_code == 200]
    assert told
    assert all(answer.json()["hits"] == expected for answer in told)
    for answer in answers:
        # A machine that is too busy to answer all of them in the time it is given says so.
        assert answer in told or (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert not any("Traceback" in line for line in server.said), server.said
    with serving(index_dir) as server:
        job = finished(server, accepted.headers["location"])
        assert job["state"] == "done"
        report = job["report"]
        assert len(report["added"]) + len(report["unchanged"]) == 80
        assert server.client.get("/v1/documents?collection=letters").json()["total"] == 80
        assert server.stop() == 0
