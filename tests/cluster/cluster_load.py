"""Mixed load: readers that compare every answer, and a writer that remembers what was acknowledged."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from cluster_articles import Article, article
from cluster_client import REFUSED, Client, gone, plain
from cluster_records import RIGHT, WRONG, Kind, Ledger, Records

COLLECTION: Final = "lighthouses"
READERS: Final = 3
ASKING: Final = 0.3
DELETING: Final = 0.3
QUESTIONS: Final = 40
POLL_SECONDS: Final = 0.2
Reference = dict[tuple[str, str], object]


def questions(path: Path) -> list[str]:
    """Every few lines one, of both languages, answerable or not."""
    lines = path.read_text("utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines[:: max(1, len(lines) // QUESTIONS)]][:QUESTIONS]


def told(path: str, response: httpx.Response) -> object:
    """What has to be the same from every service, at any time."""
    body = response.json()
    hits = [(hit["citation"]["passage_id"], hit["score"]) for hit in body["hits"]]
    return (body["answer"], hits) if path == "/v1/ask" else hits


def reference(client: Client, asked: Sequence[str]) -> Reference:
    """The answers of a time without load or loss."""
    found: Reference = {}
    for path in ("/v1/search", "/v1/ask"):
        for question in asked:
            response = client.send("search", "POST", path, json={"query": question})
            assert response is not None, f"{path} {question}"
            found[path, question] = told(path, response)
    return found


class Load:
    """Readers and a writer in threads of their own, over the services at ``addresses``."""

    def __init__(
        self, addresses: Sequence[str], expected: Reference, records: Records, ledger: Ledger, first: int = 0
    ) -> None:
        self._addresses = addresses
        self.expected = expected
        self._records = records
        self.ledger = ledger
        self._serial = first
        self._ended = threading.Event()
        self.faults: list[str] = []
        """Answers that differed, articles not found after they were there, found after they were deleted."""

    @contextmanager
    def running(self, writing: bool = True) -> Iterator[None]:
        """Everything that was accepted is waited for before the end."""
        self._ended.clear()
        threads = [threading.Thread(target=self._read, args=(number,), daemon=True) for number in range(READERS)]
        if writing:
            threads.append(threading.Thread(target=self._write, daemon=True))
        for thread in threads:
            thread.start()
        yield
        self._ended.set()
        for thread in threads:
            thread.join()

    def send(self, client: Client, number: int) -> tuple[str, list[Article]] | None:
        """New articles in one upload: its job, or None where no service acknowledged it."""
        articles = [article(self._serial + n) for n in range(number)]
        self._serial += number
        files = [("files", (f"{one.serial}.md", one.source.encode())) for one in articles]
        response = client.send("ingest", "POST", "/v1/documents", data={"collection": COLLECTION}, files=files)
        with self.ledger.lock:
            if response is None:
                self.ledger.unclear += articles if client.told != REFUSED else []
                return None
            self.ledger.accepted[response.json()["id"]] = articles
        return response.json()["id"], articles

    def follow(self, client: Client, job: str, articles: Sequence[Article]) -> list[str]:
        """Waits for a job, however often its worker is lost: the documents."""
        while (state := self._state(client, job)) is None or state["state"] in ("queued", "running"):
            time.sleep(POLL_SECONDS)
        added = list(state["report"]["added"]) if state["report"] else []
        if state["state"] == "failed" or len(added) != len(articles):
            self.faults.append(f"not taken in as acknowledged: {json.dumps(state, ensure_ascii=False)[:500]}")
            return []
        self.ledger.done(job, dict(zip(added, articles, strict=True)), state["attempts"])
        return added

    def _state(self, client: Client, job: str) -> dict[str, Any] | None:
        response = client.send("job", "GET", f"/v1/jobs/{job}")
        return None if response is None else response.json()

    def _read(self, number: int) -> None:
        client, chance = Client(self._addresses, self._records, number), random.Random(number)
        searches = [key for key in self.expected if key[0] == "/v1/search"]
        asks = [key for key in self.expected if key[0] == "/v1/ask"]
        while not self._ended.is_set():
            path, question = chance.choice(asks if chance.random() < ASKING else searches)
            self.ask(client, path, question)
        client.close()

    def ask(self, client: Client, path: str, question: str) -> None:
        def judge(response: httpx.Response) -> str:
            if response.status_code >= 400:
                return plain(response)
            answer, expected = told(path, response), self.expected[path, question]
            return self._agreed(answer == expected, f"{path} {question}: {answer} instead of {expected}")

        kind: Kind = "ask" if path == "/v1/ask" else "search"
        if client.send(kind, "POST", path, judge, json={"query": question}) is None:
            time.sleep(POLL_SECONDS)

    def _write(self) -> None:
        client, chance = Client(self._addresses, self._records), random.Random(0)
        while not self._ended.is_set():
            sent = self.send(client, 1)
            if sent is None:
                time.sleep(POLL_SECONDS)
                continue
            for document in self.follow(client, *sent):
                self.look(client, document, sent[1][0], there=True)
            if self.ledger.present and chance.random() < DELETING:
                self.delete(client, chance.choice(sorted(self.ledger.present)))
        client.close()

    def delete(self, client: Client, document: str) -> None:
        """Until it is acknowledged."""
        one = self.ledger.present[document]
        where, judge = f"/v1/documents/{document}?collection={COLLECTION}&forever=true", plain
        with self.ledger.deleting(document):
            while client.send("delete", "DELETE", where, judge) is None:
                judge = gone
                time.sleep(POLL_SECONDS)
        self.look(client, document, one, there=False)

    def look(self, client: Client, document: str, one: Article, there: bool) -> None:
        """The next service is asked: what one acknowledged is so for all."""

        def judge(response: httpx.Response) -> str:
            if response.status_code >= 400:
                return plain(response)
            found = document in {hit["citation"]["document_id"] for hit in response.json()["hits"]}
            return self._agreed(
                found == there, f"{one.name} ({document}) is {'not ' * there}found, though acknowledged"
            )

        client.send("search", "POST", "/v1/search", judge, json={"query": one.question, "collection": COLLECTION})

    def _agreed(self, right: bool, fault: str) -> str:
        if not right:
            self.faults.append(fault)
        return RIGHT if right else WRONG
