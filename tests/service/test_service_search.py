from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import anyio
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa.errors import BusyError
from qa.index import Index
from qa.service import shape
from qa.service.access import OWNER
from qa.service.metrics import Metrics
from qa.service.models import SearchRequest, SearchResponse
from qa.service.search import THREADS, Searcher
from qa.types import Filters

ZH = "河北医药行业总体规模在全国排名如何？"
EN = "Who is the president of the Beijing pharmaceutical industry association?"


def ask(client: httpx.Client, **body: object) -> httpx.Response:
    return client.post("/v1/search", json=body)


def error(response: httpx.Response) -> dict[str, str]:
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "hint"}
    found: dict[str, str] = body["error"]
    return found


@pytest.mark.parametrize("question", [ZH, EN])
def test_an_answer_has_the_documented_shape_and_nothing_else(client: httpx.Client, question: str) -> None:
    response = ask(client, query=question)
    assert response.status_code == 200
    parsed = SearchResponse.model_validate_json(response.content)
    assert json.loads(parsed.model_dump_json()) == response.json()
    assert [hit.rank for hit in parsed.hits] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("question", [ZH, EN])
def test_every_citation_checks_out_against_the_source(client: httpx.Client, question: str) -> None:
    for hit in ask(client, query=question, top_k=10).json()["hits"]:
        cited = hit["citation"]
        source = client.get(f"/v1/documents/{cited['document_id']}/source").content.decode()
        assert source[cited["start"] : cited["end"]] == cited["quote"]
        assert hashlib.sha256(cited["quote"].encode()).hexdigest() == cited["sha256"]
        for start, end in cited["highlights"]:
            assert cited["start"] <= start < end <= cited["end"]


def test_the_answer_is_what_python_gives(client: httpx.Client, corpus_index: Index) -> None:
    over_http = ask(client, query=ZH, top_k=3).json()
    in_process = json.loads(shape.dumps(shape.search(corpus_index.search(ZH, top_k=3))))
    assert over_http | {"took_ms": None} == in_process | {"took_ms": None}


def test_filters_reach_the_search(client: httpx.Client, corpus_index: Index) -> None:
    hits = ask(client, query="生物医药", filters={"published_from": "2024-09-01", "published_to": "2024-09-30"}).json()[
        "hits"
    ]
    assert {hit["citation"]["published"] for hit in hits} == {"2024-09-02"}
    one = corpus_index.search("生物医药", filters=Filters(publisher="新京报")).hits[0].citation.document_id
    hits = ask(client, query="昌平", filters={"document_ids": [one]}).json()["hits"]
    assert {hit["citation"]["publisher"] for hit in hits} == {"新京报"}
    assert ask(client, query="昌平", filters={"document_ids": ["no such"]}).json()["hits"] == []


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({"query": ""}, "bad_question", "empty"),
        ({"query": " 　\n"}, "bad_question", "empty"),
        ({"query": "问" * 100_000}, "bad_question", "100,000"),
        ({"query": "x", "top_k": 0}, "bad_question", "top_k"),
        ({"query": "x", "top_k": 10_000}, "bad_question", "top_k"),
        ({"query": "x", "top_k": "5"}, "bad_request", "top_k"),
        ({"query": "x", "top_k": True}, "bad_request", "top_k"),
        ({"query": "x", "top_k": 2.5}, "bad_request", "top_k"),
        ({"query": 5}, "bad_request", "query"),
        ({"query": "x\0y"}, "bad_request", "query"),
        ({}, "bad_request", "query: Field required"),
        ({"query": "x", "topk": 3}, "bad_request", "topk: there is no such field"),
        ({"query": "x", "filters": {"author": "y"}}, "bad_request", "filters.author: there is no such field"),
        ({"query": "x", "filters": {"published_from": "2024-13-01"}}, "bad_request", "filters.published_from"),
        ({"query": "x", "filters": {"published_to": "20240901"}}, "bad_request", "filters.published_to"),
        ({"query": "x", "filters": {"language": "fr"}}, "bad_request", "filters.language"),
        ({"query": "x", "filters": {"document_ids": ["a"] * 1001}}, "bad_request", "filters.document_ids"),
    ],
)
def test_what_is_wrong_is_said(client: httpx.Client, body: object, code: str, says: str) -> None:
    response = client.post("/v1/search", json=body)
    assert response.status_code == 400
    assert error(response)["code"] == code
    assert says in error(response)["message"]
    assert error(response)["hint"]


def test_an_unknown_collection_is_not_found(client: httpx.Client) -> None:
    response = ask(client, query="x", collection="nowhere")
    assert response.status_code == 404
    assert "nowhere" in error(response)["message"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"query": "\\ud800"}', b'{"query": NaN}', b"null"],
)
def test_a_body_that_is_no_request_is_refused(client: httpx.Client, content: bytes) -> None:
    response = client.post("/v1/search", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert error(response)["message"]


def test_a_body_without_its_type_is_refused_with_the_header_to_send(client: httpx.Client) -> None:
    response = client.post("/v1/search", content=b'{"query": "x"}', headers={"Content-Type": "text/plain"})
    assert response.status_code == 400
    assert "Content-Type: application/json" in error(response)["hint"]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["query", "top_k", "collection", "filters", "x"]), inner, max_size=4)
        ),
        max_leaves=6,
    )
)
def test_whatever_is_sent_is_answered_in_one_shape(client: httpx.Client, body: object) -> None:
    content = json.dumps(body).encode()
    response = client.post("/v1/search", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code in (200, 400, 404)
    if response.status_code != 200:
        error(response)


def test_searches_beyond_the_queue_are_told_to_come_back(corpus_index: Index) -> None:
    searcher = Searcher(corpus_index, Metrics(), max_waiting=1)
    outcomes: list[int] = []

    async def search() -> None:
        try:
            await searcher.search(SearchRequest(query=ZH), OWNER)
            outcomes.append(200)
        except BusyError as error:
            outcomes.append(error.status)

    async def flood() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(THREADS + 4):
                group.start_soon(search)

    anyio.run(flood)
    # All are started before any has ended: each thread takes one, one waits, three are refused.
    assert sorted(outcomes) == [200] * (THREADS + 1) + [503] * 3


def test_many_at_a_time_get_the_answers_that_one_alone_gets(client: httpx.Client) -> None:
    questions = [ZH, EN, "昌平", "首届生物医药产业发展临空大会由谁主办？"] * 4
    alone = {question: ask(client, query=question).json()["hits"] for question in set(questions)}
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda question: ask(client, query=question).json()["hits"], questions))
    assert together == [alone[question] for question in questions]
