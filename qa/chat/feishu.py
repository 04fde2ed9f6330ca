"""Feishu and Lark: events at our own webhook, replies as cards.

The platform's SDK is not used: it takes seconds to import, accepts requests of any age and answers a wrong signature
with 500. The tests use it as the peer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import quote

import httpx
from fastapi import APIRouter, Request
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from qa.chat import feishu_card, feishu_crypto, feishu_event
from qa.chat.card import Card
from qa.chat.core import Core
from qa.chat.domain import Domain
from qa.chat.feishu_token import TenantToken
from qa.chat.message import Connection, Message
from qa.chat.pace import Pace
from qa.chat.payload import Json, code_of, inner, read, text
from qa.chat.push import Pusher, PushError, RetryError
from qa.chat.signature import check_same, check_time
from qa.errors import InputError, SignatureError

ROUTE: Final = "/chat/feishu/events"
CHAT_RATE: Final = 5.0
"""Messages a second that one chat takes."""
_TOO_FAST: Final = frozenset({"11020", "11021", "230020", "99991400", "99991402"})
_TOKEN_REFUSED: Final = frozenset({"99991661", "99991663", "99991664", "99991665", "99991668"})


class FeishuSettings(BaseSettings):
    """One app on Feishu or Lark."""

    model_config = SettingsConfigDict(env_prefix="QA_FEISHU_", frozen=True, extra="ignore", hide_input_in_errors=True)

    app_id: str = Field(default="", description="App ID of the Feishu or Lark app")
    app_secret: SecretStr = Field(default=SecretStr(""), description="App Secret of it; never shown")
    encrypt_key: SecretStr = Field(default=SecretStr(""), description="Encrypt Key of its events; never shown")
    verification_token: SecretStr = Field(
        default=SecretStr(""), description="Verification Token of its events; never shown"
    )
    domain: Domain = Field(
        default="https://open.feishu.cn",
        description="API of Feishu; for Lark, `https://open.larksuite.com`",
    )
    collection: str = Field(default="default", description="collection that Feishu questions are answered from")


class _TokenError(PushError):
    """The platform does not accept the access token any more."""


class Feishu:
    """One app. ``pusher`` posts, within the bounds of all platforms."""

    platform = "feishu"

    def __init__(self, settings: FeishuSettings, pusher: Pusher) -> None:
        self.app = settings.app_id
        self.collection = settings.collection
        self._domain = settings.domain
        self._pusher = pusher
        self._token = TenantToken(settings.domain, settings.app_id, settings.app_secret, pusher)
        self._pace = Pace(CHAT_RATE)

    async def send(self, message: Message, reply: Card | str) -> None:
        """Reply to the message with a card. Raises PushError, UnclearError."""
        body = {
            "msg_type": "interactive",
            "content": feishu_card.content(reply),
            # The platform carries out one request for each of these within an hour: a repeated reply is shown once.
            "uuid": sha256(message.event.encode()).hexdigest()[:48],
        }
        await self._pace.turn(message.reply_to["chat_id"])
        token = await self._token.get()
        try:
            await self._reply(message, body, token)
        except _TokenError:
            await self._reply(message, body, await self._token.get(refused=token))

    async def _reply(self, message: Message, body: Mapping[str, str], token: str) -> None:
        identity = quote(message.reply_to["message_id"], safe="")
        address = f"{self._domain}/open-apis/im/v1/messages/{identity}/reply"
        headers = {"Authorization": f"Bearer {token}"}
        await self._pusher.post(address, body, allowed=[self._domain], headers=headers, judge=_judge, repeatable=True)


def _judge(answer: httpx.Response) -> None:
    """The platform tells by ``code`` what it made of a request, whatever the status says."""
    code = code_of(answer, "code")
    if code is None:
        return
    if code in _TOO_FAST:
        raise RetryError("Feishu takes no more messages in this chat for now.", _reset(answer))
    if code in _TOKEN_REFUSED:
        raise _TokenError(f"Feishu does not accept the access token (code {code}).")
    if code != "0":
        raise PushError(f"Feishu refused the reply (code {code[:20]}).")


def _reset(answer: httpx.Response) -> float | None:
    given = answer.headers.get("x-ogw-ratelimit-reset", "")
    return float(given) if given.isascii() and given.isdecimal() else None


class Gate:
    """Checks that a request comes from the platform."""

    def __init__(self, settings: FeishuSettings, now: Callable[[], float] = time.time) -> None:
        self._key = settings.encrypt_key
        self._token = settings.verification_token
        self._now = now

    def opened(self, request: Request, body: bytes) -> Json:
        """The decrypted content of a request. Raises InputError, SignatureError."""
        sealed = text(read(body), "encrypt")
        signature = request.headers.get("x-lark-signature")
        if signature is None:
            return self._challenge(sealed)
        stamp = request.headers.get("x-lark-request-timestamp", "")
        nonce = request.headers.get("x-lark-request-nonce", "")
        check_same(signature, feishu_crypto.signature(stamp, nonce, self._key.get_secret_value(), body))
        check_time(stamp, self._now)
        return self._decrypted(sealed)

    def _challenge(self, sealed: str) -> Json:
        """What is not signed can only be a challenge. Every other thing gets one and the same error, so that nobody
        learns from it what decrypts to something."""
        try:
            content = self._decrypted(sealed)
        except SignatureError:
            content = {}
        if not is_challenge(content):
            raise SignatureError(
                "The request is not signed, and is no challenge for this app.",
                "Compare QA_FEISHU_ENCRYPT_KEY and QA_FEISHU_VERIFICATION_TOKEN with the app's.",
            )
        return content

    def _decrypted(self, sealed: str) -> Json:
        try:
            content = read(feishu_crypto.decrypt(sealed, self._key.get_secret_value()))
        except (ValueError, InputError):
            raise SignatureError("The request cannot be decrypted.", "Compare QA_FEISHU_ENCRYPT_KEY.") from None
        check_same(text(inner(content, "header"), "token") or text(content, "token"), self._token.get_secret_value())
        return content


def is_challenge(content: Json) -> bool:
    """Whether the platform checks the address of the webhook; that request carries no signature."""
    return text(content, "type") == "url_verification"


def routes(adapter: Feishu, gate: Gate, core: Core) -> APIRouter:
    router = APIRouter()

    @router.post(ROUTE, include_in_schema=False)
    async def events(request: Request) -> Json:
        content = gate.opened(request, await request.body())
        if is_challenge(content):
            return {"challenge": text(content, "challenge")}
        message = feishu_event.message(content)
        if message is not None:
            await core.receive(adapter, message)
        return {}

    return router


def connect(settings: FeishuSettings, core: Core, pusher: Pusher) -> Connection:
    adapter = Feishu(settings, pusher)
    return Connection(adapter, (routes(adapter, Gate(settings), core),))
