"""Feishu and Lark over HTTP on loopback: what it may send, what it gets, and what it answers when it is not well."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cn_feishu
import httpx
import pytest
from chat_parts import answer, citation
from cn_feishu import Feishu
from cn_service import Place, everything_logged, place
from cn_vendor import SILENCE, Call, Reply, running
from pydantic import SecretStr

from qa.chat import feishu
from qa.chat.feishu import FeishuSettings
from qa.chat.push import ATTEMPTS


@pytest.fixture
def vendor() -> Iterator[Feishu]:
    with running(Feishu()) as here:
        assert isinstance(here, Feishu)
        yield here


@pytest.fixture
def here(vendor: Feishu, tmp_path: Path) -> Iterator[Place]:
    settings = FeishuSettings(
        app_id=cn_feishu.APP_ID,
        app_secret=SecretStr(cn_feishu.APP_SECRET),
        encrypt_key=SecretStr(cn_feishu.ENCRYPT_KEY),
        verification_token=SecretStr(cn_feishu.TOKEN),
        domain=vendor.url,
    )
    with everything_logged() as log:
        with place(tmp_path, lambda core, pusher: feishu.connect(settings, core, pusher)) as made:
            yield made
        for secret in (*cn_feishu.SECRETS, "Bearer t", "刘海"):
            assert not [line for line in log if secret in line], "a secret or an answer is in the log"


def shown(content: str) -> str:
    card = json.loads(content)
    assert card["schema"] == "2.0"
    ((element,), tag) = card["body"]["elements"], card["body"]["elements"][0]["tag"]
    assert tag == "markdown"
    return str(element["content"])


def test_a_question_is_acknowledged_and_answered_with_a_card(here: Place, vendor: Feishu) -> None:
    acknowledged = cn_feishu.send(here.url, cn_feishu.event())
    assert (acknowledged.status_code, acknowledged.json()) == (200, {})
    (call,) = vendor.wait("/im/v1/messages/")
    assert call.path == "/open-apis/im/v1/messages/om_1/reply"
    assert call.headers["authorization"] == "Bearer t1"
    assert call.body["msg_type"] == "interactive"
    text = shown(call.body["content"])
    assert text.startswith("巡护员刘海每天投喂玉米二百斤。&#91;1&#93;")
    assert "[扎龙的鹤](https://news.example/a-b?id=1#:~:text=" in text
    assert "龙江报, 2024-12-02" in text
    assert "> 巡护员刘海每天投喂玉米二百斤。" in text
    assert here.settled("om_1") == "answered"


@pytest.mark.parametrize("signed", [True, False])
def test_the_challenge_is_answered(here: Place, signed: bool) -> None:
    raw = cn_feishu.body(cn_feishu.challenge())
    said = httpx.post(f"{here.url}/chat/feishu/events", content=raw, headers=cn_feishu.headers(raw) if signed else {})
    assert (said.status_code, said.json()) == (200, {"challenge": "ajls384"})


def test_a_challenge_of_another_app_is_refused(here: Place) -> None:
    for raw in (
        cn_feishu.body(cn_feishu.challenge(token="another")),
        cn_feishu.body(cn_feishu.challenge(), key="another"),
        cn_feishu.body(cn_feishu.event()),
        b'{"encrypt": "AAAA"}',
        b'{"type": "url_verification", "challenge": "x", "token": "verification-5358"}',
    ):
        said = httpx.post(f"{here.url}/chat/feishu/events", content=raw)
        assert said.status_code == 401
        assert said.json()["error"]["code"] == "bad_signature"
        assert said.json() == httpx.post(f"{here.url}/chat/feishu/events", content=b'{"encrypt": "-"}').json()


def test_what_is_not_from_the_platform_is_refused(here: Place, vendor: Feishu) -> None:
    raw = cn_feishu.body(cn_feishu.event())
    right = cn_feishu.headers(raw)
    old = int(time.time()) - 301
    others = {
        "another signature": right | {"X-Lark-Signature": "0" * 64},
        "of another body": cn_feishu.headers(raw + b" "),
        "of another time": right | {"X-Lark-Request-Timestamp": str(int(time.time()) + 1)},
        "with another key": cn_feishu.headers(raw, key="another"),
        "stale": cn_feishu.headers(raw, stamp=old),
        "from the future": cn_feishu.headers(raw, stamp=int(time.time()) + 400),
        "empty": right | {"X-Lark-Signature": ""},
    }
    for what, headers in others.items():
        said = httpx.post(f"{here.url}/chat/feishu/events", content=raw, headers=headers)
        assert said.status_code == 401, what
        assert not any(secret in said.text for secret in cn_feishu.SECRETS)
    assert cn_feishu.send(here.url, cn_feishu.event(token="another")).status_code == 401
    assert here.state("om_1") is None
    assert not vendor.calls


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"[" * 50_000, b'{"encrypt": 5}', b"\xff\xfe"])
def test_what_is_no_event_is_refused(here: Place, raw: bytes) -> None:
    said = httpx.post(f"{here.url}/chat/feishu/events", content=raw, headers=cn_feishu.headers(raw))
    assert said.status_code in (400, 401)


def test_a_delivery_that_is_repeated_is_answered_once(here: Place, vendor: Feishu) -> None:
    raw = cn_feishu.body(cn_feishu.event())
    headers = cn_feishu.headers(raw)
    renamed = cn_feishu.event()
    renamed["header"]["event_id"] = "another-event"
    for _ in range(3):
        assert httpx.post(f"{here.url}/chat/feishu/events", content=raw, headers=headers).status_code == 200
    assert cn_feishu.send(here.url, renamed).status_code == 200
    assert here.settled("om_1") == "answered"
    assert len(here.asked.questions) == len(vendor.to("/reply")) == 1


def test_ten_at_once_are_answered_once(here: Place, vendor: Feishu) -> None:
    with ThreadPoolExecutor(10) as threads:
        said = list(threads.map(lambda _: cn_feishu.send(here.url, cn_feishu.event()), range(10)))
    assert {each.status_code for each in said} == {200}
    assert here.settled("om_1") == "answered"
    assert len(vendor.to("/reply")) == 1


def test_it_is_acknowledged_before_it_is_answered(here: Place, vendor: Feishu) -> None:
    here.asked.open.clear()
    assert cn_feishu.send(here.url, cn_feishu.event()).status_code == 200
    assert here.state("om_1") == "received"
    assert not vendor.to("/reply")
    here.asked.open.set()
    assert len(vendor.wait("/reply")) == 1


def test_bots_and_groups_that_talk_among_themselves_are_not_answered(here: Place) -> None:
    mention = [{"key": "@_user_1", "name": "Li", "mentioned_type": "user"}]
    for number, changes in enumerate(
        ({"sender_type": "app"}, {"chat_type": "group"}, {"chat_type": "group", "mentions": mention})
    ):
        sent = cn_feishu.event(message=f"om_{number}", **changes)
        assert cn_feishu.send(here.url, sent).status_code == 200
        assert here.state(f"om_{number}") is None
    mention[0]["mentioned_type"] = "bot"
    assert cn_feishu.send(here.url, cn_feishu.event("@_user_1 谁？", chat_type="group", mentions=mention)).is_success
    assert here.settled("om_1") == "answered"
    assert [question.text for question in here.asked.questions] == ["谁？"]


def test_follow_ups_know_what_was_asked_before(here: Place) -> None:
    for number, text in enumerate(["谁投喂丹顶鹤？", "每天多少？"]):
        assert cn_feishu.send(here.url, cn_feishu.event(text, f"om_{number}")).is_success
        assert here.settled(f"om_{number}") == "answered"
    assert here.asked.questions[1].history == ("谁投喂丹顶鹤？",)


@pytest.mark.parametrize(
    ("text", "changes", "said"),
    [
        ("鹤" * 10_000, {}, "问题太长"),
        ("", {"message_type": "image", "content": '{"image_key": "img_1"}'}, "我只能读文字"),
    ],
    ids=["30 KB", "image only"],
)
def test_what_cannot_be_asked_is_told(
    here: Place, vendor: Feishu, text: str, changes: dict[str, str], said: str
) -> None:
    assert cn_feishu.send(here.url, cn_feishu.event(text, **changes)).status_code == 200
    (call,) = vendor.wait("/reply")
    assert said in shown(call.body["content"])
    assert here.settled("om_1") == "told"
    assert not here.asked.questions


@pytest.mark.parametrize(
    "reply",
    [
        Reply(429, {"code": 99991400, "msg": "request trigger frequency limit"}, {"x-ogw-ratelimit-reset": "7"}),
        Reply(400, {"code": 230020, "msg": "This operation triggers the frequency limit."}),
        Reply(500, {"code": 2200, "msg": "Internal Error"}),
        Reply(502),
    ],
    ids=["429", "chat limit", "500", "502"],
)
def test_a_platform_that_is_busy_or_ill_is_asked_again(here: Place, vendor: Feishu, reply: Reply) -> None:
    token = Reply(200, {"code": 0, "tenant_access_token": "t1", "expire": 7200})
    vendor.tokens = 1
    vendor.next = [token, reply, reply]
    assert cn_feishu.send(here.url, cn_feishu.event()).is_success
    assert here.settled("om_1") == "answered"
    assert len(vendor.to("/reply")) == 3
    assert len(vendor.shown) == 1
    assert here.waits == [7.0, 7.0] if "x-ogw-ratelimit-reset" in reply.headers else len(here.waits) == 2


def test_a_reply_that_may_have_arrived_is_sent_again_and_shown_once(here: Place, vendor: Feishu) -> None:
    whole = vendor.answer

    def forgetful(call: Call) -> Reply:
        reply = whole(call)
        return SILENCE if len(vendor.to("/reply")) == 1 and "/reply" in call.path else reply

    vendor.answer = forgetful
    assert cn_feishu.send(here.url, cn_feishu.event()).is_success
    assert here.settled("om_1") == "answered"
    assert len(vendor.to("/reply")) == 2
    assert len(vendor.shown) == 1


def test_a_platform_that_stays_ill_is_given_up(here: Place, vendor: Feishu) -> None:
    vendor.answer = lambda call: Reply(500)
    assert cn_feishu.send(here.url, cn_feishu.event()).is_success
    assert here.settled("om_1") == "failed"
    assert len(vendor.calls) == ATTEMPTS


def test_a_reply_that_is_refused_is_not_sent_again(here: Place, vendor: Feishu) -> None:
    vendor.tokens = 1
    token = Reply(200, {"code": 0, "tenant_access_token": "t1", "expire": 7200})
    vendor.next = [token, Reply(400, {"code": 230002, "msg": "The bot can not be outside the group."})]
    assert cn_feishu.send(here.url, cn_feishu.event()).is_success
    assert here.settled("om_1") == "failed"
    assert len(vendor.to("/reply")) == 1


def test_a_token_that_is_not_accepted_any_more_is_fetched_anew(here: Place, vendor: Feishu) -> None:
    for number in range(2):
        assert cn_feishu.send(here.url, cn_feishu.event(message=f"om_{number}")).is_success
        assert here.settled(f"om_{number}") == "answered"
        vendor.tokens += 1
    assert [call.headers["authorization"] for call in vendor.to("/reply")] == ["Bearer t1", "Bearer t1", "Bearer t3"]
    assert len(vendor.to("/tenant_access_token")) == 2


def test_settings_and_errors_show_no_secret(vendor: Feishu) -> None:
    settings = FeishuSettings(app_secret=SecretStr(cn_feishu.APP_SECRET), encrypt_key=SecretStr(cn_feishu.ENCRYPT_KEY))
    assert not any(secret in repr(settings) + str(settings) for secret in cn_feishu.SECRETS)


@pytest.mark.parametrize("domain", ["http://open.feishu.cn", "https://a@open.feishu.cn", "https://x/path", "x", ""])
def test_a_domain_that_secrets_must_not_go_to_is_refused(domain: str) -> None:
    with pytest.raises(ValueError, match="not"):
        FeishuSettings(domain=domain)


def test_a_card_keeps_within_the_limit_and_calls_nobody(here: Place, vendor: Feishu) -> None:
    evil = '<at id=all></at> [x](https://evil.example) **b** `c` :OK: & "q" \\ ' * 40
    many = [citation(n, title=evil, quote=evil + "。" * 400, start=100) for n in range(1, 60)]
    here.asked.answer = lambda text: answer(text, *many, text=evil * 30)
    assert cn_feishu.send(here.url, cn_feishu.event()).is_success
    (call,) = vendor.wait("/reply")
    assert 15_000 < len(call.body["content"].encode()) <= 30_000
    text = shown(call.body["content"])
    assert "<at" not in text
    assert "](https://evil" not in text
    assert ":OK:" not in text
