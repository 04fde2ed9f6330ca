"""Load for as long as it is told, on a real ``qa serve``: searches, answers, ingests, deletes, and clients that leave.

First the knee is looked for: the number of clients at which the 99th percentile of the time of a search has doubled.
Then half of the time is spent at the knee and half at three times as many clients. Every answer about the shipped
articles is compared with the one that was given before the load; what was ingested has to be found, and what was
deleted must not be. ``python tests/soak.py --minutes 30``; ends with 1 where an answer was wrong or a status was 500.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, quantiles
from typing import Any, Final

import httpx

ROOT: Final = Path(__file__).parents[1]
QUESTIONS: Final = (
    "昌平区有多少家医药健康企业？",
    "河北医药行业总体规模在全国排名如何？",
    "How many innovative medical devices from Changping were approved?",
    "When did the 9th Beijing medicine and health innovation exchange take place?",
    "首届生物医药产业发展临空大会由谁主办？",
    "冰岛几月看极光最合适？",
)
KNEE_SECONDS: Final = 12.0
CLIENTS: Final = (1, 2, 4, 8, 16, 32)
LEAVING: Final = 0.03
ASKING: Final = 0.25
Reference = dict[tuple[str, str], object]


@contextmanager
def served(directory: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A service over the shipped articles: its process and its address."""
    environment = os.environ | {"QA_INDEX_DIR": str(directory / "index"), "QA_LANGUAGE": "en"}
    command = [sys.executable, "-m", "qa", "serve", "--port", "0"]
    with (directory / "said").open("w") as said:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=said, text=True)
    try:
        while not (found := re.search(r"passages at (http://\S+)/", (directory / "said").read_text())):
            assert process.poll() is None, (directory / "said").read_text()
            time.sleep(0.2)
        yield process, found[1]
    finally:
        process.terminate()
        process.wait(60)


