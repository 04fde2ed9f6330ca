"""What the page offers before a question is asked, and what it needs to show a source."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from qa.index import Index
from qa.ingest.read import read_text
from qa.service.examples import Examples, about, counting, written

ROOT = Path(__file__).parents[2]


def test_facets_name_publishers_and_dates(client: httpx.Client) -> None:
    facets = client.get("/v1/collections/default/facets").json()
    assert {"name": "中新网", "documents": 1} in facets["publishers"]
    assert (facets["published_from"], facets["published_to"]) == ("2022-09-17", "2024-12-02")


def test_the_publisher_with_most_documents_comes_first(own_index: Index, own_client: httpx.Client) -> None:
    texts = [("甲报", "2021-03-04"), ("乙报", None), ("乙报", "2020-01-02"), (None, None)]
    sources = [
        read_text(f"第{i}篇", f"第{i}篇文章的正文，讲的是第{i}件事。", publisher=name, published=day)
        for i, (name, day) in enumerate(texts)
    ]
    own_index.ingest_sources(sources, collection="papers")
    facets = own_client.get("/v1/collections/papers/facets").json()
    assert facets["publishers"] == [{"name": "乙报", "documents": 2}, {"name": "甲报", "documents": 1}]
    assert (facets["published_from"], facets["published_to"]) == ("2020-01-02", "2021-03-04")


@pytest.mark.parametrize("route", ["facets", "examples"])
def test_a_collection_that_is_not_there_is_not_found(client: httpx.Client, route: str) -> None:
    assert client.get(f"/v1/collections/none/{route}").status_code == 404


def test_examples_are_questions_that_the_collection_answers(client: httpx.Client) -> None:
    for language in ("zh", "en"):
        questions = client.get("/v1/collections/default/examples", params={"language": language}).json()["questions"]
        assert 1 <= len(questions) <= 4
        for question in questions:
            assert client.post("/v1/search", json={"query": question}).json()["answerable"], question


def test_other_languages_are_refused(client: httpx.Client) -> None:
    assert client.get("/v1/collections/default/examples", params={"language": "fr"}).status_code == 400


def test_examples_are_made_of_the_collection_where_none_are_written(own_index: Index, tmp_path: Path) -> None:
    text = "扎龙湿地巡护站共有丹顶鹤三百只。今年春天扎龙湿地巡护站共投喂玉米460家农户的余粮，鹤群平安过冬。"
    own_index.ingest_sources([read_text("扎龙湿地的丹顶鹤", text)], collection="cranes")
    questions = Examples(own_index, tmp_path / "none.json").questions("cranes", "zh")
    assert questions
    assert set(questions) <= {"今年春天扎龙湿地巡护站共投喂玉米多少家农户的余粮？", "“扎龙湿地的丹顶鹤”讲了什么？"}


def test_examples_are_looked_for_anew_when_the_collection_has_changed(own_index: Index, tmp_path: Path) -> None:
    examples = Examples(own_index, tmp_path / "none.json")
    own_index.create_collection("filling")
    assert examples.questions("filling", "zh") == []
    own_index.ingest_sources(
        [read_text("漠河的邮局", "漠河的邮局冬至那天共有1200封信寄出，局长是赵平。")], collection="filling"
    )
    assert examples.questions("filling", "zh") == ["“漠河的邮局”讲了什么？"]


def test_a_figure_is_asked_for() -> None:
    text = "首届生物医药产业发展临空大会共有200余位专家代表出席，其中有药品监管人员。"
    assert list(counting(text)) == ["首届生物医药产业发展临空大会共有多少位专家代表出席？"]


@pytest.mark.parametrize("text", ["", "会议在2024年8月31日举行。", "共有5家，", "没有数字的一句话，"])
def test_where_no_figure_counts_something_nothing_is_asked(text: str) -> None:
    assert list(counting(text)) == []


def test_titles_are_asked_about_in_their_own_language() -> None:
    assert list(about("The price of onions", "en")) == ["What does “The price of onions” say?"]
    assert list(about("洋葱的价格", "en")) == []


def test_the_shipped_examples_come_in_both_languages() -> None:
    path = ROOT / "corpus" / "examples.json"
    assert len(written(path, "zh")) == len(written(path, "en")) == len(json.loads(path.read_text(encoding="utf-8")))


def test_what_is_not_shown_of_a_source_is_told_with_its_rule(client: httpx.Client) -> None:
    for document in client.get("/v1/documents").json()["documents"]:
        address = f"/v1/documents/{document['id']}"
        source = client.get(f"{address}/source").content.decode()
        removed = client.get(f"{address}/removed").json()["removed"]
        assert removed[0]["rule"] == "front matter"
        assert source[removed[0]["start"] : removed[0]["end"]].startswith("---\ntitle:")
        assert all(one["start"] < one["end"] for one in removed)
        assert all(a["end"] <= b["start"] for a, b in zip(removed, removed[1:], strict=False))
