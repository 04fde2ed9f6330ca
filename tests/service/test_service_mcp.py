"""MCP over HTTP, with the SDK's own client as peer, in both versions of the protocol."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
import jsonschema
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from service_keys import ALL, MINE, bearing, identify

from qa.index import Index

ZH = "昌平区有多少家医药健康企业？"
VERSIONS = {"auto": "2026-07-28", "legacy": "2025-11-25"}

both = pytest.mark.parametrize("mode", list(VERSIONS))
Talk = Callable[[Client], Awaitable[Any]]


def talk(client: httpx.Client, mode: str, say: Talk) -> Any:
    async def session() -> Any:
        async with Client(f"{client.base_url}/mcp", mode=mode) as peer:
            return await say(peer)

    return anyio.run(session)


def call(client: httpx.Client, mode: str, name: str, **arguments: object) -> Any:
    return talk(client, mode, lambda peer: peer.call_tool(name, arguments))


def failure(client: httpx.Client, mode: str, say: Talk) -> MCPError:
    async def caught(peer: Client) -> MCPError:
        with pytest.raises(MCPError) as failed:
            await say(peer)
        return failed.value

    failed: MCPError = talk(client, mode, caught)
    return failed


def body(result: Any) -> dict[str, Any]:
    assert not result.is_error, result.content
    assert [item.type for item in result.content] == ["text"]
    parsed: dict[str, Any] = json.loads(result.content[0].text)
    assert parsed == result.structured_content
    return parsed


@both
def test_the_version_is_the_one_asked_for(client: httpx.Client, mode: str) -> None:
    async def version(peer: Client) -> tuple[str, str]:
        assert peer.server_info is not None
        return peer.protocol_version, peer.server_info.name

    assert talk(client, mode, version) == (VERSIONS[mode], "citeqa")


@both
def test_tools_say_what_they_take_and_that_they_change_nothing(client: httpx.Client, mode: str) -> None:
    tools = {tool.name: tool for tool in talk(client, mode, lambda peer: peer.list_tools()).tools}
    assert set(tools) == {"search", "fetch", "ask"}
    for tool in tools.values():
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is True
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)


@both
def test_what_search_finds_fetch_returns(client: httpx.Client, corpus_index: Index, mode: str) -> None:
    found = body(call(client, mode, "search", query=ZH))["results"]
    assert {"id", "title", "url"} <= set(found[0])
    assert len({each["id"] for each in found}) == len(found)
    own = corpus_index.document(found[0]["id"]).metadata.url
    assert found[0]["url"] == own or httpx.get(found[0]["url"]).status_code == 200
    fetched = body(call(client, mode, "fetch", id=found[0]["id"]))
    assert set(fetched) == {"id", "title", "text", "url", "metadata"}
    assert fetched["text"] == corpus_index.source_text(found[0]["id"])
    passage = found[0]["passages"][0]
    assert fetched["metadata"]["end"] == len(fetched["text"])
    assert fetched["text"][passage["start"] : passage["end"]]


@both
def test_ask_answers_with_whole_citations(client: httpx.Client, corpus_index: Index, mode: str) -> None:
    told = body(call(client, mode, "ask", question="那昌平呢？", history=["大兴区有多少家医药健康企业？"]))
    assert "900余家" in told["answer"]
    for cited in told["citations"]:
        assert corpus_index.source_text(cited["document_id"])[cited["start"] : cited["end"]] == cited["quote"]


@both
def test_documents_are_resources(client: httpx.Client, corpus_index: Index, mode: str) -> None:
    async def read(peer: Client) -> list[str]:
        listed = await peer.list_resources()
        assert (await peer.list_resource_templates()).resource_templates[0].uri_template.startswith("citeqa://")
        shown = [await peer.read_resource(each.uri) for each in listed.resources]
        return [contents.text for each in shown for contents in each.contents if hasattr(contents, "text")]

    expected = {corpus_index.source_text(each.id) for each in corpus_index.documents()}
    assert set(talk(client, mode, read)) == expected


@both
@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("search", {"query": ""}, "empty"),
        ("search", {"query": "文" * 30_000}, "2,000"),
        ("search", {"query": ZH, "top_k": 0}, "top_k"),
        ("search", {"query": ZH, "collection": "nowhere"}, "no collection"),
        ("search", {}, "query"),
        ("search", {"query": 5}, "query"),
        ("search", {"query": ZH, "secret": "s3cret"}, "secret"),
        ("fetch", {"id": "../../etc/passwd"}, "no collection"),
        ("fetch", {"id": "nothing"}, "nothing"),
        ("fetch", {"id": "\x00"}, ""),
        ("ask", {"question": "\x00"}, "not text"),
    ],
)
def test_errors_are_results_that_a_model_can_read(
    client: httpx.Client, mode: str, name: str, arguments: dict[str, object], reason: str
) -> None:
    refused = call(client, mode, name, **arguments)
    assert refused.is_error
    assert reason in refused.content[0].text
    assert "s3cret" not in refused.content[0].text
    assert len(refused.content[0].text) < 1000


@both
@pytest.mark.parametrize(
    "uri", ["citeqa://documents/default/none", "citeqa://documents/none/none", "file:///etc/passwd"]
)
def test_a_resource_that_is_not_there_is_a_protocol_error(client: httpx.Client, mode: str, uri: str) -> None:
    assert failure(client, mode, lambda peer: peer.read_resource(uri)).error.code == -32602


@both
def test_an_unknown_tool_and_a_forged_cursor_are_protocol_errors(client: httpx.Client, mode: str) -> None:
    assert "search" in failure(client, mode, lambda peer: peer.call_tool("rm", {})).error.message
    assert "cursor" in failure(client, mode, lambda peer: peer.list_resources(cursor="-1/x")).error.message


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
HANDSHAKEN = {"MCP-Protocol-Version": "2025-11-25"}
ACCEPT = {"Accept": "application/json, text/event-stream"}


def test_a_foreign_host_is_misdirected_and_a_foreign_origin_forbidden(client: httpx.Client) -> None:
    good = client.post("/mcp", json=INITIALIZE, headers=ACCEPT)
    assert good.status_code == 200, good.text
    assert client.post("/mcp", json=INITIALIZE, headers=ACCEPT | {"Host": "evil.example"}).status_code == 421
    assert client.post("/mcp", json=INITIALIZE, headers=ACCEPT | {"Origin": "https://evil.example"}).status_code == 403
    own = str(client.base_url).rstrip("/")
    assert client.post("/mcp", json=INITIALIZE, headers=ACCEPT | {"Origin": own}).status_code == 200


def test_a_client_in_a_browser_needs_its_origin_in_the_settings(corpus_index: Index, serving: Any) -> None:
    page = "http://localhost:6274"
    asking = {"Origin": page, "Access-Control-Request-Method": "POST"}
    with serving(corpus_index, corpus_index.settings.model_copy(update={"cors_origins": page})) as open_:
        preflight = open_.options("/mcp", headers=asking)
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == page
        assert "mcp-protocol-version" in preflight.headers["access-control-allow-headers"]
        assert open_.post("/mcp", json=INITIALIZE, headers=ACCEPT | {"Origin": page}).status_code == 200


def test_a_key_opens_the_collections_it_may_use(
    corpus_index: Index, serving: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with serving(corpus_index, corpus_index.settings, identify=identify) as locked:
        assert locked.post("/mcp", json=INITIALIZE, headers=ACCEPT).status_code == 401
        assert locked.post("/mcp", json=INITIALIZE, headers=ACCEPT | bearing("wrong")).status_code == 401
        told = [_called(locked, MINE, "search", {"query": ZH, "collection": name}) for name in ("default", "nowhere")]
        assert told[0].replace("default", "nowhere") == told[1]
        document = corpus_index.documents()[0].id
        assert "no collection" in _called(locked, MINE, "fetch", {"id": document})
        assert document not in _listed(locked, MINE)
        assert document in _listed(locked, ALL)
        assert "900余家" in _called(locked, ALL, "ask", {"question": ZH})
        answered = locked.post("/dify/retrieval", json={}, headers=bearing("wrong")).text
    for key in (ALL, MINE, "Bearer wrong"):
        assert key not in caplog.text + answered


def _called(client: httpx.Client, key: str, name: str, arguments: dict[str, str]) -> str:
    request = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
    answered = client.post("/mcp", json=request, headers=ACCEPT | bearing(key) | HANDSHAKEN)
    return str(answered.json()["result"]["content"][0]["text"])


def _listed(client: httpx.Client, key: str) -> str:
    request = {"jsonrpc": "2.0", "id": 3, "method": "resources/list"}
    return client.post("/mcp", json=request, headers=ACCEPT | bearing(key) | HANDSHAKEN).text


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_there_is_no_stream_to_listen_to(client: httpx.Client, method: str) -> None:
    assert client.request(method, "/mcp", headers=ACCEPT).status_code == 405


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"jsonrpc": "2.0"}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_message_is_refused_in_json_rpc(client: httpx.Client, content: bytes) -> None:
    refused = client.post("/mcp", content=content, headers=ACCEPT | {"Content-Type": "application/json"})
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] < 0
