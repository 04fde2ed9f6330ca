"""`qa mcp` as clients start it: a process of its own, spoken to over its standard input and output."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from qa.index import Index

ZH = "昌平区有多少家医药健康企业？"


@pytest.mark.parametrize(("mode", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
def test_it_answers_over_stdio(corpus_index: Index, index_dir: Path, mode: str, version: str) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "qa", "mcp"],
        env=dict(os.environ) | {"QA_INDEX_DIR": str(index_dir)},
    )

    async def session() -> tuple[str, str, int]:
        async with Client(server, mode=mode) as peer:
            answered = await peer.call_tool("ask", {"question": ZH})
            found = await peer.call_tool("search", {"query": ZH})
            assert found.structured_content is not None
            fetched = await peer.call_tool("fetch", {"id": found.structured_content["results"][0]["id"]})
            assert fetched.structured_content is not None
            assert fetched.structured_content["url"].startswith("citeqa://documents/default/")
            listed = await peer.list_resources()
            return peer.protocol_version, answered.content[0].text, len(listed.resources)  # type: ignore[union-attr]

    spoken, answer, documents = anyio.run(session)
    assert spoken == version
    assert "900余家" in answer
    assert documents == 5
