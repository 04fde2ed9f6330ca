"""The OpenAI-compatible door, with OpenAI's own client as peer."""

from __future__ import annotations

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from qa.answer.extract import Piece
from qa.index import Index
from qa.service.chat_format import Renderer
from qa.service.openai import MODEL
from qa.types import AnswerSentence

ZH = "昌平区有多少家医药健康企业？"
ELSEWHERE = "冰岛几月看极光最合适？"


@pytest.fixture
def peer(client: httpx.Client) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{client.base_url}/v1", api_key="none", max_retries=0)


def user(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


def test_models_are_listed(peer: openai.OpenAI) -> None:
    assert [model.id for model in peer.models.list()] == [MODEL]
    assert peer.models.retrieve(MODEL).owned_by == "citeqa"


def test_a_completion_carries_annotations_at_its_marks(peer: openai.OpenAI) -> None:
    message = peer.chat.completions.create(model=MODEL, messages=user(ZH)).choices[0].message
    assert message.content is not None
    assert "900余家" in message.content
    assert message.annotations
    for annotation in message.annotations:
        cited = annotation.url_citation
        assert message.content[cited.start_index : cited.end_index].endswith(f"({cited.url})")
        assert httpx.get(cited.url).status_code == 200
        assert cited.title


def test_a_stream_says_the_same(peer: openai.OpenAI) -> None:
    whole = peer.chat.completions.create(model=MODEL, messages=user(ZH)).choices[0].message
    chunks = list(
        peer.chat.completions.create(
            model=MODEL, messages=user(ZH), stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == whole.content
    last = chunks[-2].choices[0]
    assert last.finish_reason == "stop"
    assert last.delta.content is None
    assert last.delta.model_extra is not None
    assert last.delta.model_extra["annotations"] == [a.model_dump() for a in whole.annotations or []]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens > 0


def test_the_helper_for_streams_assembles_it(peer: openai.OpenAI) -> None:
    with peer.chat.completions.stream(model=MODEL, messages=user(ZH)) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.annotations
    assert message.content == peer.chat.completions.create(model=MODEL, messages=user(ZH)).choices[0].message.content


def test_earlier_turns_complete_a_follow_up(peer: openai.OpenAI) -> None:
    asked = peer.chat.completions.create(
        model=MODEL,
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "大兴区有多少家医药健康企业？"}]},
            {"role": "assistant", "content": "不知道。"},
            {"role": "user", "content": "那昌平呢？"},
        ],
        temperature=0,
        user="somebody",
    )
    assert "900余家" in str(asked.choices[0].message.content)


def test_what_is_not_in_the_articles_is_said(peer: openai.OpenAI) -> None:
    content = peer.chat.completions.create(model=MODEL, messages=user(ELSEWHERE)).choices[0].message.content
    assert str(content).startswith("这些文章没有回答这个问题。")


def test_errors_raise_the_right_classes(peer: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        peer.chat.completions.create(model="gpt-9", messages=user(ZH))
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as empty:
        peer.chat.completions.create(model=MODEL, messages=user(" "))
    assert "empty" in str(empty.value)
    with pytest.raises(openai.BadRequestError):
        peer.chat.completions.create(model=MODEL, messages=[])


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"messages": 5}', b'{"messages": [{"role": 1}]}'])
def test_every_error_has_their_shape(client: httpx.Client, content: bytes) -> None:
    response = client.post("/v1/chat/completions", content=content)
    assert response.status_code == 400
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"


def test_brackets_inside_a_quote_are_no_marks(corpus_index: Index) -> None:
    hits = corpus_index.search(ZH, top_k=2).hits
    renderer = Renderer(hits, "http://here", "links")
    sentence = AnswerSentence("见文献[2]所述。", (1,), True)
    shown = renderer.piece(Piece("见文献[2]所述。[1]", sentence))
    assert shown == f"见文献[2]所述。[1](http://here/v1/documents/{hits[0].citation.document_id}/source)"
    assert [(mark.citation.marker, mark.start) for mark in renderer.marks] == [("[1]", 9)]


def test_bare_marks_and_open_webui(corpus_index: Index) -> None:
    hits = corpus_index.search(ZH, top_k=2).hits
    piece = Piece("有900余家。[1]", AnswerSentence("有900余家。", (1,), True))
    bare = Renderer(hits, "http://here", "bare")
    assert bare.piece(piece) == piece.text
    assert f"[1] {hits[0].citation.title}" in bare.sources("zh").replace("\\", "")
    other = Renderer(hits, "http://here", "open-webui")
    assert other.piece(piece) == piece.text
    assert other.sources("zh") == ""
