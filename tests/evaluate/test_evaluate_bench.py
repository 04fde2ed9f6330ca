"""Folders in bench shape: what is read, what is refused, which rounds of questions they make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qa.errors import EvalError
from qa.evaluate.bench import Article, content, language_of, load, only_sample, untitled
from qa.evaluate.trial import rounds, sources

ARTICLES: list[dict[str, Any]] = [
    {"id": "a.zh", "title": "灯塔", "text": "岬角上的灯塔建于1891年。", "lang": "zh"},
    {"id": "a.en", "title": "Lighthouse", "text": "The lighthouse on the cape dates from 1891.", "lang": "en"},
    {"id": "b.zh", "title": "渡船", "text": "渡船每天开四班。", "lang": "zh-Hans"},
]
QUERIES: list[dict[str, Any]] = [
    {"id": "q1.zh", "qid": "q1", "text": "灯塔是哪年建的？", "lang": "zh-Hant"},
    {"id": "q1.en", "qid": "q1", "text": "When was the lighthouse built?", "lang": "en"},
    {"id": "q2.zh", "text": "渡船票价多少？", "lang": "zh", "answerable": False},
]


def folder(path: Path, qrels: dict[str, str] | None = None, **files: list[dict[str, Any]]) -> Path:
    for name, rows in ({"corpus": ARTICLES, "queries": QUERIES} | files).items():
        (path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    for name, text in ({"qrels.tsv": "q1.zh\ta.zh\t1\nq1.zh\ta.en\t1\n"} if qrels is None else qrels).items():
        (path / name).write_text(text, "utf-8")
    return path


def refused(path: Path) -> str:
    with pytest.raises(EvalError) as caught:
        load(path)
    return str(caught.value)


def test_a_folder_is_read(tmp_path: Path) -> None:
    (bench,) = [load(folder(tmp_path))]
    assert bench.name == tmp_path.name
    assert [article.language for article in bench.articles] == ["zh", "en", "zh"]
    assert [query.need for query in bench.queries] == ["q1", "q1", "q2.zh"]
    assert bench.queries[0].language == "zh"
    assert bench.directions[0].judgements == {"q1.zh": {"a.zh": 1, "a.en": 1}}


def test_a_header_of_qrels_is_skipped(tmp_path: Path) -> None:
    bench = load(folder(tmp_path, {"qrels.tsv": "query-id\tdoc-id\trelevance\nq1.zh\ta.zh\t2\n\n"}))
    assert bench.directions[0].judgements == {"q1.zh": {"a.zh": 2}}


def test_language_codes() -> None:
    codes = ("zh", "zh-Hant", "ZH_tw", "en", "en-GB", "ja")
    assert [language_of(code) for code in codes] == ["zh", "zh", "zh", "en", "en", "other"]


def test_each_file_of_judgements_is_a_direction(tmp_path: Path) -> None:
    qrels = {"qrels.tsv": "q1.zh\ta.zh\t1\n", "qrels.en-zh.tsv": "q1.en\ta.zh\t1\n", "qrels.md.tsv": "not one\n"}
    asked = rounds(load(folder(tmp_path, qrels)))
    found = [(one.query.id, one.cell, one.passage) for one in asked]
    assert found == [("q1.en", "en-zh", "zh"), ("q1.zh", "zh-all", None), ("q2.zh", "zh-all", None)]


def test_all_articles_of_one_language_name_the_cell(tmp_path: Path) -> None:
    corpus = [ARTICLES[0], ARTICLES[2]]
    asked = rounds(load(folder(tmp_path, {"qrels.tsv": "q1.zh\ta.zh\t1\nq1.en\ta.zh\t1\n"}, corpus=corpus)))
    assert [(one.query.id, one.cell) for one in asked] == [("q1.zh", "zh-zh"), ("q1.en", "en-zh"), ("q2.zh", "zh-zh")]


def test_without_judgements_questions_go_to_their_candidates(tmp_path: Path) -> None:
    queries = [
        {"id": "q1", "text": "灯塔哪年建的？", "lang": "zh", "answerable": True, "candidate_ids": ["a.zh", "b.zh"]},
        {"id": "q2", "text": "Any ferries?", "lang": "en", "answerable": False, "candidate_ids": ["a.en"]},
    ]
    asked = rounds(load(folder(tmp_path, {}, queries=queries)))
    assert [(one.cell, one.candidates) for one in asked] == [("zh-zh", ("a.zh", "b.zh")), ("en-en", ("a.en",))]


def test_nothing_to_measure_with(tmp_path: Path) -> None:
    queries = [{"id": "q1", "text": "灯塔哪年建的？", "lang": "zh"}]
    assert "has no qrels*.tsv" in refused(folder(tmp_path, {}, queries=queries))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("q1.zh a.zh 1", "line 2: not `question id, article id, whole number`"),
        ("q1.zh\ta.zh\thigh", "line 2: not `question id, article id, whole number`"),
        ("q9\ta.zh\t1", "line 2: no question 'q9'"),
        ("q1.en\tz\t1", "line 2: no article 'z'"),
        ("q1.zh\ta.zh\t1", "line 2: question 'q1.zh' is in another language"),
    ],
)
def test_wrong_judgements_are_named_by_line(tmp_path: Path, line: str, said: str) -> None:
    message = refused(folder(tmp_path, {"qrels.en-zh.tsv": f"q1.en\ta.zh\t1\n{line}\n"}))
    assert message.startswith("qrels.en-zh.tsv has 1 problem")
    assert said in message


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"corpus": [ARTICLES[0], ARTICLES[0]]}, "line 2: id 'a.zh' stands in line 1 already"),
        ({"corpus": [{**ARTICLES[0], "text": ""}]}, "line 1: `text` has to be a string"),
        ({"corpus": [{**ARTICLES[0], "lang": None}]}, "line 1: `lang` has to be a string"),
        ({"queries": [{**QUERIES[0], "answerable": "no"}]}, "line 1: `answerable` has to be true or false"),
        ({"queries": [{**QUERIES[0], "candidate_ids": "a.zh"}]}, "line 1: `candidate_ids` has to be a list"),
        ({"queries": [{**QUERIES[0], "candidate_ids": ["z"]}]}, "question 'q1.zh': no article 'z'"),
        ({"queries": []}, "is empty"),
    ],
)
def test_wrong_rows_are_named_by_line(tmp_path: Path, files: dict[str, Any], said: str) -> None:
    assert said in refused(folder(tmp_path, **files))


def test_a_folder_without_articles(tmp_path: Path) -> None:
    assert "corpus.jsonl cannot be read" in refused(tmp_path)


def article(title: str, language: str) -> Article:
    return Article(title, title, "text", language)  # type: ignore[arg-type]


def test_a_title_in_another_language_is_left_out() -> None:
    articles = [article("灯塔的历史", "zh"), article("渡船的班次", "zh"), article("Apollo program", "zh")]
    assert [one.title for one in untitled(articles)] == ["灯塔的历史", "渡船的班次", ""]


def test_titles_of_one_language_for_texts_of_two_are_all_left_out() -> None:
    articles = [article("Lighthouse history", "zh"), article("Lighthouse history", "en"), article("", "zh")]
    assert [one.title for one in untitled(articles)] == ["", "", ""]


def test_a_title_without_letters_stays() -> None:
    assert untitled([article("1984", "zh")])[0].title == "1984"


def test_what_is_indexed_names_the_index_and_the_questions_do_not(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "three").mkdir()
    one = load(folder(tmp_path / "one"))
    two = load(folder(tmp_path / "two", queries=QUERIES[:2]))
    three = load(folder(tmp_path / "three", corpus=[{**ARTICLES[0], "text": "别的。"}, *ARTICLES[1:]]))
    assert content(one) == content(two) != content(three)
    assert one.sha256 != two.sha256


def test_articles_become_sources(tmp_path: Path) -> None:
    first = next(sources(load(folder(tmp_path))))
    assert (first.name, first.locator, first.text) == ("a.zh", "a.zh", ARTICLES[0]["text"])
    assert first.metadata.title == "灯塔"


def test_a_sample_keeps_needs_whole(tmp_path: Path) -> None:
    bench = load(folder(tmp_path))
    assert {query.need for query in only_sample(bench.queries, 2)} in ({"q1"}, {"q2.zh"})
    assert only_sample(bench.queries, 99) == list(bench.queries)