@dataclass
class Stage:
    """What was seen at one number of clients. ``seconds`` are of searches that were answered."""

    clients: int
    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    held: list[tuple[float, float, int]] = field(default_factory=list)
    """Of the service, sampled: megabytes of its own, of files that it mapped (weights, the index: they may be dropped),
    and open descriptors."""
    churned: int = 0

    def percentile(self, number: int) -> float:
        """Milliseconds."""
        return round(quantiles(self.seconds, n=100)[number - 1] * 1000, 1) if len(self.seconds) > 1 else float("nan")

    def told(self, minutes: float) -> dict[str, Any]:
        quarter = max(1, len(self.held) // 4)
        ends = {"second quarter": self.held[quarter : 2 * quarter], "last quarter": self.held[-quarter:]}
        return {
            "clients": self.clients,
            "minutes": round(minutes, 2),
            "requests": self.statuses.total(),
            "p50_ms": self.percentile(50),
            "p99_ms": self.percentile(99),
            "statuses": dict(sorted(self.statuses.items())),
            "ingested_and_deleted": self.churned,
            "wrong": len(self.wrong),
            "own_mb": {name: round(mean(mb for mb, _, _ in held), 1) for name, held in ends.items() if held},
            "mapped_mb": {name: round(mean(mb for _, mb, _ in held), 1) for name, held in ends.items() if held},
            "descriptors": {name: round(mean(n for _, _, n in held), 1) for name, held in ends.items() if held},
        }


class Load:
    def __init__(self, client: httpx.AsyncClient, pid: int, reference: Reference) -> None:
        self._client = client
        self._pid = pid
        self._reference = reference
        self._serial = 0

    async def run(self, clients: int, seconds: float) -> Stage:
        stage, end = Stage(clients), time.monotonic() + seconds
        work = [self._ask(stage, end, random.Random(number)) for number in range(clients)]
        await asyncio.gather(*work, self._sample(stage, end), self._churn(stage, end))
        return stage

    async def _ask(self, stage: Stage, end: float, chance: random.Random) -> None:
        while time.monotonic() < end:
            path = "/v1/ask" if chance.random() < ASKING else "/v1/search"
            question = chance.choice(QUESTIONS)
            if chance.random() < LEAVING:
                await self._leave(stage, path, question)
                continue
            began = time.perf_counter()
            response = await self._client.post(path, json={"query": question})
            stage.statuses[str(response.status_code)] += 1
            if response.status_code != 200:
                await asyncio.sleep(float(response.headers.get("retry-after", 1)) * chance.random())
                continue
            if path == "/v1/search":
                stage.seconds.append(time.perf_counter() - began)
            if told(path, response) != self._reference[path, question]:
                stage.wrong.append(f"{path} {question}")

    async def _leave(self, stage: Stage, path: str, question: str) -> None:
        try:
            async with asyncio.timeout(0.01):
                await self._client.post(path, json={"query": question})
        except TimeoutError:
            stage.statuses["left"] += 1

    async def _churn(self, stage: Stage, end: float) -> None:
        """One article after the other: taken in, found, deleted, not found."""
        while time.monotonic() < end:
            self._serial += 1
            name = f"第{self._serial}号灯塔"
            text = f"{name}的守塔人每晚记录过往船只，{name}在雾天鸣笛{self._serial}次。" * 3
            sent = await self._client.post("/v1/documents", json={"title": name, "text": text, "collection": "churn"})
            stage.statuses[str(sent.status_code)] += 1
            if sent.status_code != 202:
                await asyncio.sleep(1)
                continue
            await self._follow(stage, sent.headers["location"], name)
            await asyncio.sleep(0.5)

    async def _follow(self, stage: Stage, job: str, name: str) -> None:
        while (state := (await self._client.get(job)).json())["state"] not in ("done", "failed"):
            await asyncio.sleep(0.1)
        if state["state"] == "failed" or not state["report"]["added"]:
            stage.wrong.append(f"not ingested: {state}")
            return
        identity = state["report"]["added"][0]
        if identity not in await self._found(name):
            stage.wrong.append(f"not found: {name}")
        deleted = await self._client.delete(f"/v1/documents/{identity}?collection=churn&forever=true")
        stage.statuses[str(deleted.status_code)] += 1
        if identity in await self._found(name):
            stage.wrong.append(f"found when deleted: {name}")
        stage.churned += 1

    async def _found(self, name: str) -> set[str]:
        while True:
            response = await self._client.post("/v1/search", json={"query": f"{name}鸣笛几次？", "collection": "churn"})
            if response.status_code == 200:
                return {hit["citation"]["document_id"] for hit in response.json()["hits"]}
            await asyncio.sleep(0.5)

    async def _sample(self, stage: Stage, end: float) -> None:
        process = Path(f"/proc/{self._pid}")
        while time.monotonic() < end:
            status = (process / "status").read_text()
            own, mapped = (int(re.findall(rf"{name}:\s+(\d+)", status)[0]) / 1000 for name in ("RssAnon", "RssFile"))
            stage.held.append((own, mapped, len(os.listdir(process / "fd"))))
            await asyncio.sleep(1)


def told(path: str, response: httpx.Response) -> object:
    """What has to be the same each time."""
    body = response.json()
    hits = [(hit["citation"]["passage_id"], hit["score"]) for hit in body["hits"]]
    return (body["answer"], hits) if path == "/v1/ask" else hits


@asynccontextmanager
async def loaded(pid: int, address: str) -> AsyncIterator[Load]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
        reference: Reference = {}
        for path in ("/v1/search", "/v1/ask"):
            for question in QUESTIONS:
                reference[path, question] = told(path, await client.post(path, json={"query": question}))
        yield Load(client, pid, reference)


async def soak(pid: int, address: str, minutes: float) -> list[dict[str, Any]]:
    async with loaded(pid, address) as load:
        found = [await load.run(1, KNEE_SECONDS)]
        for clients in CLIENTS[1:]:
            found.append(await load.run(clients, KNEE_SECONDS))
            if found[-1].percentile(99) > 2 * found[0].percentile(99):
                break
        stages = [stage.told(KNEE_SECONDS / 60) for stage in found]
        for clients in (found[-1].clients, 3 * found[-1].clients):
            stage = await load.run(clients, minutes * 30)
            print(*stage.wrong[:20], sep="\n", file=sys.stderr)
            stages.append(stage.told(minutes / 2))
        return stages


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as directory, served(Path(directory)) as (process, address):
        stages = asyncio.run(soak(process.pid, address, minutes))
    for stage in stages:
        print(json.dumps(stage, ensure_ascii=False))
    return int(any(stage["wrong"] or "500" in stage["statuses"] for stage in stages))


if __name__ == "__main__":
    sys.exit(main())
