"""How long Slack waits for its acknowledgement while 32 clients keep asking.

    python tests/chat/measure_acknowledgement.py [INDEX]

INDEX: an index of the shipped corpus (default: made in a temporary directory). The service runs in a process of its
own; 32 threads ask `/v1/ask` without a pause, and one sends signed Slack events and measures each answer to them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import quantiles

import httpx
from chat_process import ROOT, service
from slack_peer import BOT, event, send, slack_api

CLIENTS = 32
EVENTS = 300
QUESTIONS = ("河北医药行业总体规模在全国排名如何？", "How many projects were signed at the Changping forum?")


def main(index: Path) -> None:
    with slack_api() as api, service(index, api, QA_CHAT_QUEUE="1000") as running:
        stop, answered = threading.Event(), [0] * CLIENTS
        address = str(running.client.base_url)
        threads = [threading.Thread(target=_ask, args=(address, number, stop, answered)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        time.sleep(3)
        before, began = sum(answered), time.perf_counter()
        waits = [_acknowledged(running.client, number) for number in range(EVENTS)]
        seconds = time.perf_counter() - began
        rate = (sum(answered) - before) / seconds
        stop.set()
        for thread in threads:
            thread.join()
        posted = len(api.wait(EVENTS))
    cut = quantiles(waits, n=100)
    print(
        f"{EVENTS} events in {seconds:.1f} s beside {CLIENTS} clients ({rate:.1f} answers/s); {posted} replies posted"
    )
    print(
        f"acknowledged after: p50 {cut[49]:.0f} ms, p95 {cut[94]:.0f} ms, p99 {cut[98]:.0f} ms, max {max(waits):.0f} ms"
    )


def _ask(address: str, number: int, stop: threading.Event, answered: list[int]) -> None:
    with httpx.Client(base_url=address, timeout=120) as client:
        while not stop.is_set():
            client.post("/v1/ask", json={"query": QUESTIONS[number % 2]})
            answered[number] += 1


def _acknowledged(client: httpx.Client, number: int) -> float:
    """Milliseconds."""
    body = event(f"m{number}", f"<@{BOT}> {QUESTIONS[number % 2]}")
    began = time.perf_counter()
    answer = send(client, body)
    assert answer.status_code == 200, answer.text
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            ingest = [sys.executable, "-m", "qa", "ingest", str(ROOT / "corpus" / "articles")]
            variables = {"QA_INDEX_DIR": made}
            subprocess.run(ingest, check=True, env=os.environ | variables)
            main(Path(made))
