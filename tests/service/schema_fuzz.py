"""Requests made from our own OpenAPI document, good and bad ones, put to the real service.

As a program it goes on for as long as it is told:
``python tests/service/schema_fuzz.py http://127.0.0.1:8000 --minutes 5``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.specs.openapi import checks

CHECKS = [checks.content_type_conformance, checks.response_schema_conformance]
HEALTH = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
KINDS = ("invented", "known", "broken")
"""Requests that keep to the document; those that also ask for what is there; those that break it."""
Operation = APIOperation[Any, Any, Any, Any]
TEXT = "白鹭在黄浦江边的湿地筑巢，护林员周海涛在三月数到四百一十二只。"

OURS = {"code", "message", "hint"}
OPENAI = {"code", "message", "param", "type"}
QUESTION = "谁在湿地数白鹭？"


@dataclass
class Fuzz:
    """``counts``: answers by status. ``known``: values that lead to what is there."""

    client: httpx.Client
    known: dict[str, Any] = field(default_factory=dict)
    counts: Counter[int] = field(default_factory=Counter)
    session: requests.Session = field(default_factory=requests.Session)

    def run(self, kind: str, examples: int, seed: int = 0) -> None:
        """So many requests of a kind for every operation."""
        base = str(self.client.base_url).rstrip("/")
        for found in schemathesis.openapi.from_url(f"{base}/openapi.json").get_all_operations():
            if not self.known or found.ok().method.upper() == "DELETE":
                self.known = prepare(self.client)
            self.attempt(found.ok(), kind, examples, seed)

    def attempt(self, operation: Operation, kind: str, examples: int, seed: int = 0) -> None:
        """Raises AssertionError, or what Schemathesis raises, for the first answer that breaks a promise."""
        mode = GenerationMode.NEGATIVE if kind == "broken" else GenerationMode.POSITIVE

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=HEALTH,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
        )
        @hypothesis.given(case=operation.as_strategy(mode))
        def asked(case: Case) -> None:
            if kind == "known":
                self._place(case)
            self.check(case)

        with contextlib.suppress(Unsatisfiable):  # there is no breaking what takes no parameters
            asked()

    def _place(self, case: Case) -> None:
        body = case.body if isinstance(case.body, dict) else {}
        for values in (case.path_parameters, case.query, body):
            for name in self.known.keys() & (values or {}).keys():
                values[name] = self.known[name]

    def check(self, case: Case) -> None:
        response = case.call(session=self.session, timeout=60)
        self.counts[response.status_code] += 1
        assert response.status_code != 500, case.as_curl_command()
        case.validate_response(response, checks=[checks.status_code_conformance])
        if response.status_code >= 400:
            assert in_our_shape(case.operation.path, response.text), (case.as_curl_command(), response.text)
        else:
            case.validate_response(response, checks=CHECKS)


def in_our_shape(path: str, body: str) -> bool:
    """Whether an error is told as its door tells errors."""
    try:
        told = json.loads(body)
    except ValueError:
        return path.startswith("/v1/ui/") and bool(body)
    if not isinstance(told, dict):
        return False
    if path.startswith("/dify/") and "error_code" in told:
        return set(told) == {"error_code", "error_msg"}
    return set(told) == {"error"} and set(told["error"]) in (OURS, OPENAI)


def prepare(client: httpx.Client) -> dict[str, Any]:
    """An article to ask for; returns what names it, and a question that it answers."""
    client.post("/v1/collections", json={"name": "default"})
    sent = client.post("/v1/documents", json={"title": "白鹭", "text": TEXT})
    while (job := client.get(sent.headers["location"]).json())["state"] not in ("done", "failed"):
        time.sleep(0.02)
    listed = client.get("/v1/documents").json()["documents"]
    asked = [{"role": "user", "content": QUESTION, "parts": [{"type": "text", "text": QUESTION}]}]
    known = {"document_id": listed[0]["id"], "job_id": job["id"], "model": "citeqa", "query": QUESTION}
    return known | {"messages": asked} | dict.fromkeys(("collection", "name", "knowledge_id"), "default")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="of a service whose articles may be lost")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--examples", type=int, default=20)
    arguments = parser.parse_args()
    end, seed = time.monotonic() + arguments.minutes * 60, 0
    with httpx.Client(base_url=arguments.address, timeout=60) as client:
        fuzz = Fuzz(client)
        while time.monotonic() < end:
            fuzz.run(KINDS[seed % len(KINDS)], arguments.examples, seed)
            seed += 1
            print(f"{seed} rounds, {fuzz.counts.total()} answers by status: {dict(sorted(fuzz.counts.items()))}")


if __name__ == "__main__":
    main()
