"""The OpenAI-compatible door, with OpenAI's own client as peer."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from service_keys import ALL, MINE, identify

from qa.answer.extract import Piece
from qa.index import Index
from qa.service import events
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
    cited = hits[0].citation
    where = f"start={cited.start}&end={cited.end}&sha256={cited.sha256}"
    assert shown == f"见文献[2]所述。[1](http://here/documents/{cited.document_id}?{where})"
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


@pytest.fixture
def web_ui(corpus_index: Index, serving: Any) -> Iterator[httpx.Client]:
    chosen = corpus_index.settings.model_copy(update={"chat_citations": "open-webui"})
    with serving(corpus_index, chosen) as client:
        yield client


def test_open_webui_gets_its_passages_in_the_order_of_the_marks(web_ui: httpx.Client) -> None:
    """That client merges sources of one id or one name, and numbers what is left (its Citations.svelte)."""
    asked = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "昌平区的医药健康产业怎么样？"}]}
    with web_ui.stream("POST", "/v1/chat/completions", json=asked) as stream:
        lines = [line.removeprefix("data: ") for line in stream.iter_lines() if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    chunks = [json.loads(line) for line in lines[:-1]]
    sources = [chunk["event"]["data"] for chunk in chunks if "event" in chunk]
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    marks = {int(mark) for mark in re.findall(r"\[(\d+)\]", text)}
    assert marks
    assert max(marks) == len(sources)
    ids = [one["source"] for each in sources for one in each["metadata"]]
    names = [one["name"] for each in sources for one in each["metadata"]]
    assert len(set(ids)) == len(set(names)) == len(sources)
    assert [name.split(".")[0] for name in names] == [str(number) for number in range(1, len(sources) + 1)]
    assert not any("annotations" in chunk["choices"][0]["delta"] for chunk in chunks)
    assert all(len(each["document"]) == len(each["metadata"]) == 1 for each in sources)


def test_a_wrong_key_raises_the_right_class(corpus_index: Index, serving: Any) -> None:
    with serving(corpus_index, corpus_index.settings, identify=identify) as locked:
        stranger = openai.OpenAI(base_url=f"{locked.base_url}/v1", api_key="wrong-key", max_retries=0)
        with pytest.raises(openai.AuthenticationError) as refused:
            stranger.models.list()
        assert refused.value.code == "invalid_api_key"
        assert "wrong-key" not in str(refused.value)
        reader = openai.OpenAI(base_url=f"{locked.base_url}/v1", api_key=MINE, max_retries=0)
        with pytest.raises(openai.NotFoundError):
            reader.chat.completions.create(model=MODEL, messages=user(ZH))
        owner = openai.OpenAI(base_url=f"{locked.base_url}/v1", api_key=ALL, max_retries=0)
        assert "900余家" in str(
            owner.chat.completions.create(model=MODEL, messages=user(ZH)).choices[0].message.content
        )


@pytest.mark.parametrize("text", ["文" * 30_000, "\x00", "🧬" * 500])
def test_what_cannot_be_a_question_is_refused_shortly(peer: openai.OpenAI, text: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        peer.chat.completions.create(model=MODEL, messages=user(text))
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "\u202e昌平", "'; DROP TABLE documents; --"])
def test_hostile_questions_are_answered_like_others(peer: openai.OpenAI, text: str) -> None:
    assert peer.chat.completions.create(model=MODEL, messages=user(text)).choices[0].message.content


def test_a_slow_answer_is_kept_alive() -> None:
    async def slowly() -> AsyncIterator[str]:
        yield "one"
        await anyio.sleep(0.3)
        yield "two"

    async def collect() -> list[str]:
        return [part async for part in events.alive(slowly(), seconds=0.05)]

    told = anyio.run(collect)
    assert [part for part in told if part != events.KEEP_ALIVE] == ["one", "two"]
    assert told[1] == events.KEEP_ALIVE
