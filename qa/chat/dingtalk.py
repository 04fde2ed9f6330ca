"""DingTalk: messages over a connection that we open (Stream mode), replies to the session's webhook."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import httpx
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from qa.chat.card import Card
from qa.chat.core import Core
from qa.chat.domain import Domain
from qa.chat.message import Connection, Message
from qa.chat.payload import Json, code_of
from qa.chat.plain_markdown import DIALECT
from qa.chat.push import Pusher, PushError, RetryError
from qa.chat.render import cut, markdown, notice, visible

MAX_BYTES: Final = 15_000
"""Bytes of the text of a reply: what the platform documents for the messages of its robots."""
MAX_TITLE: Final = 60
"""Characters of what is shown in the list of chats."""
_BUSY: Final = frozenset({"-1", "90018", "130101"})
"""Error codes for "try again" and for too many messages."""


class DingTalkSettings(BaseSettings):
    """One robot of an app of an enterprise."""

    model_config = SettingsConfigDict(env_prefix="QA_DINGTALK_", frozen=True, extra="ignore", hide_input_in_errors=True)

    client_id: str = Field(default="", description="Client ID (AppKey) of the DingTalk app")
    client_secret: SecretStr = Field(default=SecretStr(""), description="Client Secret of it; never shown")
    domain: Domain = Field(default="https://api.dingtalk.com", description="DingTalk's API, where a connection begins")
    reply_domain: Domain = Field(
        default="https://oapi.dingtalk.com", description="the only host that replies to DingTalk are posted to"
    )
    collection: str = Field(default="default", description="collection that DingTalk questions are answered from")


class DingTalk:
    """One robot. ``pusher`` posts, within the bounds of all platforms."""

    platform = "dingtalk"

    def __init__(self, settings: DingTalkSettings, pusher: Pusher, now: Callable[[], float] = time.time) -> None:
        self.app = settings.client_id
        self.collection = settings.collection
        self._domain = settings.reply_domain
        self._pusher = pusher
        self._now = now

    async def send(self, message: Message, reply: Card | str) -> None:
        """Post a reply to the session that the message came from. Raises PushError, UnclearError."""
        expires = message.reply_to["expires"]
        if expires.isdecimal() and self._now() * 1000 >= int(expires):
            raise PushError("DingTalk takes no reply to this message any more: its session has expired.")
        body = {"msgtype": "markdown", "markdown": _content(reply)}
        await self._pusher.post(message.reply_to["webhook"], body, allowed=[self._domain], judge=_judge)


def _content(reply: Card | str) -> Json:
    if isinstance(reply, str):
        said, text_ = reply, notice(reply, DIALECT, MAX_BYTES)
    else:
        said, text_ = reply.text, markdown(reply, DIALECT, MAX_BYTES)
    title = cut(" ".join(visible(said).split()), lambda part: len(part) <= MAX_TITLE)
    return {"title": title, "text": text_}


def _judge(answer: httpx.Response) -> None:
    """The platform tells by ``errcode`` what it made of a request."""
    code = code_of(answer, "errcode")
    if code is None:
        return
    if code in _BUSY:
        raise RetryError(f"DingTalk asks to try again (code {code}).")
    if code not in ("0", ""):
        raise PushError(f"DingTalk refused the reply (code {code[:20]}).")


def connect(settings: DingTalkSettings, core: Core, pusher: Pusher) -> Connection:
    # The vendor's SDK is an extra, and slow to import.
    from qa.chat.dingtalk_connection import Listener

    adapter = DingTalk(settings, pusher)
    return Connection(adapter, listen=Listener(settings, adapter, core, pusher).listen)
