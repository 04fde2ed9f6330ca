from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from qa.index import Index
from qa.service import shape
from qa.service.models import AskResponse

ZH = "昌平区有多少家医药健康企业？"
EN = "How many innovative medical devices from Changping were approved?"
HANT = "昌平區有多少家醫藥健康企業？"
ELSEWHERE = "冰岛几月看极光最合适？"


def ask(client: httpx.Client, **body: object) -> dict[str, object]:
    response = client.post("/v1/ask", json=body)
    assert response.status_code == 200, response.text
    found: dict[str, object] = response.json()
    return found


def told(response: httpx.Response) -> Iterator[tuple[str, dict[str, object]]]:
    """(name, data) of each server-sent event."""
    for block in response.text.split("\n\n"):
        if block:
            name, data = block.split("\n")
            yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@pytest.mark.parametrize("question", [ZH, EN, HANT, ELSEWHERE])
def test_an_answer_has_the_documented_shape_and_nothing_else(client: httpx.Client, question: str) -> None:
    response = client.post("/v1/ask", json={"query": question})
    assert json.loads(AskResponse.model_validate_json(response.content).model_dump_json()) == response.json()


@pytest.mark.parametrize("question", [ZH, EN, HANT])
def test_each_sentence_stands_in_the_source_where_it_says(client: httpx.Client, question: str) -> None:
    given = AskResponse.model_validate(ask(client, query=question))
    assert given.answerable
    assert given.sentences
    cited = {int(citation.marker[1:-1]): citation for citation in given.citations}
    for sentence in given.sentences:
        assert sentence.supported
        assert {span.citation for span in sentence.quote_spans} == set(sentence.citations)
        for span in sentence.quote_spans:
            source = client.get(f"/v1/documents/{cited[span.citation].document_id}/source").content.decode()
            assert source[span.start : span.end] == sentence.text


def test_the_words_that_answer_are_highlighted(client: httpx.Client) -> None:
    citation = AskResponse.model_validate(ask(client, query=ZH)).citations[0]
    words = [citation.quote[start - citation.start : end - citation.start] for start, end in citation.highlights]
    assert "900余家" in words


def test_an_english_question_over_chinese_articles_says_what_follows(client: httpx.Client) -> None:
    text = str(ask(client, query=EN)["answer"])
    assert text.startswith("The sources are in Chinese; they say, in the original:\n")


def test_what_the_articles_do_not_say_is_not_answered(client: httpx.Client) -> None:
    given = AskResponse.model_validate(ask(client, query=ELSEWHERE))
    assert not given.answerable
    assert given.answer.startswith("这些文章没有回答这个问题。")
    assert given.sentences == []
    assert [citation.marker for citation in given.citations] == ["[1]", "[2]", "[3]"]
    assert "The articles do not answer" in str(ask(client, query="Is it worth paying off a mortgage early?")["answer"])


def test_a_follow_up_is_made_complete(client: httpx.Client) -> None:
    given = ask(client, query="那大兴呢？", history=["昌平区有多少家医药健康企业？"])
    assert given["searched"] == "大兴有多少家医药健康企业？"


def test_the_answer_is_what_python_gives(client: httpx.Client, corpus_index: Index) -> None:
    in_process = json.loads(shape.dumps(shape.answer(corpus_index.ask(ZH, top_k=3))))
    assert ask(client, query=ZH, top_k=3) | {"took_ms": None} == in_process | {"took_ms": None}


def test_a_stream_tells_the_hits_then_the_text_then_everything(client: httpx.Client) -> None:
    response = client.post("/v1/ask", json={"query": ZH, "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    events = list(told(response))
    names = [name for name, _ in events]
    assert names[0] == "found"
    assert names[-1] == "answer"
    assert set(names[1:-1]) == {"piece"}
    whole = events[-1][1]
    assert "".join(str(data["text"]) for name, data in events if name == "piece") == whole["answer"]
    assert whole | {"took_ms": None} == ask(client, query=ZH) | {"took_ms": None}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"query": ""}, "empty"),
        ({"query": "", "stream": True}, "empty"),
        ({"query": "x", "history": "y"}, "history"),
        ({"query": "x", "generator": "oracle"}, "generator"),
        ({"query": "x", "top_k": 0, "stream": True}, "top_k"),
    ],
)
def test_what_is_wrong_is_said(client: httpx.Client, body: object, says: str) -> None:
    response = client.post("/v1/ask", json=body)
    assert response.status_code == 400
    assert says in response.json()["error"]["message"]
