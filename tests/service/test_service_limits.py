"""Each bound of the HTTP service, at it and just above it, with the whole error, at every door that it holds for."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from qa.index import Index

JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
RAISE = "Ask one question at a time, or raise QA_MAX_QUESTION_CHARS."
LONG = ("bad_question", "The question has 2,001 characters; at most 2,000 are read.", RAISE)


def asked(door: str, query: str, top_k: int = 5) -> dict[str, Any]:
    """The body that puts a question at a door."""
    said = {"id": "1", "role": "user", "parts": [{"type": "text", "text": query}]}
    tool = {"name": door, "arguments": {"query" if door == "search" else "question": query}}
    bodies: dict[str, dict[str, Any]] = {
        "/v1/search": {"query": query, "top_k": top_k},
        "/v1/ask": {"query": query, "top_k": top_k},
        "/v1/chat/completions": {"messages": [{"role": "user", "content": query}]},
        "/v1/ui/chat": {"messages": [said]},
        "/dify/retrieval": {
            "knowledge_id": "default",
            "query": query,
            "retrieval_setting": {"top_k": top_k, "score_threshold": 0},
        },
    }
    return bodies.get(door) or {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": tool}


DOORS = ["/v1/search", "/v1/ask", "/v1/chat/completions", "/v1/ui/chat", "/dify/retrieval", "search", "ask"]


def put(client: httpx.Client, door: str, body: dict[str, Any]) -> httpx.Response:
    return client.post(door if door.startswith("/") else "/mcp", content=json.dumps(body), headers=JSON)


def told(response: httpx.Response) -> tuple[str, str, str]:
    error = response.json()["error"]
    return error["code"], error["message"], error["hint"]


@pytest.mark.parametrize("door", DOORS)
def test_the_length_of_a_question(client: httpx.Client, door: str) -> None:
    query = "昌平区有多少家医药健康企业？" + "啊" * 1986
    assert len(query) == 2000
    assert put(client, door, asked(door, query)).status_code == 200
    refused = put(client, door, asked(door, query + "啊"))
    assert refused.status_code == (200 if door in ("search", "ask") else 400)
    if door in ("/v1/search", "/v1/ask"):
        assert told(refused) == LONG
    elif door in ("search", "ask"):
        assert json.loads(refused.text)["result"]["isError"]
    assert LONG[1] in refused.text


@pytest.mark.parametrize("door", ["/v1/search", "/v1/ask"])
@pytest.mark.parametrize("top_k", [0, -1, 101, 2**70])
def test_the_number_of_hits(client: httpx.Client, door: str, top_k: int) -> None:
    refused = put(client, door, asked(door, "x", top_k))
    assert refused.status_code == 400
    message = f"top_k is {top_k}; it must lie between 1 and 100."
    assert told(refused) == ("bad_question", message, "Ask for fewer passages.")
    assert put(client, door, asked(door, "昌平区有多少家企业？", 100)).status_code == 200


def test_the_hits_that_dify_asks_for_are_cut(client: httpx.Client) -> None:
    """Its own interface offers more than there may be; it is given what there may be."""
    found = put(client, "/dify/retrieval", asked("/dify/retrieval", "昌平区有多少家企业？", 500))
    assert found.status_code == 200
    assert 0 < len(found.json()["records"]) <= 100


@pytest.mark.parametrize("door", [*DOORS[:6], "/v1/feedback", "/v1/collections", "/v1/evals"])
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "in chunks"])
def test_the_size_of_a_body(client: httpx.Client, door: str, declared: bool) -> None:
    body = b" " * 1_000_001
    path = door if door.startswith("/") else "/mcp"
    refused = client.post(path, content=body if declared else iter([body]), headers=JSON)
    assert refused.status_code == 413
    assert "The request is larger than 1 MB." in refused.text
    if path.startswith("/v1/") and path not in ("/v1/chat/completions", "/v1/ui/chat"):
        hint = "Send fewer or smaller files in one request; QA_MAX_FILE_MB sets the largest file."
        assert told(refused) == ("too_large", "The request is larger than 1 MB.", hint)


def upload(client: httpx.Client, *files: tuple[str, bytes]) -> httpx.Response:
    return client.post("/v1/documents", files=[("files", file) for file in files])


def test_the_number_and_size_of_files(own_client: httpx.Client, own_index: Index) -> None:
    """Nothing of a refused request is kept."""
    many = upload(own_client, *[(f"{n}.txt", b"x") for n in range(101)])
    assert many.status_code == 400
    message = "The form cannot be read: Too many files. Maximum number of files is 100."
    assert told(many) == ("bad_input", message, "Send the files as multipart/form-data.")
    large = upload(own_client, ("small.txt", b"x"), ("large.txt", b"x" * 1_000_001))
    assert large.status_code == 413
    raised = "Split it, or raise QA_MAX_FILE_MB on the server."
    assert told(large) == ("too_large", "large.txt is larger than 1 MB.", raised)
    whole = upload(own_client, *[(f"{n}.txt", b"x" * 900_000) for n in range(5)])
    assert whole.status_code == 413
    assert told(whole)[:2] == ("too_large", "The request is larger than 4 MB.")
    assert own_index.documents() == []
    assert own_client.get("/v1/jobs/none").status_code == 404


def test_a_text_is_measured_in_bytes(own_client: httpx.Client) -> None:
    refused = own_client.post("/v1/documents", json={"title": "长文", "text": "长" * 333_334})
    assert refused.status_code == 413
    assert told(refused)[:2] == ("too_large", "长文 is larger than 1 MB.")


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/v1/ask", {"query": "x", "history": ["y"] * 101}, "history: List should have at most 100 "),
        ("/v1/search", {"query": "x", "collection": "c" * 65}, "at most 64 "),
        ("/v1/search", {"query": "x", "filters": {"document_ids": ["a"] * 1001}}, "at most 1000 "),
        ("/v1/feedback", {"question": "x", "verdict": "up", "comment": "c" * 2001}, "at most 2000 "),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}] * 1001}, "at most 1000 "),
        ("/v1/documents", {"title": "t" * 1001, "text": "x"}, "at most 1000 "),
    ],
)
def test_lengths_of_lists_and_names(client: httpx.Client, path: str, body: dict[str, Any], message: str) -> None:
    refused = client.post(path, json=body)
    assert refused.status_code == 400
    assert message in refused.text
