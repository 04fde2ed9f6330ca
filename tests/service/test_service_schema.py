"""Every answer of the service is one that its OpenAPI document announces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from schema_fuzz import KINDS, Fuzz, in_our_shape

from qa.config import Settings
from qa.index import Index

EXAMPLES = 3
"""For each of some thirty operations; `schema_fuzz.py` makes as many as it is given time for."""


@pytest.fixture(scope="module")
def fuzz(tmp_path_factory: pytest.TempPathFactory, serving: Any) -> Iterator[Fuzz]:
    root = tmp_path_factory.mktemp("schema")
    with (
        Index.open(settings=Settings(index_dir=root / "index", evals_dir=root)) as index,
        serving(index, index.settings) as client,
    ):
        yield Fuzz(client)


@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_is_undocumented_or_out_of_shape(fuzz: Fuzz, kind: str) -> None:
    fuzz.counts.clear()
    fuzz.run(kind, EXAMPLES)
    assert fuzz.counts.total() > 60
    reached = sum(count for status, count in fuzz.counts.items() if status < 300)
    assert reached > {"invented": 10, "known": 40, "broken": -1}[kind]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/search", '{"detail": "Not Found"}'),
        ("/v1/search", '{"error": {"code": "x", "message": "y"}}'),
        ("/v1/search", "Internal Server Error"),
        ("/v1/ui/chat", ""),
        ("/dify/retrieval", '{"error_code": 1}'),
    ],
)
def test_other_shapes_are_seen(path: str, body: str) -> None:
    assert not in_our_shape(path, body)
