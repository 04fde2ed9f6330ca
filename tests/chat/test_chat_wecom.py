"""A WeCom AI bot over HTTP on loopback: what it may send, what it gets, where an unfetched answer goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cn_wecom
import httpx
import pytest
from chat_parts import answer, citation
from cn_service import Place, everything_logged, place
from cn_vendor import SILENCE, Reply, Vendor, running
from pydantic import SecretStr, ValidationError

from qa.chat import wecom
from qa.chat.core import Core
from qa.chat.message import Connection
from qa.chat.push import ATTEMPTS, Pusher
from qa.chat.wecom import MAX_BYTES, Gate, WeCom, WeComSettings
from qa.chat.wecom_stream import ELSEWHERE, LOST, SEARCHING, Streams


@dataclass
class Clock:
    """``ahead``: seconds that the service believes to be later. ``slow``: seconds that one of its waits takes."""

    ahead: float = 0.0
    slow: float = 0.05

    def now(self) -> float:
        return time.time() + self.ahead

    async def sleep(self, _seconds: float) -> None:
        await asyncio.sleep(self.slow)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with running(Vendor(lambda call: Reply(200, {"errcode": 0, "errmsg": "ok"}))) as here:
        yield here


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def here(vendor: Vendor, clock: Clock, tmp_path: Path) -> Iterator[Place]:
    settings = WeComSettings(token=SecretStr(cn_wecom.TOKEN), aes_key=SecretStr(cn_wecom.KEY), domain=vendor.url)

    def connect(core: Core, pusher: Pusher) -> Connection:
        streams = Streams(core.events, "wecom", "bot")
        adapter = WeCom(settings, streams, pusher, clock.now, clock.sleep)
        return Connection(adapter, (wecom.routes(adapter, Gate(settings), core, streams),))

    with everything_logged() as log:
        with place(tmp_path, connect) as made:
            yield made
        ours = [line for line in log if not line.startswith(("httpx", "httpcore", "uvicorn"))]
        for secret in (*cn_wecom.SECRETS, "刘海"):
            assert not [line for line in ours if secret in line], "a secret or an answer is in the log"
        assert not [line for line in log if cn_wecom.CODE in line]


def test_the_address_is_checked(here: Place) -> None:
    sealed = cn_wecom.seal("echo 四")
    said = httpx.get(f"{here.url}/chat/wecom/events", params=cn_wecom.query(sealed) | {"echostr": sealed})
    assert (said.status_code, said.text) == (200, "echo 四")
    for wrong in ({"msg_signature": "0" * 40}, {"nonce": "x"}, {"echostr": sealed[:-4]}, cn_wecom.query(sealed, 1000)):
        asked = cn_wecom.query(sealed) | {"echostr": sealed} | wrong
        assert httpx.get(f"{here.url}/chat/wecom/events", params=asked).status_code == 401


def test_a_stream_begins_at_once_and_ends_with_the_answer(here: Place, vendor: Vendor) -> None:
    here.asked.open.clear()
    begun = cn_wecom.stream(cn_wecom.send(here.url, cn_wecom.callback(vendor.url)))
    assert begun == {"id": begun["id"], "finish": False, "content": SEARCHING}
    assert cn_wecom.poll(here.url, begun["id"]) == begun
    here.asked.open.set()
    told = cn_wecom.followed(here.url, begun["id"])
    assert told["content"].startswith("巡护员刘海每天投喂玉米二百斤。[1]\n\n**来源**")
    assert "[扎龙的鹤](https://news.example/a-b?id=1#:~:text=" in told["content"]
    assert "> 巡护员刘海每天投喂玉米二百斤。" in told["content"]
    assert here.settled(begun["id"]) == "answered"
    assert cn_wecom.poll(here.url, begun["id"]) == told
    assert not vendor.calls


def test_what_is_not_from_the_platform_is_refused(here: Place, vendor: Vendor) -> None:
    content = cn_wecom.callback(vendor.url)
    assert cn_wecom.send(here.url, content, token="another").status_code == 401
    assert cn_wecom.send(here.url, content, stamp=int(time.time()) - 301).status_code == 401
    sealed = cn_wecom.seal("{}")
    for body, asked in (
        ({"encrypt": sealed + "AAAA"}, cn_wecom.query(sealed)),
        ({"encrypt": "AAAA"}, cn_wecom.query("AAAA")),
        ({}, cn_wecom.query("")),
        ({"encrypt": sealed}, {}),
    ):
        said = httpx.post(f"{here.url}/chat/wecom/events", json=body, params=asked)
        assert said.status_code == 401
        assert said.json()["error"]["code"] == "bad_signature"
    assert not here.asked.questions


def test_a_message_that_comes_again_gets_the_stream_as_far_as_it_has_come(here: Place, vendor: Vendor) -> None:
    here.asked.open.clear()
    content = cn_wecom.callback(vendor.url)
    with ThreadPoolExecutor(10) as threads:
        begun = list(threads.map(lambda _: cn_wecom.stream(cn_wecom.send(here.url, content)), range(10)))
    assert all(each == begun[0] for each in begun)
    here.asked.open.set()
    told = cn_wecom.followed(here.url, begun[0]["id"])
    assert cn_wecom.stream(cn_wecom.send(here.url, content)) == told
    assert len(here.asked.questions) == 1


def test_an_answer_that_nobody_fetches_is_posted_once(here: Place, vendor: Vendor, clock: Clock) -> None:
    clock.slow = 0
    begun = cn_wecom.stream(cn_wecom.send(here.url, cn_wecom.callback(vendor.url)))
    (call,) = vendor.wait("/aibot/response")
    assert call.path.endswith(f"response_code={cn_wecom.CODE}")
    assert call.body["msgtype"] == "markdown"
    assert call.body["markdown"]["content"].startswith("巡护员刘海")
    assert here.settled(begun["id"]) == "answered"
    assert cn_wecom.poll(here.url, begun["id"]) == {"id": begun["id"], "finish": True, "content": ELSEWHERE}
    assert len(vendor.calls) == 1


def test_an_answer_later_than_the_platform_waits_is_posted(here: Place, vendor: Vendor, clock: Clock) -> None:
    here.asked.open.clear()
    cn_wecom.send(here.url, cn_wecom.callback(vendor.url))
    clock.ahead, clock.slow = 361, 1000
    here.asked.open.set()
    assert len(vendor.wait("/aibot/response")) == 1


def test_a_reply_address_of_another_host_is_not_used(here: Place, vendor: Vendor, clock: Clock) -> None:
    clock.slow = 0
    url = "http://127.0.0.1:9/cgi-bin/aibot/response"
    begun = cn_wecom.stream(cn_wecom.send(here.url, cn_wecom.callback(vendor.url, response_url=url)))
    assert here.settled(begun["id"]) == "failed"
    assert not vendor.calls
    assert cn_wecom.poll(here.url, begun["id"])["content"].startswith("巡护员刘海")


@pytest.mark.parametrize(
    ("reply", "state", "calls"),
    [
        ([Reply(429), Reply(500), Reply(200, {"errcode": -1})], "answered", 4),
        ([Reply(200, {"errcode": 60140, "errmsg": "expired"})], "failed", 1),
        ([Reply(503)] * ATTEMPTS, "failed", ATTEMPTS),
        ([SILENCE, Reply(200, {"errcode": 60140})], "failed", 2),
    ],
    ids=["busy", "refused", "ill", "unclear"],
)
def test_a_platform_that_is_not_well(
    here: Place, vendor: Vendor, clock: Clock, reply: list[Reply], state: str, calls: int
) -> None:
    clock.slow, vendor.next = 0, reply
    begun = cn_wecom.stream(cn_wecom.send(here.url, cn_wecom.callback(vendor.url)))
    assert here.settled(begun["id"]) == state
    assert len(vendor.calls) == calls


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"text": {"content": "鹤" * 10_000}}, "问题太长"),
        ({"msgtype": "image", "image": {"url": "https://x"}}, "我只能读文字"),
    ],
    ids=["30 KB", "image only"],
)
def test_what_cannot_be_asked_is_told(here: Place, vendor: Vendor, changes: dict[str, object], said: str) -> None:
    begun = cn_wecom.stream(cn_wecom.send(here.url, cn_wecom.callback(vendor.url) | changes))
    assert said in cn_wecom.followed(here.url, begun["id"])["content"]
    assert not here.asked.questions


def test_what_happens_in_a_chat_is_acknowledged_and_an_unknown_stream_is_ended(here: Place) -> None:
    entered = {"msgid": "e", "msgtype": "event", "event": {"eventtype": "enter_chat"}, "from": {"userid": "zhang"}}
    said = cn_wecom.send(here.url, entered)
    assert (said.status_code, said.content) == (200, b"")
    assert cn_wecom.poll(here.url, "unknown") == {"id": "unknown", "finish": True, "content": LOST}


def test_who_asks_too_fast_is_told_once_and_then_nothing(here: Place, vendor: Vendor, clock: Clock) -> None:
    clock.slow = 0
    said = [cn_wecom.send(here.url, cn_wecom.callback(vendor.url, msgid=f"m{n}")) for n in range(22)]
    assert said[21].content == b""
    posted = [call.body["markdown"]["content"] for call in vendor.wait("/aibot/response", 21)]
    assert [text for text in posted if "提问太快了" in text] == ["提问太快了，请过一分钟再继续。"]


def test_an_answer_keeps_within_the_limit_and_forges_no_link(here: Place, vendor: Vendor) -> None:
    evil = "<font> [x](https://evil.example) <@all> ![](https://evil.example/p.png) " * 40
    many = [citation(n, title=evil, quote=evil + "。" * 400, start=100) for n in range(1, 60)]
    here.asked.answer = lambda text: answer(text, *many, text=evil * 30)
    begun = cn_wecom.stream(cn_wecom.send(here.url, cn_wecom.callback(vendor.url)))
    content = cn_wecom.followed(here.url, begun["id"])["content"]
    assert MAX_BYTES / 2 < len(content.encode()) <= MAX_BYTES
    assert not any(forged in content for forged in ("](https://evil", "<font", "<@"))


def test_the_vendors_sdk_replies_with_the_same_message(here: Place, vendor: Vendor) -> None:
    """It speaks over a long connection; the body of its reply is what ours seals."""
    begun = cn_wecom.stream(cn_wecom.send(here.url, cn_wecom.callback(vendor.url)))
    cn_wecom.followed(here.url, begun["id"])
    ours = cn_wecom.opened(cn_wecom.send(here.url, cn_wecom.callback(vendor.url)))
    sent: list[object] = []

    class Noted:
        async def send_reply(self, _req_id: str, body: object, _cmd: str) -> object:
            sent.append(body)
            return {}

    async def reply() -> None:
        client = cn_wecom.WSClient(cn_wecom.WSClientOptions(bot_id="b", secret="s"))
        client._ws_manager = Noted()
        await client.reply_stream({"headers": {"req_id": "r"}}, begun["id"], ours["stream"]["content"], finish=True)

    asyncio.run(reply())
    assert sent == [ours]


@pytest.mark.parametrize("key", ["short", "é" * 43, cn_wecom.KEY[:-1]])
def test_a_key_that_cannot_be_one_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ValidationError) as refused:
        WeComSettings(token=SecretStr("t"), aes_key=SecretStr(key))
    assert key not in str(refused.value)
    assert cn_wecom.KEY not in repr(WeComSettings(aes_key=SecretStr(cn_wecom.KEY)))
