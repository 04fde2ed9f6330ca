"""Dify's external knowledge protocol, as its server calls it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from service_keys import ALL, MINE, bearing, identify

from qa.index import Index

ZH = "昌平区有多少家医药健康企业？"


@pytest.fixture(scope="module")
def locked(corpus_index: Index, serving: Any) -> Iterator[httpx.Client]:
    """The same service, with keys."""
    with serving(corpus_index, corpus_index.settings, identify=identify) as client:
        yield client


def retrieve(client: httpx.Client, **fields: object) -> httpx.Response:
    asked = {"knowledge_id": "default", "query": ZH, "retrieval_setting": {"top_k": 5, "score_threshold": 0.0}}
    return client.post("/dify/retrieval", json=asked | fields)


def records(client: httpx.Client, **fields: object) -> list[dict[str, Any]]:
    answered = retrieve(client, **fields)
    assert answered.status_code == 200, answered.text
    found: list[dict[str, Any]] = answered.json()["records"]
    return found


def condition(name: str, operator: str, value: object = None) -> dict[str, object]:
    return {"name": name, "comparison_operator": operator, "value": value}


def titles(client: httpx.Client, *conditions: dict[str, object], logical: str = "and") -> set[str]:
    asked = {"logical_operator": logical, "conditions": [*conditions]}
    found = records(client, metadata_condition=asked, retrieval_setting={"top_k": 100, "score_threshold": None})
    return {record["title"] for record in found}


def test_records_carry_text_score_title_and_where_it_stands(client: httpx.Client, corpus_index: Index) -> None:
    found = records(client)
    assert len(found) == 5
    assert "900余家" in found[0]["content"]
    for record in found:
        assert set(record) == {"content", "score", "title", "metadata"}
        assert 0 <= record["score"] <= 1
        assert None not in record["metadata"].values()
        about = record["metadata"]
        source = corpus_index.source_text(about["document_id"])
        assert source[about["start"] : about["end"]] == about["quote"]
        own = corpus_index.document(about["document_id"]).metadata.url
        assert about["url"] == own or httpx.get(about["url"]).status_code == 200


def test_the_number_and_the_least_score_are_kept_to(client: httpx.Client) -> None:
    assert len(records(client, retrieval_setting={"top_k": 2})) == 2
    assert len(records(client, retrieval_setting={"top_k": 100_000})) <= 100
    best = records(client)[0]["score"]
    kept = records(client, retrieval_setting={"top_k": 5, "score_threshold": best})
    assert [record["score"] for record in kept] == [best]
    assert records(client, retrieval_setting={"top_k": 5, "score_threshold": 1.0}) == []


def test_every_operator_agrees_with_the_documents(client: httpx.Client, corpus_index: Index) -> None:
    documents = {one.metadata.title: one for one in corpus_index.documents()}
    everything = set(documents)
    dates = {title: one.metadata.published or "" for title, one in documents.items()}
    middle = sorted(dates.values())[2]
    one = next(title for title, date in dates.items() if date == middle)
    rest = everything - {one}
    size = {title: one.characters for title, one in documents.items()}
    epoch = {"2023-11-18": 1700265600}
    linked = {title for title, one in documents.items() if one.metadata.url}
    cases: list[tuple[str, str, object, set[str]]] = [
        ("title", "contains", one[2:6], {title for title in everything if one[2:6] in title}),
        ("title", "not contains", one[2:6], {title for title in everything if one[2:6] not in title}),
        ("title", "start with", one[:4], {title for title in everything if title.startswith(one[:4])}),
        ("title", "end with", one[-4:], {title for title in everything if title.endswith(one[-4:])}),
        ("title", "contains", "%", set()),
        ("title", "contains", "_", set()),
        ("title", "is", one, {one}),
        ("title", "is not", one, rest),
        ("title", "in", [one, "nothing"], {one}),
        ("title", "not in", [one, "nothing"], rest),
        ("kind", "in", "digest, nothing", everything),
        ("url", "empty", None, everything - linked),
        ("url", "not empty", None, linked),
        ("title", "empty", None, set()),
        ("title", "not empty", None, everything),
        ("published", "=", middle, {one}),
        ("published", "≠", middle, rest),
        ("published", "before", middle, {title for title in everything if "" < dates[title] < middle}),
        ("published", "after", middle, {title for title in everything if dates[title] > middle}),
        (
            "published",
            "before",
            epoch["2023-11-18"],
            {title for title in everything if "" < dates[title] < "2023-11-18"},
        ),
        ("date", "≥", epoch["2023-11-18"] * 1000, {title for title in everything if dates[title] >= "2023-11-18"}),
        ("published", "contains", middle[:4], {title for title in everything if dates[title].startswith(middle[:4])}),
        ("characters", "=", size[one], {title for title in everything if size[title] == size[one]}),
        ("characters", ">", size[one], {title for title in everything if size[title] > size[one]}),
        ("characters", "<", str(size[one]), {title for title in everything if size[title] < size[one]}),
        ("characters", "≥", size[one], {title for title in everything if size[title] >= size[one]}),
        ("characters", "≤", size[one], {title for title in everything if size[title] <= size[one]}),
        ("characters", ">", "many", set()),
        ("url", "is", "x", set()),
        ("url", "is not", "x", everything),
        ("department", "is", "sales", set()),
        ("department", "is not", "sales", everything),
        ("department", "empty", None, everything),
        ("title", "is", "'; DROP TABLE documents; --", set()),
    ]
    for name, operator, value, expected in cases:
        assert titles(client, condition(name, operator, value)) == expected, (name, operator, value)


def test_conditions_are_joined_by_and_or_by_or(client: httpx.Client, corpus_index: Index) -> None:
    first, second = (one.metadata.title for one in corpus_index.documents()[:2])
    both = condition("title", "is", first), condition("title", "is", second)
    assert titles(client, *both) == set()
    assert titles(client, *both, logical="or") == {first, second}
    assert len(titles(client)) == 5


def test_keys_are_checked_before_the_body(locked: httpx.Client) -> None:
    probe = locked.post("/dify/retrieval", headers=bearing("wrong"))
    assert (probe.status_code, probe.json()["error_code"]) == (403, 1002)
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": ALL}):
        missing = locked.post("/dify/retrieval", headers=headers)
        assert (missing.status_code, missing.json()["error_code"]) == (403, 1001)
    registering = locked.post("/dify/retrieval", headers=bearing(ALL))
    assert registering.status_code == 400
    assert set(registering.json()) == {"error_code", "error_msg"}


def test_a_collection_that_the_key_may_not_use_is_like_one_that_is_not_there(locked: httpx.Client) -> None:
    told = []
    for name in ("default", "nowhere"):
        refused = locked.post("/dify/retrieval", json={"knowledge_id": name, "query": ZH}, headers=bearing(MINE))
        assert (refused.status_code, refused.json()["error_code"]) == (404, 2001)
        told.append(refused.json()["error_msg"].replace(name, "…"))
    assert told[0] == told[1]
    assert locked.post("/dify/retrieval", json={"knowledge_id": "default", "query": ZH}, headers=bearing(ALL)).json()[
        "records"
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"[" * 50_000,
        b'{"knowledge_id": "default"}',
        b'{"knowledge_id": "default", "query": ""}',
        b'{"knowledge_id": "default", "query": "\\ud800"}',
        b'{"knowledge_id": "default", "query": "x", "retrieval_setting": {"top_k": 0}}',
        b'{"knowledge_id": "default", "query": "x", "metadata_condition": {"conditions": [{"name": "a",'
        b' "comparison_operator": "like"}]}}',
        b'{"knowledge_id": "default", "query": "' + b"x" * 30_000 + b'"}',
    ],
)
def test_every_error_has_their_shape(client: httpx.Client, content: bytes) -> None:
    refused = client.post("/dify/retrieval", content=content)
    assert refused.status_code == 400
    assert set(refused.json()) == {"error_code", "error_msg"}
    assert len(refused.json()["error_msg"]) < 1000


def test_a_body_too_large_is_told_in_their_shape(client: httpx.Client) -> None:
    refused = client.post("/dify/retrieval", content=b"x" * 1_500_000)
    assert (refused.status_code, refused.json()["error_code"]) == (413, 413)
