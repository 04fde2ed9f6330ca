"""What a head start for the other language does to a collection that tells everything in both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import qa
from qa.errors import EvalError
from qa.evaluate import bench as benches
from qa.evaluate import trial
from qa.evaluate.bench import Bench
from qa.evaluate.head_start import BOTH, OTHER, OWN, main, sweep, versions
from qa.index import Index
from qa.types import DEFAULT_COLLECTION

ARTICLES = [
    ("mill.zh", "zh", "柳湾的水磨由铁匠祝大同在一八八二年修建，至今仍在磨面。"),
    (
        "mill.en",
        "en",
        "The water mill of Liuwan was built in 1882 by the blacksmith Zhu Datong and still grinds flour.",
    ),
    ("school.zh", "zh", "柳湾小学有学生一百四十名，教师九名。"),
    ("school.en", "en", "The primary school of Liuwan has one hundred and forty pupils and nine teachers."),
    ("well.zh", "zh", "村口的老井深二十六米，井水冬暖夏凉。"),
]
QUESTIONS = [
    ("q1.zh", "zh", "柳湾的水磨是谁修建的？", ["mill.zh", "mill.en"]),
    ("q1.en", "en", "Who built the water mill of Liuwan?", ["mill.en", "mill.zh"]),
    ("q2.zh", "zh", "老井有多深？", ["well.zh"]),
]


def folder_of(place: Path, questions: list[tuple[str, str, str, list[str]]]) -> Path:
    """A bench folder, the judgements of each pair of languages in a file of its own."""
    texts = [{"id": name, "lang": language, "title": "", "text": text} for name, language, text in ARTICLES]
    asked = [{"id": name, "lang": language, "text": text} for name, language, text, _ in questions]
    for file, rows in (("corpus.jsonl", texts), ("queries.jsonl", asked)):
        (place / file).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    for passage in ("zh", "en"):
        for query in ("zh", "en"):
            lines = [
                f"{name}\t{article}\t1"
                for name, language, _, right in questions
                for article in right
                if language == query and article.endswith(passage)
            ]
            if lines:
                (place / f"qrels.{query}-{passage}.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    return place


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return benches.load(folder_of(tmp_path_factory.mktemp("bench"), QUESTIONS))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, bench: Bench) -> Iterator[Index]:
    with qa.open(tmp_path_factory.mktemp("versions") / "index") as made:
        made.ingest_sources(trial.sources(bench))
        yield made


def test_a_question_is_put_to_three_collections(bench: Bench) -> None:
    made = [(answered_by, one.query.id, set(one.judgements)) for answered_by, one in versions(bench)]
    assert made == [
        (BOTH, "q1.zh", {"mill.zh", "mill.en"}),
        (OTHER, "q1.zh", {"mill.en"}),
        (OWN, "q1.zh", {"mill.zh"}),
        (BOTH, "q1.en", {"mill.zh", "mill.en"}),
        (OTHER, "q1.en", {"mill.zh"}),
        (OWN, "q1.en", {"mill.en"}),
    ], "the well stands in one language only"
    left = {answered_by: set(one.candidates) for answered_by, one in versions(bench) if one.query.id == "q1.zh"}
    everything = {name for name, _, _ in ARTICLES}
    assert left == {BOTH: set(), OTHER: everything - {"mill.zh"}, OWN: everything - {"mill.en"}}


def test_a_large_head_start_brings_the_other_language_first_and_a_negative_one_the_own(
    index: Index, bench: Bench
) -> None:
    figures = list(sweep(index, bench, DEFAULT_COLLECTION, [-5.0, 5.0]))
    hits = {(one.value, one.language, one.answered_by): one.hit for one in figures}
    assert len(figures) == 12
    assert {one.queries for one in figures} == {1}
    for language in ("zh", "en"):
        assert (hits[-5.0, language, OTHER], hits[-5.0, language, OWN]) == (0.0, 1.0)
        assert (hits[5.0, language, OTHER], hits[5.0, language, OWN]) == (1.0, 0.0)
        assert hits[-5.0, language, BOTH] == hits[5.0, language, BOTH] == 1.0


def test_a_set_in_one_language_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path, QUESTIONS[2:])
    with pytest.raises(EvalError, match="articles in both languages"):
        list(versions(benches.load(folder)))
    with pytest.raises(SystemExit):
        main([str(folder / "queries.jsonl")])
    assert "is no folder" in capsys.readouterr().err
