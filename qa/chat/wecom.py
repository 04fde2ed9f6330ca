"""A WeCom AI bot: callbacks at our own webhook, replies as a stream that the platform comes for.

The callback of a message is answered at once with a stream that is not finished. The platform then asks for the stream
until it is, for six minutes at most. A reply that it does not come for is posted to the ``response_url`` of the
message, which takes one message within an hour.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

import anyio.to_thread
import httpx
from fastapi import APIRouter, Request, Response
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from qa.chat import wecom_event
from qa.chat.card import Card
from qa.chat.core import Core
from qa.chat.domain import Domain
from qa.chat.message import Connection, Message
from qa.chat.payload import Json, code_of, read, text
from qa.chat.phrases import phrase
from qa.chat.plain_markdown import DIALECT
from qa.chat.push import Pusher, PushError, RetryError
from qa.chat.render import markdown, notice
from qa.chat.signature import check_same, check_time
from qa.chat.wecom_crypto import Seal
from qa.chat.wecom_stream import SEARCHING, Stream, Streams
from qa.errors import BusyError, SignatureError

ROUTE: Final = "/chat/wecom/events"
MAX_BYTES: Final = 20_480
"""Bytes of the content of a reply."""
POLLED_SECONDS: Final = 340.0
"""Seconds from a message during which the platform surely asks for its stream; it stops after 360."""
PATIENCE: Final = 15.0
"""Seconds that a finished reply waits to be taken."""
CHECK_SECONDS: Final = 0.25
_BUSY: Final = frozenset({"-1", "45009", "45033"})
"""Error codes for "try again" and for too many requests."""

Done = TypeVar("Done")


class WeComSettings(BaseSettings):
    """One AI bot of an enterprise."""

    model_config = SettingsConfigDict(env_prefix="QA_WECOM_", frozen=True, extra="ignore", hide_input_in_errors=True)

    token: SecretStr = Field(default=SecretStr(""), description="Token of the WeCom AI bot's callbacks; never shown")
    aes_key: SecretStr = Field(default=SecretStr(""), description="EncodingAESKey of them, 43 characters; never shown")
    domain: Domain = Field(
        default="https://qyapi.weixin.qq.com", description="WeCom's API, the only host that replies are posted to"
    )
    collection: str = Field(default="default", description="collection that WeCom questions are answered from")

    @field_validator("aes_key")
    @classmethod
    def _is_key(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            Seal("", value.get_secret_value())
        return value


class WeCom:
    """One bot. ``pusher`` posts, within the bounds of all platforms."""

    platform = "wecom"
    app = "bot"

    def __init__(
        self,
        settings: WeComSettings,
        streams: Streams,
        pusher: Pusher,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.collection = settings.collection
        self._domain = settings.domain
        self._streams = streams
        self._pusher = pusher
        self._now = now
        self._sleep = sleep

    async def send(self, message: Message, reply: Card | str) -> None:
        """Offer a reply to the platform; post it where the platform does not come. Raises PushError, UnclearError."""
        text_ = notice(reply, DIALECT, MAX_BYTES) if isinstance(reply, str) else markdown(reply, DIALECT, MAX_BYTES)
        await _in_thread(self._streams.offer, message.event, text_)
        if await self._is_fetched(message) or not await _in_thread(self._streams.withdraw, message.event):
            return
        try:
            await self._post(message, text_)
        except PushError:
            await _in_thread(self._streams.offer, message.event, text_)
            raise

    async def _is_fetched(self, message: Message) -> bool:
        asked_until = float(message.reply_to["received"]) + POLLED_SECONDS
        for _ in range(int(PATIENCE / CHECK_SECONDS)):
            if await _in_thread(self._streams.is_taken, message.event):
                return True
            if self._now() > asked_until:
                return False
            await self._sleep(CHECK_SECONDS)
        return False

    async def _post(self, message: Message, content: str) -> None:
        body = {"msgtype": "markdown", "markdown": {"content": content}}
        await self._pusher.post(message.reply_to["response_url"], body, allowed=[self._domain], judge=_judge)


def _judge(answer: httpx.Response) -> None:
    """The platform tells by ``errcode`` what it made of a request."""
    code = code_of(answer, "errcode")
    if code is None:
        return
    if code in _BUSY:
        raise RetryError(f"WeCom asks to try again (code {code}).")
    if code not in ("0", ""):
        raise PushError(f"WeCom refused the reply (code {code[:20]}).")


class Gate:
    """Checks that a request comes from the platform, and seals what it gets back."""

    def __init__(self, settings: WeComSettings, now: Callable[[], float] = time.time) -> None:
        self._seal = Seal(settings.token.get_secret_value(), settings.aes_key.get_secret_value())
        self._now = now

    def opened(self, request: Request, sealed: str) -> bytes:
        """The decrypted content. Raises SignatureError."""
        stamp, nonce = request.query_params.get("timestamp", ""), request.query_params.get("nonce", "")
        given = request.query_params.get("msg_signature", "")
        check_same(given, self._seal.signature(stamp, nonce, sealed))
        check_time(stamp, self._now)
        try:
            return self._seal.decrypt(sealed)
        except ValueError:
            raise SignatureError(
                "The request cannot be decrypted.", "Compare QA_WECOM_AES_KEY with the bot's EncodingAESKey."
            ) from None

    def closed(self, event: str, stream: Stream) -> Json:
        """A stream as the answer to a callback."""
        content = {"id": event, "finish": stream.finish, "content": stream.content}
        body = json.dumps({"msgtype": "stream", "stream": content}, ensure_ascii=False)
        sealed = self._seal.encrypt(body.encode("utf-8", "replace"))
        stamp, nonce = str(int(self._now())), secrets.token_hex(8)
        signature = self._seal.signature(stamp, nonce, sealed)
        return {"encrypt": sealed, "msgsignature": signature, "timestamp": int(stamp), "nonce": nonce}


def routes(adapter: WeCom, gate: Gate, core: Core, streams: Streams) -> APIRouter:
    router = APIRouter()

    @router.get(ROUTE, include_in_schema=False)
    async def check(request: Request) -> Response:
        """The platform checks the address: it wants its own words back."""
        return Response(gate.opened(request, request.query_params.get("echostr", "")), media_type="text/plain")

    @router.post(ROUTE, include_in_schema=False)
    async def events(request: Request) -> Response:
        callback = read(gate.opened(request, text(read(await request.body()), "encrypt")))
        asked = wecom_event.refreshed(callback)
        if asked is not None:
            return _answer(gate.closed(asked, await _in_thread(streams.take, asked)))
        if wecom_event.is_event(callback):
            return Response()
        message = wecom_event.message(callback, int(time.time()))
        stream = await _received(message, adapter, core, streams)
        return Response() if stream is None else _answer(gate.closed(message.event, stream))

    return router


async def _received(message: Message, adapter: WeCom, core: Core, streams: Streams) -> Stream | None:
    """The beginning of the reply to a message, or for one that was sent again how far the reply has come. None where
    there is no reply."""
    try:
        if await core.receive(adapter, message):
            return Stream(SEARCHING, finish=False)
    except BusyError:
        return Stream(phrase("busy", message.text), finish=True)
    return await _in_thread(streams.begun, message.event)


def _answer(body: Json) -> Response:
    return Response(json.dumps(body), media_type="application/json")


async def _in_thread(do: Callable[..., Done], *arguments: object) -> Done:
    """The database waits for its disk; the event loop does not."""
    return await anyio.to_thread.run_sync(partial(do, *arguments))


def connect(settings: WeComSettings, core: Core, pusher: Pusher) -> Connection:
    streams = Streams(core.events, WeCom.platform, WeCom.app)
    adapter = WeCom(settings, streams, pusher)
    return Connection(adapter, (routes(adapter, Gate(settings), core, streams),))
