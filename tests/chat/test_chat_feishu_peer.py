"""Feishu's own SDK as the peer: it reads what our tests send as Feishu, and sends what we send.

It is imported here and nowhere else: that takes seconds.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import cn_feishu
import pytest
from chat_parts import message
from cn_feishu import Feishu
from cn_vendor import running
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.requests import Request

from qa.chat import feishu, feishu_crypto
from qa.chat.feishu import FeishuSettings, Gate
from qa.chat.push import Pusher
from qa.errors import CiteqaError

SETTINGS = FeishuSettings(
    app_id=cn_feishu.APP_ID,
    app_secret=SecretStr(cn_feishu.APP_SECRET),
    encrypt_key=SecretStr(cn_feishu.ENCRYPT_KEY),
    verification_token=SecretStr(cn_feishu.TOKEN),
)


@pytest.fixture(scope="module")
def lark() -> Iterator[ModuleType]:
    found = pytest.importorskip("lark_oapi", reason="FEISHU'S SDK WAS NOT RUN: it is in tests/peers.txt")
    yield found
    # It opens one when it is imported, and leaves it open.
    found.ws.client.loop.close()


@settings(deadline=None)
@given(st.binary(max_size=2000), st.text(max_size=40))
def test_the_peers_cipher_and_ours_read_the_same(lark: ModuleType, plain: bytes, key: str) -> None:
    sealed = cn_feishu.seal(plain, key)
    assert feishu_crypto.decrypt(sealed, key) == plain
    if plain:
        assert lark.AESCipher(key).decrypt(base64.b64decode(sealed)) == plain


@settings(deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: base64.b64encode(raw).decode()))
def test_what_was_not_sealed_with_the_key_is_a_value_error(sealed: str) -> None:
    """A random block has valid padding once in 256 times; then it is some bytes, and the signature is what refuses."""
    with contextlib.suppress(ValueError):
        assert isinstance(feishu_crypto.decrypt(sealed, cn_feishu.ENCRYPT_KEY), bytes)


def dispatched(lark: ModuleType, headers: dict[str, str], body: bytes) -> tuple[bool, str]:
    """What the peer's dispatcher makes of a request: whether it takes it, and the challenge or the message in it."""
    seen: list[Any] = []
    builder = lark.EventDispatcherHandler.builder(cn_feishu.ENCRYPT_KEY, cn_feishu.TOKEN)
    request = lark.RawRequest()
    request.uri, request.headers, request.body = "/", headers, body
    response = builder.register_p2_im_message_receive_v1(seen.append).build().do(request)
    if seen:
        return True, str(seen[0].event.message.content)
    return response.status_code == 200, json.loads(response.content).get("challenge", "")


def opened(headers: dict[str, str], body: bytes) -> tuple[bool, str]:
    """The same of ours."""
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    try:
        content = Gate(SETTINGS).opened(Request({"type": "http", "headers": raw}), body)
    except CiteqaError:
        return False, ""
    if feishu.is_challenge(content):
        return True, str(content["challenge"])
    event: Any = content["event"]
    return True, str(event["message"]["content"])


REQUESTS = (
    "event",
    "challenge",
    "wrong signature",
    "wrong body",
    "wrong token",
    "wrong token of a challenge",
    "wrong key",
    "challenge sealed with another key",
)


def requests() -> Iterator[tuple[str, bool, dict[str, str], bytes]]:
    """Made when they are sent: a signature is good for five minutes."""
    event, challenge = cn_feishu.body(cn_feishu.event("你好")), cn_feishu.body(cn_feishu.challenge())
    right = cn_feishu.headers(event)
    yield "event", True, right, event
    yield "challenge", True, {}, challenge
    yield "wrong signature", False, right | {"X-Lark-Signature": "0" * 64}, event
    yield "wrong body", False, cn_feishu.headers(event + b" "), event
    yield "wrong token", False, *signed(cn_feishu.event(token="another"))
    yield "wrong token of a challenge", False, {}, cn_feishu.body(cn_feishu.challenge("another"))
    yield "wrong key", False, cn_feishu.headers(event, key="another"), event
    yield "challenge sealed with another key", False, {}, cn_feishu.body(cn_feishu.challenge(), key="another")


def signed(content: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    raw = cn_feishu.body(content)
    return cn_feishu.headers(raw), raw


@pytest.mark.parametrize("name", REQUESTS)
def test_the_peer_and_ours_take_the_same_requests(lark: ModuleType, name: str) -> None:
    made = {each: rest for each, *rest in requests()}
    assert tuple(made) == REQUESTS
    taken, headers, body = made[name]
    found = opened(headers, body)
    assert found[0] == taken
    assert dispatched(lark, headers, body) == (found if taken else (False, ""))


def test_ours_refuses_a_stale_request_which_the_peer_takes(lark: ModuleType) -> None:
    raw = cn_feishu.body(cn_feishu.event())
    old = cn_feishu.headers(raw, stamp=int(time.time()) - 86_400)
    assert dispatched(lark, old, raw)[0]
    assert not opened(old, raw)[0]


def test_a_reply_of_ours_is_the_request_that_the_peer_makes(lark: ModuleType) -> None:
    with running(Feishu()) as vendor:
        settings = SETTINGS.model_copy(update={"domain": vendor.url})
        to = message("om_1", reply_to={"message_id": "om_1", "chat_id": "oc_1"})

        async def send() -> None:
            pusher = Pusher()
            await feishu.Feishu(settings, pusher).send(to, "你好")
            await pusher.close()

        asyncio.run(send())
        ours = vendor.to("/reply")[0]
        body = lark.im.v1.ReplyMessageRequestBody.builder()
        body = body.content(ours.body["content"]).msg_type("interactive").uuid(ours.body["uuid"]).build()
        request = lark.im.v1.ReplyMessageRequest.builder().message_id("om_1").request_body(body).build()
        client = lark.Client.builder().app_id(cn_feishu.APP_ID).app_secret(cn_feishu.APP_SECRET).domain(vendor.url)
        assert client.build().im.v1.message.reply(request).success()
        tokens, theirs = vendor.to("/tenant_access_token"), vendor.to("/reply")[1]
        assert (theirs.body, theirs.headers["authorization"]) == (ours.body, "Bearer t2")
        assert tokens[0].path == tokens[1].path
        assert tokens[0].body == tokens[1].body
    assert ours.path == theirs.path == "/open-apis/im/v1/messages/om_1/reply"
