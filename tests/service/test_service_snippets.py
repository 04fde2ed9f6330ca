"""The snippets of docs/integrations: each runs as it stands, where the package it is for is installed."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

DOCS = Path(__file__).parents[2] / "docs" / "integrations"
OWN = ["ai-sdk", "dify", "haystack", "langchain", "llamaindex", "mcp", "openwebui"]
PACKAGES = {"haystack": "haystack", "langchain": "langchain_core", "llamaindex": "llama_index.core", "mcp": "mcp"}


def blocks(path: Path, language: str) -> list[str]:
    text = path.read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(command: list[str], text: str, client: httpx.Client) -> str:
    done = subprocess.run(
        [*command, text.replace("http://127.0.0.1:8000", str(client.base_url).rstrip("/"))],
        env=os.environ | {"HAYSTACK_TELEMETRY_ENABLED": "False"},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("name", list(PACKAGES))
def test_the_python_of_the_page_runs(client: httpx.Client, name: str) -> None:
    if importlib.util.find_spec(PACKAGES[name].split(".")[0]) is None:
        pytest.skip(f"{name.upper()} WAS NOT RUN: {PACKAGES[name]} is not installed (extra `integrations-test`)")
    snippets = blocks(DOCS / f"{name}.md", "python")
    assert snippets
    for snippet in snippets:
        assert run([sys.executable, "-c"], snippet, client)


@pytest.mark.parametrize("name", ["ai-sdk", "dify", "openwebui"])
def test_the_requests_of_the_page_are_answered(client: httpx.Client, name: str) -> None:
    for snippet in blocks(DOCS / f"{name}.md", "sh"):
        assert "citeqa" in run(["bash", "-euc"], snippet, client) or name == "dify"


def test_dify_gets_records(client: httpx.Client) -> None:
    assert '"records":[{' in run(["bash", "-euc"], blocks(DOCS / "dify.md", "sh")[0], client)


@pytest.mark.parametrize("name", OWN)
def test_both_languages_show_the_same_code(name: str) -> None:
    english, chinese = DOCS / f"{name}.md", DOCS / f"{name}.zh-CN.md"
    for language in ("python", "sh", "json", "console", "tsx"):
        assert blocks(english, language) == blocks(chinese, language)
    assert f"]({name}.zh-CN.md)" in english.read_text("utf-8")
    assert f"]({name}.md)" in chinese.read_text("utf-8")
