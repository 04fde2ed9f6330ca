"""Two collections that know nothing of each other, keys for them, and requests at every door."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

_SAID = {"id": "1", "role": "user", "parts": [{"type": "text", "text": "蓝印花布作坊的染匠是谁？"}]}
RED = "红灯笼工坊在腊月二十三开炉，师傅唐玉琴一天扎四十只灯笼。"
BLUE = "蓝印花布作坊在立夏那天起缸，染匠邵长河一缸染六十匹布。"
RED_ASKS = "红灯笼工坊的师傅是谁？"
BLUE_ASKS = "蓝印花布作坊的染匠是谁？"


@dataclass(frozen=True)
class Asked:
    """A request that names a collection ``{c}``, or a document ``{d}`` in it."""

    method: str
    path: str
    json: Mapping[str, object] | None = None
    right: str = "read"

    def send(self, client: httpx.Client, token: str | None, collection: str, document: str) -> httpx.Response:
        path = self.path.replace("{c}", collection).replace("{d}", document)
        body = None if self.json is None else json.dumps(self.json).replace("{c}", collection).replace("{d}", document)
        kinds = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        return client.request(self.method, path, content=body, headers=kinds | bearer(token))


def bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def tool(name: str, **arguments: object) -> Asked:
    """A call of an MCP tool, without a session."""
    params = {"name": name, "arguments": arguments}
    return Asked("POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})


NAMING_A_COLLECTION = [
    Asked("POST", "/v1/search", {"query": BLUE_ASKS, "collection": "{c}"}),
    Asked("POST", "/v1/search", {"query": "", "collection": "{c}"}),
    Asked("POST", "/v1/search", {"query": BLUE_ASKS, "top_k": 10**6, "collection": "{c}"}),
    Asked("POST", "/v1/ask", {"query": BLUE_ASKS, "collection": "{c}"}),
    Asked("POST", "/v1/ask", {"query": BLUE_ASKS, "collection": "{c}", "stream": True}),
    Asked("POST", "/v1/ask", {"query": BLUE_ASKS, "collection": "{c}", "generator": "model"}),
    Asked("GET", "/v1/documents?collection={c}"),
    Asked("GET", "/v1/documents/{d}?collection={c}"),
    Asked("GET", "/v1/documents/{d}/source?collection={c}"),
    Asked("GET", "/v1/documents/{d}/passages?collection={c}"),
    Asked("DELETE", "/v1/documents/{d}?collection={c}", right="write"),
    Asked("POST", "/v1/documents", {"title": "t", "text": "x", "collection": "{c}"}, right="write"),
    Asked("POST", "/v1/collections", {"name": "{c}"}, right="write"),
    Asked("DELETE", "/v1/collections/{c}", right="admin"),
    Asked("GET", "/v1/documents/{d}/removed?collection={c}"),
    Asked("GET", "/v1/trash?collection={c}", right="write"),
    Asked("POST", "/v1/documents/{d}/restore?collection={c}", right="write"),
    Asked("GET", "/v1/collections/{c}/facets"),
    Asked("GET", "/v1/collections/{c}/examples"),
    Asked("POST", "/v1/feedback", {"question": BLUE_ASKS, "verdict": "up", "collection": "{c}"}),
    Asked("POST", "/v1/feedback", {"question": BLUE_ASKS, "verdict": "up", "collection": "{c}", "document_id": "{d}"}),
    Asked("POST", "/v1/evals", {"collection": "{c}"}, right="admin"),
    Asked("POST", "/dify/retrieval", {"knowledge_id": "{c}", "query": BLUE_ASKS}),
    Asked("POST", "/v1/ui/chat", {"collection": "{c}", "messages": [_SAID]}),
    tool("search", query=BLUE_ASKS, collection="{c}"),
    tool("ask", question=BLUE_ASKS, collection="{c}"),
    tool("fetch", id="{c}/{d}"),
]
