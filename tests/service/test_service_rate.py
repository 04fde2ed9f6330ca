from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from service_keys import MINE, bearing, identify

from qa.config import Settings
from qa.index import Index
from qa.service import logs
from qa.service.rate import MOST, LocalRate, Rate, RateError

Serving = Callable[..., AbstractContextManager[httpx.Client]]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def passed(rate: Rate, *callers: str) -> int:
    """How many of these requests, one after the other at one moment, pass until one is refused."""

    async def ask() -> int:
        for done, who in enumerate(callers):
            try:
                await rate.take(who)
            except RateError:
                return done
        return len(callers)

    return asyncio.run(ask())


def refused(rate: Rate, who: str) -> int:
    """Seconds that a refused request has to wait."""
    with pytest.raises(RateError) as raised:
        asyncio.run(rate.take(who))
    return raised.value.retry_after


def test_a_burst_passes_and_then_the_rate() -> None:
    clock = Clock()
    rate = LocalRate(60, clock)
    assert passed(rate, *"a" * 100) == 10
    assert passed(rate, *"b" * 100) == 10
    assert refused(rate, "a") == 1
    clock.now += 3
    assert passed(rate, *"a" * 100) == 3
    clock.now += 3600
    assert passed(rate, *"a" * 100) == 10


def test_a_refused_request_costs_nothing_and_the_wait_is_told() -> None:
    clock = Clock()
    rate = LocalRate(1, clock)
    assert passed(rate, "a", "a") == 1
    clock.now += 15
    assert refused(rate, "a") == 45


def test_without_a_limit_everything_passes_and_callers_are_forgotten() -> None:
    assert passed(LocalRate(0), *"a" * 1000) == 1000
    rate = LocalRate(60, Clock())
    assert passed(rate, *map(str, range(MOST + 5))) == MOST + 5
    assert len(rate._buckets) == MOST


def test_too_many_requests_are_told_when_to_come_back(corpus_index: Index, serving: Serving) -> None:
    settings = corpus_index.settings.model_copy(update={"rate": 12})
    with serving(corpus_index, settings, identify) as client:
        codes = [client.get("/v1/collections", headers=bearing(MINE)) for _ in range(4)]
        assert [code.status_code for code in codes] == [200, 200, 429, 429]
        assert codes[-1].json()["error"]["code"] == "too_many_requests"
        assert 1 <= int(codes[-1].headers["retry-after"]) <= 5
        assert client.get("/v1/models", headers=bearing(MINE)).json()["error"]["type"] == "rate_limit_error"
        bad = [client.get("/v1/collections", headers=bearing("bad")).status_code for _ in range(4)]
        assert bad == [401, 401, 429, 429]
        assert {client.get("/healthz").status_code for _ in range(9)} == {200}


def test_each_answer_names_its_request(client: httpx.Client) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    for odd in ("a b", "x" * 65, "<script>"):
        assert client.get("/healthz", headers={"X-Request-Id": odd}).headers["x-request-id"] != odd


def test_logs_name_the_route_and_neither_question_nor_key(
    corpus_index: Index, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.JsonFormatter())
    handler.addFilter(logs._with_request)
    monkeypatch.setattr(logs._requests, "handlers", [handler])
    logs._requests.setLevel(logging.INFO)
    with serving(corpus_index, corpus_index.settings, identify) as client:
        client.post("/v1/search", json={"query": "秘密的问题"}, headers=bearing(MINE) | {"X-Request-Id": "r1"})
        client.get("/v1/documents/secret-id?collection=secret", headers=bearing(MINE))
    logs._requests.setLevel(logging.NOTSET)
    written_lines = [json.loads(line) for line in written.getvalue().splitlines()]
    # The server is asked whether it is up until it is: how often depends on the machine.
    lines = [line for line in written_lines if line["route"] != "/healthz"]
    assert [(line["route"], line["status"], line["key"]) for line in lines] == [
        ("/v1/search", 404, "k1"),
        ("/v1/documents/{document_id}", 404, "k1"),
    ]
    assert lines[0]["request"] == "r1"
    assert "secret" not in written.getvalue()
    assert "秘密" not in written.getvalue()
    assert "\\u79d8" not in written.getvalue()
    assert MINE not in written.getvalue()


@pytest.mark.parametrize("formatter", [logs.JsonFormatter(), logs._TextFormatter(logs._LINE)])
def test_a_message_cannot_forge_a_line(formatter: logging.Formatter) -> None:
    record = logging.LogRecord("x", logging.WARNING, __file__, 1, "a\n2026 INFO forged\rb\u2028c", None, None)
    logs._with_request(record)
    assert not any(line.startswith("2026 INFO forged") for line in formatter.format(record).splitlines())


def test_settings_name_the_limit(tmp_path: Path) -> None:
    assert Settings(index_dir=tmp_path).rate == 600
