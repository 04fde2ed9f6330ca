"""The layers of ARCHITECTURE.md, held against the imports in the code."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "qa"

LAYERS = {
    "types": 0,
    "errors": 0,
    "config": 0,
    "messages": 0,
    "tracing": 0,
    "encode": 1,
    "ingest": 1,
    "store": 2,
    "retrieve": 3,
    "answer": 4,
    "index": 5,
    "service": 6,
    "mcp": 6,
    "integrations": 6,
    "chat": 6,
    "evaluate": 6,
    "commands": 7,
    "cli": 8,
    "__main__": 9,
}
UPWARD = {("ingest.pipeline", "store")}
"""The one place where ingestion meets the store: it needs the interface alone."""


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if name != "__init__":
            yield name.removesuffix(".__init__"), path


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("qa."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("qa."))


@pytest.mark.parametrize(("name", "path"), [pytest.param(n, p, id=n) for n, p in _modules()])
def test_imports_only_go_down(name: str, path: Path) -> None:
    top = name.split(".")[0]
    for imported in _imports(path):
        allowed = LAYERS[imported] <= LAYERS[top] or (name, imported) in UPWARD
        assert allowed, f"qa.{name} imports qa.{imported}, which lies above it"


def test_chat_does_not_know_the_service_that_includes_it() -> None:
    """The service hands it a function that answers: the two lie in one layer, and only one way is meant."""
    knowing = [name for name, path in _modules() if name.startswith("chat.") and "service" in _imports(path)]
    assert knowing == []


def test_every_module_has_a_layer() -> None:
    assert {name.split(".")[0] for name, _ in _modules()} <= set(LAYERS)


def test_importing_qa_stays_light() -> None:
    heavy = "torch transformers sentence_transformers onnxruntime faiss fastapi trafilatura pypdf docx pymilvus".split()
    heavy.append("opentelemetry")
    code = f"import sys, qa; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_files_stay_small() -> None:
    long = {str(p.relative_to(ROOT)): n for _, p in _modules() if (n := len(p.read_text("utf-8").splitlines())) > 400}
    assert not long, "ask what each of these does that is two things"
