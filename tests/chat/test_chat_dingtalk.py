"""DingTalk's Stream mode on loopback, with the vendor's SDK reading the frames and writing the acknowledgements."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import cn_dingtalk
import dingtalk_stream
import pytest
from chat_parts import answer, citation
from cn_dingtalk import SESSION, DingTalk, frame, gateway
from cn_service import Place, everything_logged, place
from cn_vendor import SILENCE, Reply
from dingtalk_stream import stream as sdk
from pydantic import SecretStr

from qa.chat import dingtalk
from qa.chat.core import Core
from qa.chat.dingtalk import MAX_BYTES, MAX_TITLE, DingTalkSettings
from qa.chat.dingtalk_connection import LONGEST_WAIT, Listener
from qa.chat.message import Connection
from qa.chat.push import ATTEMPTS, Pusher


def settings(vendor: DingTalk, secret: str = cn_dingtalk.SECRET) -> DingTalkSettings:
    return DingTalkSettings(
        client_id=cn_dingtalk.CLIENT_ID, client_secret=SecretStr(secret), domain=vendor.url, reply_domain=vendor.url
    )


@pytest.fixture
def vendor() -> Iterator[DingTalk]:
    with gateway() as here:
        yield here


def connecting(vendor: DingTalk, waits: list[float], secret: str = cn_dingtalk.SECRET):  # type: ignore[no-untyped-def]
    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0.01)

    def connect(core: Core, pusher: Pusher) -> Connection:
        chosen = settings(vendor, secret)
        adapter = dingtalk.DingTalk(chosen, pusher)
        return Connection(adapter, listen=Listener(chosen, adapter, core, pusher, sleep).listen)

    return connect


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def here(vendor: DingTalk, waits: list[float], tmp_path: Path) -> Iterator[Place]:
    with everything_logged() as log:
        with place(tmp_path, connecting(vendor, waits)) as made:
            yield made
        # At level DEBUG the protocol library logs its handshakes; `qa serve` logs warnings.
        ours = [line for line in log if not line.startswith(("websockets", "httpcore"))]
        for secret in (*cn_dingtalk.SECRETS, "刘海"):
            assert not [line for line in ours if secret in line], "a secret or an answer is in the log"


def test_a_message_is_acknowledged_at_once_and_answered_to_its_session(here: Place, vendor: DingTalk) -> None:
    here.asked.open.clear()
    vendor.connected().send(vendor.message())
    (ack,) = vendor.acknowledged(1)
    assert (ack["code"], ack["headers"]["messageId"]) == (200, "frame-msg1")
    assert not vendor.to("/sendBySession")
    here.asked.open.set()
    (call,) = vendor.wait("/sendBySession")
    assert call.path == f"/robot/sendBySession?session={SESSION}"
    assert call.body["msgtype"] == "markdown"
    assert call.body["markdown"]["title"] == "巡护员刘海每天投喂玉米二百斤。[1]"
    assert call.body["markdown"]["text"].startswith("巡护员刘海每天投喂玉米二百斤。[1]\n\n**来源**")
    assert here.settled("msg1") == "answered"


def test_the_request_for_a_connection_is_the_sdks(
    here: Place, vendor: DingTalk, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.connected()
    ours = vendor.to("/connections/open")[0]
    monkeypatch.setattr(sdk.DingTalkStreamClient, "OPEN_CONNECTION_API", f"{vendor.url}/v1.0/gateway/connections/open")
    # It would open a socket to an address outside to find its own.
    monkeypatch.setattr(sdk.DingTalkStreamClient, "get_host_ip", lambda self: "")
    client = dingtalk_stream.DingTalkStreamClient(
        dingtalk_stream.Credential(cn_dingtalk.CLIENT_ID, cn_dingtalk.SECRET), logger=sdk.logging.getLogger("quiet")
    )
    client.register_callback_handler(dingtalk_stream.ChatbotMessage.TOPIC, dingtalk_stream.ChatbotHandler())
    # It logs the address of the gateway, and later the ticket: the reason why its loop is not used.
    client.logger.disabled = True
    assert client.open_connection()["endpoint"] == vendor.endpoint
    theirs = vendor.to("/connections/open")[1]
    assert theirs.path == ours.path
    assert {k: v for k, v in theirs.body.items() if k != "ua"} == {k: v for k, v in ours.body.items() if k != "ua"}


def test_a_message_that_comes_again_is_answered_once(here: Place, vendor: DingTalk) -> None:
    connection = vendor.connected()
    for _ in range(10):
        connection.send(vendor.message())
    assert {ack["code"] for ack in vendor.acknowledged(10)} == {200}
    assert here.settled("msg1") == "answered"
    assert len(vendor.to("/sendBySession")) == 1


def test_bots_are_not_answered_and_broken_frames_do_no_harm(here: Place, vendor: DingTalk) -> None:
    connection = vendor.connected()
    for sent in (
        "[", "{}", "[" * 50_000, '"x"', frame("CALLBACK", cn_dingtalk.TOPIC, "{", "f"),
        frame("CALLBACK", cn_dingtalk.TOPIC, "{}", "f"), frame("SYSTEM", "ping", '{"opaque": "o"}', "ping"),
        vendor.message(senderId="robot", msg="own"), vendor.message(),
    ):  # fmt: skip
        connection.send(sent)
    vendor.wait("/sendBySession")
    assert {ack["headers"]["messageId"] for ack in vendor.acks} == {"f", "ping", "frame-own", "frame-msg1"}
    assert here.state("own") is None


def test_a_connection_that_ends_is_opened_again(here: Place, vendor: DingTalk, waits: list[float]) -> None:
    vendor.connected().send(frame("SYSTEM", "disconnect", '{"reason": "upgrade"}', "bye"))
    vendor.connected(2).close()
    vendor.connected(3).send(vendor.message())
    vendor.wait("/sendBySession")
    assert 1 <= waits[0] <= 1.5, "a connection that was there is opened again soon"
    assert min(waits) >= 1, waits


def test_a_wrong_secret_is_tried_less_and_less_often(vendor: DingTalk, waits: list[float], tmp_path: Path) -> None:
    with everything_logged() as log, place(tmp_path, connecting(vendor, waits, "wrong-secret")):
        until = time.monotonic() + 20
        while len(waits) < 8 and time.monotonic() < until:
            time.sleep(0.02)
    assert all(2**n <= wait <= 1.5 * 2**n for n, wait in enumerate(waits[:6]))
    assert LONGEST_WAIT <= waits[7] <= 1.5 * LONGEST_WAIT
    assert [line for line in log if "no connection to DingTalk" in line and "401" in line]
    assert not [line for line in log if "wrong-secret" in line]
    assert not vendor.tickets


@pytest.mark.parametrize(
    ("reply", "state", "calls"),
    [
        ([Reply(429), Reply(500), Reply(200, {"errcode": 130101, "errmsg": "send too fast"})], "answered", 4),
        ([Reply(200, {"errcode": 40035, "errmsg": "invalid"})], "failed", 1),
        ([Reply(503)] * ATTEMPTS, "failed", ATTEMPTS),
        ([SILENCE], "told", 2),
    ],
    ids=["busy", "refused", "ill", "unclear"],
)
def test_a_platform_that_is_not_well(here: Place, vendor: DingTalk, reply: list[Reply], state: str, calls: int) -> None:
    connection = vendor.connected()
    vendor.next = reply
    connection.send(vendor.message())
    vendor.wait("/sendBySession", calls)
    assert here.settled("msg1") == state
    assert len(vendor.to("/sendBySession")) == calls


@pytest.mark.parametrize(
    "changes",
    [
        {"sessionWebhookExpiredTime": 1_600_000_000_000},
        {"sessionWebhook": "http://127.0.0.1:9/robot/sendBySession?session=x"},
        {"sessionWebhook": ""},
    ],
    ids=["expired", "another host", "none"],
)
def test_an_address_that_must_not_be_used_is_not(here: Place, vendor: DingTalk, changes: dict[str, object]) -> None:
    vendor.connected().send(vendor.message(**changes))
    vendor.acknowledged(1)
    assert here.settled("msg1") == "failed"
    assert not vendor.to("/sendBySession")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"text": {"content": "鹤" * 10_000}}, "问题太长"),
        ({"msgtype": "picture", "content": {"downloadCode": "x"}}, "我只能读文字"),
    ],
    ids=["30 KB", "image only"],
)
def test_what_cannot_be_asked_is_told(here: Place, vendor: DingTalk, changes: dict[str, object], said: str) -> None:
    vendor.connected().send(vendor.message(**changes))
    (call,) = vendor.wait("/sendBySession")
    assert said in call.body["markdown"]["text"]
    assert not here.asked.questions


def test_a_reply_keeps_within_the_limit(here: Place, vendor: DingTalk) -> None:
    evil = "<font> [x](https://evil.example) " * 40
    many = [citation(n, title=evil, quote=evil + "。" * 400, start=100) for n in range(1, 60)]
    here.asked.answer = lambda text: answer(text, *many, text=evil * 30)
    vendor.connected().send(vendor.message())
    (call,) = vendor.wait("/sendBySession")
    sent = call.body["markdown"]
    assert MAX_BYTES / 2 < len(sent["text"].encode()) <= MAX_BYTES
    assert len(sent["title"]) <= MAX_TITLE
    assert "](https://evil" not in sent["text"]


def test_settings_show_no_secret(vendor: DingTalk) -> None:
    assert cn_dingtalk.SECRET not in repr(settings(vendor)) + str(settings(vendor))
