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
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the `ai` package: that of QA_NODE_MODULES, or fresh from the registry."""
    given = os.environ.get("QA_NODE_MODULES")
    if given:
        return Path(given).parent
    if shutil.which("node") is None or shutil.which("npm") is None:
        return _skip("node and npm are not installed")
    place = tmp_path_factory.mktemp("ai")
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(place), "ai@6.0.326"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    return place if done.returncode == 0 else _skip(f"npm could not install `ai`: {done.stderr[-300:]}")


def _skip(reason: str) -> Path:
    pytest.skip(f"THE AI SDK WAS NOT RUN: {reason}")


def peer(modules: Path, address: str, *questions: str, token: str = "") -> dict[str, Any]:
    script = modules / "peer.mjs"
    script.write_text(PEER.read_text("utf-8"), encoding="utf-8")
    done = subprocess.run(
        ["node", str(script), f"{address}/v1/ui/chat", json.dumps(questions), token],
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
