"""The AI SDK's stream: its parts, and the real `ai` package as the peer where node has it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from service_keys import ALL, MINE, bearing, identify

from qa.config import Settings
from qa.index import Index

ZH = "昌平区有多少家医药健康企业？"
ELSEWHERE = "冰岛几月看极光最合适？"
PEER = Path(__file__).with_name("ui_peer.mjs")


@pytest.fixture(scope="module")
def locked(corpus_index: Index, serving: Any) -> Iterator[httpx.Client]:
    with serving(corpus_index, corpus_index.settings, identify=identify) as client:
        yield client


def message(text: str, role: str = "user") -> dict[str, object]:
    return {"id": "m", "role": role, "parts": [{"type": "step-start"}, {"type": "text", "text": text}]}


def body(*texts: str, **more: object) -> dict[str, object]:
    return {"id": "chat", "trigger": "submit-message", "messages": [message(text) for text in texts]} | more


def parts(response: httpx.Response) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_the_headers_and_parts_are_those_of_the_protocol(client: httpx.Client, corpus_index: Index) -> None:
    response = client.post("/v1/ui/chat", json=body(ZH))
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert response.headers["x-accel-buffering"] == "no"
    told = parts(response)
    kinds = [part["type"] for part in told]
    assert kinds[:2] == ["start", "text-start"]
    assert kinds[-1] == "finish"
    assert kinds.index("text-end") < kinds.index("source-url")
    text = "".join(part["delta"] for part in told if part["type"] == "text-delta")
    assert "900余家" in text
    for part in told:
        if part["type"] == "source-url":
            assert part["sourceId"] in text
            cited = part["providerMetadata"]["citeqa"]
            assert corpus_index.source_text(cited["document_id"])[cited["start"] : cited["end"]] == cited["quote"]
            assert part["url"] == cited["url"] or httpx.get(part["url"]).status_code == 200


def test_earlier_questions_complete_a_follow_up_and_no_answer_is_said(client: httpx.Client) -> None:
    asked = client.post("/v1/ui/chat", json=body("大兴区有多少家医药健康企业？", "那昌平呢？"))
    assert "900余家" in asked.text
    told = parts(client.post("/v1/ui/chat", json=body(ELSEWHERE)))
    assert told[-1]["messageMetadata"]["answerable"] is False
    assert any("没有回答" in part.get("delta", "") for part in told)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"messages": []}', 400),
        (b'{"messages": [{"role": "user", "parts": [{"type": "file", "url": "data:,"}]}]}', 400),
        (json.dumps(body("文" * 30_000)).encode(), 400),
        (json.dumps(body("\ud800")).encode(), 400),
        (json.dumps(body(ZH, collection="nowhere")).encode(), 404),
        (json.dumps(body(ZH, generator="oracle")).encode(), 400),
    ],
)
def test_a_refusal_is_a_text_that_can_be_shown(client: httpx.Client, content: bytes, status: int) -> None:
    refused = client.post("/v1/ui/chat", content=content)
    assert refused.status_code == status
    assert refused.headers["content-type"] == "text/plain; charset=utf-8"
    assert 10 < len(refused.text) < 500
    assert not refused.text.startswith("{")


def test_a_key_opens_what_it_may(locked: httpx.Client) -> None:
    assert locked.post("/v1/ui/chat", json=body(ZH)).status_code == 401
    assert locked.post("/v1/ui/chat", json=body(ZH, collection="default"), headers=bearing(MINE)).status_code == 404
    assert locked.post("/v1/ui/chat", json=body(ZH), headers=bearing(ALL)).status_code == 200


@pytest.fixture(scope="module")
def modules() -> Path:
    """A directory with the `ai` package in its node_modules; nothing is fetched here."""
    given = os.environ.get("QA_NODE_MODULES")
    place = Path(given).parent if given else Settings().cache_dir / "peers"
    if shutil.which("node") is None:
        pytest.skip("THE AI SDK WAS NOT RUN: node is not installed")
    if not (place / "node_modules" / "ai").is_dir():
        pytest.skip("THE AI SDK WAS NOT RUN: `make peers` fetches it from npm, or QA_NODE_MODULES names a copy")
    return place


def peer(modules: Path, address: str, *questions: str, token: str = "") -> dict[str, Any]:
    """The script goes to node by its standard input, which looks for packages from where it runs."""
    done = subprocess.run(
        ["node", "--input-type=module", "-", f"{address}/v1/ui/chat", json.dumps(questions), token],
        input=PEER.read_text("utf-8"),
        cwd=modules,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answered: dict[str, Any] = json.loads(done.stdout)
    return answered


def test_the_sdk_reads_a_message_with_text_and_sources(client: httpx.Client, modules: Path) -> None:
    answered = peer(modules, str(client.base_url).rstrip("/"), "大兴区有多少家医药健康企业？", "那昌平呢？")
    assert answered["error"] is None
    told = answered["message"]
    assert told["role"] == "assistant"
    texts = [part for part in told["parts"] if part["type"] == "text"]
    assert [part["state"] for part in texts] == ["done"]
    assert "900余家" in texts[0]["text"]
    sources = [part for part in told["parts"] if part["type"] == "source-url"]
    assert sources
    assert sources[0]["providerMetadata"]["citeqa"]["quote"]
    assert told["metadata"]["answerable"] is True


def test_the_sdk_shows_our_errors(locked: httpx.Client, modules: Path) -> None:
    address = str(locked.base_url).rstrip("/")
    assert "needs a key" in peer(modules, address, ZH)["error"]
    assert "empty" in peer(modules, address, "?", token=ALL)["error"]
