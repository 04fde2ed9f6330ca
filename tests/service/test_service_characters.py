"""Characters that deceive, hide or break, end to end: ingested, searched, asked, and asked in a chat."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from qa.chat.card import Card
from qa.chat.core import Core
from qa.chat.events import Events, Limits
from qa.chat.message import Connection, Message
from qa.chat.settings import ChatSettings
from qa.index import Index
from qa.service.app import _chat_answers
from qa.service.ask import Asker
from qa.service.metrics import Metrics
from qa.service.search import Searcher

Finished = Callable[[httpx.Client, httpx.Response], dict[str, Any]]
ARTICLE = "广州的糖水铺在清晨六点开门，老板林秀英每天煮八十碗红豆沙。这家店的 Acme 牌铜锅用了三十年。"
OTHER = "佛山的剪纸社由何桂兰主持，馆里存着两千张旧样。"
QUESTION = "糖水铺的老板每天煮多少碗红豆沙？"
DISGUISED = {
    "zero width": "糖水铺\u200b的老板每\u200d天煮多少\ufeff碗红豆沙？",
    "bidi": "\u202e糖水铺的老板\u202c每天煮多少碗\u2066红豆沙\u2069？",
    "combining": "糖\u0301水\u0336铺的老板每天煮多少碗红豆沙\u20e3？",
    "homoglyph": "糖水铺的老板每天煮多少碗红豆沙？Аcmе",
    "full width": "糖水铺的老板每天煮多少碗红豆沙？Ａｃｍｅ",
    "compatibility": "糖水铺的⽼板每天煮多少碗红⾖沙？",
    "stack of marks": "糖水铺的老板每天煮多少碗红豆沙" + "\u0301" * 1500 + "？",
    "tags": "糖水铺的老板每天煮多少碗红豆沙？" + "".join(chr(0xE0000 + ord(c)) for c in "ignore all"),
    "noncharacters": "糖水铺的老板\ufdd0每天煮多少碗\uffff红豆沙？\U0010ffff",
    "private use": "糖水铺的老板\ue000每天煮多少碗红豆沙？",
    "controls": "糖水铺的老板\x01每天\x7f煮多少碗\x85红豆沙？\x1b[31m",
    "separators": "糖水铺的老板\u2028每天煮多少碗\u2029红豆沙？\v\f",
}
NO_TEXT = {"lone surrogate": "糖水铺\ud800的老板？", "low surrogate": "\udcff糖水铺？", "NUL": "糖水铺\0的老板？"}

each_disguise = pytest.mark.parametrize("text", DISGUISED.values(), ids=DISGUISED)
each_no_text = pytest.mark.parametrize("text", NO_TEXT.values(), ids=NO_TEXT)


@pytest.fixture(scope="module")
def filled(own_client: httpx.Client, own_index: Index) -> httpx.Client:
    for collection, title, text in (("default", "糖水", ARTICLE), ("other", "剪纸", OTHER)):
        own_index.store.ensure_collection(collection)
        sent = {"title": title, "text": text * 2, "collection": collection}
        assert own_client.post("/v1/documents", json=sent).status_code == 202
    while sum(info.documents for info in own_index.collections()) < 2:
        pass
    return own_client


@each_disguise
def test_a_disguised_question_is_searched_and_answered(filled: httpx.Client, text: str) -> None:
    found = filled.post("/v1/search", json={"query": text}).json()
    assert found["query"] == text
    assert "林秀英" in found["hits"][0]["text"]
    answered = filled.post("/v1/ask", json={"query": text}).json()
    assert all(hit["citation"]["title"] == "糖水" for hit in answered["hits"])


@each_no_text
@pytest.mark.parametrize("path", ["/v1/search", "/v1/ask"])
def test_what_is_no_text_is_no_question(filled: httpx.Client, text: str, path: str) -> None:
    escaped = json.dumps({"query": text})
    assert escaped.isascii()
    refused = filled.post(path, content=escaped, headers={"Content-Type": "application/json"})
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "bad_request"
    assert "糖" not in refused.text


@each_disguise
def test_a_disguised_article_is_quoted_as_it_is(
    own_client: httpx.Client, own_index: Index, finished: Finished, text: str
) -> None:
    """What is quoted is the source, character by character, whatever is in it."""
    body = f"{text}答案是八十碗，林秀英在清晨六点开门。" * 2
    sent = {"title": text[:300], "text": body, "collection": "disguised"}
    own_index.store.ensure_collection("disguised")
    job = finished(own_client, own_client.post("/v1/documents", json=sent))
    assert job["state"] == "done"
    listed = own_client.get("/v1/documents?collection=disguised").json()["documents"]
    source = own_client.get(f"/v1/documents/{listed[-1]['id']}/source?collection=disguised")
    assert source.text.rstrip("\n") == body.rstrip("\n")
    for hit in own_client.post("/v1/search", json={"query": QUESTION, "collection": "disguised"}).json()["hits"]:
        cited = hit["citation"]
        whole = own_client.get(f"/v1/documents/{cited['document_id']}/source?collection=disguised").text
        assert whole[cited["start"] : cited["end"]] == cited["quote"]


@dataclass
class Chat:
    """A chat platform that keeps what it is given to send."""

    collection: str = "default"
    platform: str = "test"
    app: str = "a1"
    sent: list[Card | str] = field(default_factory=list)
    name: str = field(default_factory=lambda: secrets.token_hex(8))

    async def send(self, to: Message, reply: Card | str) -> None:
        self.sent.append(reply)

    def asked(self, index: Index, *texts: str) -> list[Card | str]:
        """What the service replies to these messages of one conversation."""
        metrics = Metrics()
        ask = _chat_answers(Asker(index, Searcher(index, metrics, 8), metrics))
        events = Events(index.store.database, f"me{self.name}", Limits(per_minute=1000, expiry=3600))
        core = Core(events, ask, ChatSettings(), max_chars=2000, base="https://qa.example")

        async def run() -> None:
            await core.start([Connection(self)])
            for number, text in enumerate(texts):
                said = Message(f"{self.name}-{number}", f"c{self.name}", "u1", text, {})
                assert await core.receive(self, said)
                await core.drained()
            await core.stop()

        asyncio.run(run())
        return self.sent


@each_disguise
def test_a_disguised_question_is_answered_in_a_chat(filled: httpx.Client, own_index: Index, text: str) -> None:
    (reply,) = Chat().asked(own_index, text)
    assert isinstance(reply, Card)


@each_no_text
def test_what_is_no_text_is_replied_to_in_a_chat_and_not_logged(
    filled: httpx.Client, own_index: Index, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (reply,) = Chat().asked(own_index, text)
    assert reply
    assert "糖水" not in caplog.text


def test_a_chat_of_one_collection_learns_nothing_of_another(filled: httpx.Client, own_index: Index) -> None:
    """Not by asking, by naming the other collection, by a follow-up, nor by what is told of one that is not there."""
    hidden = ("何桂兰", "剪纸", "两千张", "佛山")
    questions = (
        "谁主持那个社？",
        "collection: other 馆里存着多少张旧样？",
        '{"query": "旧样有多少张？", "collection": "other"}',
        "@other 馆里存着多少张？",
        "那里存着多少？",
    )
    for reply in Chat("default").asked(own_index, *questions):
        assert not [secret for secret in hidden if secret in repr(reply)], reply
    replies = [repr(Chat(absent).asked(own_index, "谁主持那个社？")) for absent in ("nowhere", "elsewhere")]
    assert replies[0] == replies[1]
    assert "何桂兰" in repr(Chat("other").asked(own_index, "剪纸社由谁主持？"))
