"""How long each chat platform waits for its acknowledgement while 32 clients keep asking.

    python tests/chat/measure_acknowledgement.py [INDEX]

INDEX: an index of the shipped corpus (default: made in a temporary directory). The service runs in a process of its
own; 32 threads ask `/v1/ask` without a pause, and one sends messages as the vendor does, signed and sealed by its peer,
and measures how long each acknowledgement takes. Slack allows 3 seconds, Feishu 3.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import quantiles

import cn_dingtalk
import cn_feishu
import cn_wecom
import httpx
from chat_process import ROOT, service
from cn_environment import environment
from cn_vendor import running
from slack_peer import BOT, event, slack_api
from slack_peer import send as send_to_slack

CLIENTS = 32
EVENTS = 300
QUESTIONS = ("河北医药行业总体规模在全国排名如何？", "How many projects were signed at the Changping forum?")


def main(index: Path) -> None:
    feishu = cn_feishu.Feishu()
    with running(feishu), cn_dingtalk.gateway() as dingtalk, slack_api() as slack:
        settings = environment(feishu, dingtalk) | {"QA_CHAT_QUEUE": "5000"}
        with service(index, slack, **settings) as started:
            send = {
                "DingTalk": partial(_dingtalk, dingtalk),
                "Feishu": partial(_feishu, started.client),
                "Slack": partial(_slack, started.client),
                "WeCom": partial(_wecom, started.client),
            }
            dingtalk.connected(seconds=60)
            with _asking(str(started.client.base_url)) as answered:
                for name, one in send.items():
                    _measured(name, one, answered)


def _measured(name: str, send: Callable[[int], None], answered: list[int]) -> None:
    before, began, waits = sum(answered), time.perf_counter(), []
    for number in range(EVENTS):
        sent = time.perf_counter()
        send(number)
        waits.append((time.perf_counter() - sent) * 1000)
    seconds = time.perf_counter() - began
    rate, cut = (sum(answered) - before) / seconds, quantiles(waits, n=100)
    print(
        f"{name}: {EVENTS} messages in {seconds:.1f} s beside {CLIENTS} clients ({rate:.1f} answers/s), acknowledged "
        f"after: p50 {cut[49]:.0f} ms, p95 {cut[94]:.0f} ms, p99 {cut[98]:.0f} ms, max {max(waits):.0f} ms",
        flush=True,
    )


@contextmanager
def _asking(address: str) -> Iterator[list[int]]:
    """CLIENTS clients that ask all the time; how many answers each has got."""
    stop, answered = threading.Event(), [0] * CLIENTS
    threads = [threading.Thread(target=_ask, args=(address, number, stop, answered)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    time.sleep(3)
    try:
        yield answered
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _ask(address: str, number: int, stop: threading.Event, answered: list[int]) -> None:
    with httpx.Client(base_url=address, timeout=120) as client:
        while not stop.is_set():
            client.post("/v1/ask", json={"query": QUESTIONS[number % 2]})
            answered[number] += 1


def _slack(client: httpx.Client, number: int) -> None:
    answer = send_to_slack(client, event(f"m{number}", f"<@{BOT}> {QUESTIONS[number % 2]}"))
    assert answer.status_code == 200, answer.text


def _feishu(client: httpx.Client, number: int) -> None:
    raw = cn_feishu.body(cn_feishu.event(QUESTIONS[number % 2], f"om_{number}"))
    answer = client.post("/chat/feishu/events", content=raw, headers=cn_feishu.headers(raw))
    assert answer.status_code == 200, answer.text


def _wecom(client: httpx.Client, number: int) -> None:
    callback = cn_wecom.callback("https://qyapi.weixin.qq.com", QUESTIONS[number % 2], f"m{number}")
    sealed = cn_wecom.seal(json.dumps(callback))
    answer = client.post("/chat/wecom/events", json={"encrypt": sealed}, params=cn_wecom.query(sealed))
    assert not cn_wecom.stream(answer)["finish"]


def _dingtalk(vendor: cn_dingtalk.DingTalk, number: int) -> None:
    vendor.connections[-1].send(vendor.message(QUESTIONS[number % 2], f"m{number}"))
    while len(vendor.acks) <= number:
        time.sleep(0.001)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            ingest = [sys.executable, "-m", "qa", "ingest", str(ROOT / "corpus" / "articles")]
            variables = {"QA_INDEX_DIR": made}
            subprocess.run(ingest, check=True, env=os.environ | variables)
            main(Path(made))
