"""The links that each door gives for one question."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import openai
from mcp import Client

from qa.chat.card import card
from qa.index import Index
from qa.integrations.langchain import CiteqaRetriever

QUESTION = "昌平区有多少家医药健康企业？"


def chat(client: httpx.Client, index: Index) -> str:
    return card(index.ask(QUESTION), str(client.base_url), "default").references[0].url


def dify(client: httpx.Client, _index: Index) -> str:
    asked = {"knowledge_id": "default", "query": QUESTION}
    return str(client.post("/dify/retrieval", json=asked).json()["records"][0]["metadata"]["url"])


def langchain(client: httpx.Client, _index: Index) -> str:
    return str(CiteqaRetriever(base_url=str(client.base_url)).invoke(QUESTION)[0].metadata["link"])


def mcp(client: httpx.Client, _index: Index) -> str:
    async def search() -> Any:
        async with Client(f"{client.base_url}/mcp") as peer:
            return await peer.call_tool("search", {"query": QUESTION})

    return str(anyio.run(search).structured_content["results"][0]["url"])


def openai_(client: httpx.Client, _index: Index) -> str:
    peer = openai.OpenAI(base_url=f"{client.base_url}/v1", api_key="none", max_retries=0)
    message = peer.chat.completions.create(model="citeqa", messages=[{"role": "user", "content": QUESTION}])
    assert message.choices[0].message.annotations
    return message.choices[0].message.annotations[0].url_citation.url


def ui(client: httpx.Client, _index: Index) -> str:
    asked = {"messages": [{"role": "user", "parts": [{"type": "text", "text": QUESTION}]}]}
    lines = client.post("/v1/ui/chat", json=asked).text.split("\n\n")
    parts = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]
    return str(next(part["url"] for part in parts if part["type"] == "source-url"))


DOORS: dict[str, Callable[[httpx.Client, Index], str]] = {
    "chat": chat,
    "dify": dify,
    "langchain": langchain,
    "mcp": mcp,
    "openai": openai_,
    "ui": ui,
}
