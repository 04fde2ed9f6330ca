"""The project's own questions on public passages, which the reader is trained on: whole, in both languages, and kept
away from what is measured."""

from __future__ import annotations

import importlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from qa.evaluate.dataset import part

QUESTIONS = Path(__file__).parents[2] / "evals" / "training" / "questions.jsonl"
BENCH = Path(__file__).parents[3] / "shared" / "bench"
SETS = ("nomiracl", "drcd", "cmrc2018")
HAN = re.compile("[\u4e00-\u9fff]")


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def written() -> list[dict[str, Any]]:
    return rows_of(QUESTIONS)


def bench(name: str) -> Path:
    if not (BENCH / name).is_dir():
        pytest.skip(f"{BENCH / name} is not here")
    return BENCH / name


def test_each_passage_is_asked_in_both_languages(written: list[dict[str, Any]]) -> None:
    keys = {"set", "group", "id", "en", "en_at", "zh", "zh_at", "none_en", "none_zh"}
    for row in written:
        assert set(row) == keys, row["id"]
        assert HAN.search(row["zh"]), row
        assert HAN.search(row["none_zh"]), row
        asked = [row["en"], row["none_en"], row["zh"], row["none_zh"]]
        assert all(asked), row
        assert len(set(asked)) == 4, row
    assert max(Counter((row["set"], row["id"]) for row in written).values()) == 1


def test_each_answer_stands_in_its_passage(written: list[dict[str, Any]]) -> None:
    texts = {row["id"]: row["text"] for name in SETS for row in rows_of(bench(name) / "corpus.jsonl")}
    for row in written:
        for start, end in (row["en_at"], row["zh_at"]):
            assert 0 <= start < end <= len(texts[row["id"]]), row["id"]
            assert texts[row["id"]][start:end].strip() == texts[row["id"]][start:end], row["id"]


def test_only_titles_to_train_on_are_asked_about(
    written: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    titles = {row["id"]: row["title"] for row in rows_of(bench("drcd") / "corpus.jsonl")}
    monkeypatch.syspath_prepend(QUESTIONS.parent)
    for_training = importlib.import_module("adapter").for_training
    assert all(for_training(titles[row["id"]]) for row in written if row["set"] == "drcd")


def test_nothing_of_a_test_half_is_asked_about(written: list[dict[str, Any]]) -> None:
    asked = rows_of(bench("nomiracl") / "queries.jsonl")
    measured = {name for row in asked if part(row["id"]) == "test" for name in row["candidate_ids"]}
    assert not measured & {row["id"] for row in written}


def test_no_article_of_the_other_half_of_cmrc_is_asked_about(written: list[dict[str, Any]]) -> None:
    qrels = (bench("cmrc2018") / "qrels.tsv").read_text("utf-8").splitlines()
    gold = dict(line.split("\t")[:2] for line in qrels)
    measured = {article for question, article in gold.items() if part(question) == "test"}
    assert not measured & {row["id"] for row in written if row["set"] == "cmrc2018"}
