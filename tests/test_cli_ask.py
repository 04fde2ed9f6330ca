from __future__ import annotations

import json
from pathlib import Path

import pytest

from qa.cli import run
from qa.config import settings as read_settings
from qa.index import Index
from qa.service import shape

ZH = "昌平区有多少家医药健康企业？"


@pytest.fixture
def over_corpus(corpus_index: Index, index_dir: Path, fresh_settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_INDEX_DIR", str(index_dir))
    read_settings.cache_clear()


@pytest.mark.usefixtures("over_corpus")
def test_an_answer_is_printed_with_its_sources(capfd: pytest.CaptureFixture[str], corpus_index: Index) -> None:
    assert run(["ask", ZH]) == 0
    printed = capfd.readouterr().out
    given = corpus_index.ask(ZH)
    assert given.answer in printed
    assert all(f"{cited.marker} {cited.title}" in printed for cited in given.citations)


@pytest.mark.usefixtures("over_corpus")
def test_json_is_what_http_answers(capfd: pytest.CaptureFixture[str], corpus_index: Index) -> None:
    history = "昌平区有多少家医药健康企业？"
    assert run(["ask", "那大兴呢？", "--history", history, "--json"]) == 0
    printed = json.loads(capfd.readouterr().out)
    expected = json.loads(shape.dumps(shape.answer(corpus_index.ask("那大兴呢？", history=[history]))))
    assert printed | {"took_ms": None} == expected | {"took_ms": None}


@pytest.mark.usefixtures("over_corpus")
def test_without_a_model_it_warns_and_quotes(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", ZH, "--model"]) == 0
    captured = capfd.readouterr()
    assert "QA_MODEL_BASE_URL" in captured.err
    assert "900余家" in captured.out
