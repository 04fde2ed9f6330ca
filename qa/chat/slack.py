"""Slack: mentions, direct messages and a slash command at `/chat/slack/events`, replied to in their threads.

slack-bolt parses and routes what comes; the signature is checked before, over the raw bytes, which Bolt decodes first.
Bolt is told to finish its listeners before it answers, so that Slack's acknowledgement comes after the commit.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

import httpx
from fastapi import APIRouter, Request, Response
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from qa.chat import slack_blocks, slack_events
from qa.chat.card import Card
from qa.chat.core import Core
from qa.chat.message import Connection, Message
from qa.chat.push import Pusher, PushError, RetryError
from qa.chat.signature import check_same, check_time, hmac_sha256
from qa.errors import CiteqaError, InputError

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncApp

PATH: Final = "/chat/slack/events"
_TRANSIENT: Final = frozenset({"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable"})
"""Errors that come with HTTP 200 and pass (https://api.slack.com/methods/chat.postMessage#errors)."""

_log = logging.getLogger(__name__)


class SlackSettings(BaseSettings):
    """From the app's page at api.slack.com."""

    model_config = SettingsConfigDict(env_prefix="QA_SLACK_", frozen=True, extra="ignore")

    signing_secret: SecretStr = Field(default=SecretStr(""), description="Basic Information, App Credentials")
    bot_token: SecretStr = Field(default=SecretStr(""), description="OAuth & Permissions, `xoxb-…`")
    collection: str = Field(default="default", description="collection that Slack is answered from")
    api_url: str = Field(default="https://slack.com/api/", description="Slack's Web API")
    reply_origins: str = Field(
        default="https://hooks.slack.com", description="where replies to slash commands may go, separated by commas"
    )


class Slack:
    """One Slack app. Implements ``Adapter``."""

    platform = "slack"
    app = "default"

    def __init__(self, settings: SlackSettings, pusher: Pusher) -> None:
        self._settings = settings
        self._pusher = pusher
        self._origins = [part.strip() for part in settings.reply_origins.split(",")]

    @property
    def collection(self) -> str:
        return self._settings.collection

    def check(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises SignatureError (https://api.slack.com/authentication/verifying-requests-from-slack)."""
        stamp = headers.get("x-slack-request-timestamp", "")
        check_time(stamp)
        secret = self._settings.signing_secret.get_secret_value()
        expected = "v0=" + hmac_sha256(secret, b"v0:", stamp.encode(), b":", body)
        check_same(headers.get("x-slack-signature", ""), expected)

    async def send(self, message: Message, reply: Card | str) -> None:
        body = _content(reply)
        to = message.reply_to
        if "response_url" in to:
            await self._pusher.post(to["response_url"], body, allowed=self._origins)
            return
        body |= {"channel": to["channel"], "unfurl_links": False, "unfurl_media": False}
        if to["thread"]:
            body["thread_ts"] = to["thread"]
        api = self._settings.api_url
        token = self._settings.bot_token.get_secret_value()
        await self._pusher.post(
            urljoin(api, "chat.postMessage"),
            body,
            allowed=[api],
            headers={"authorization": f"Bearer {token}"},
            judge=_judge,
        )


def _content(reply: Card | str) -> dict[str, Any]:
    if isinstance(reply, str):
        return {"text": slack_blocks.fallback(reply), "blocks": slack_blocks.sentence(reply)}
    return {"text": slack_blocks.fallback(reply.text), "blocks": slack_blocks.blocks(reply)}


def _judge(answer: httpx.Response) -> None:
    """The Web API answers 200 with `ok: false` and a word for what is wrong; other answers speak by their status."""
    if not answer.is_success:
        return
    try:
        said = answer.json()
    except ValueError:
        raise PushError("Slack's answer is not JSON.") from None
    if isinstance(said, dict) and said.get("ok") is True:
        return
    problem = str(said.get("error", "")) if isinstance(said, dict) else ""
    if problem in _TRANSIENT:
        raise RetryError(f"Slack says {problem}.")
    raise PushError(f"Slack says {re.sub(r'[^a-z_]', '', problem)[:60] or 'nothing'}.")


def connect(settings: SlackSettings, core: Core, pusher: Pusher) -> Connection:
    adapter = Slack(settings, pusher)
    return Connection(adapter, (_routes(adapter, _bolt(adapter, core)),))


def _bolt(adapter: Slack, core: Core) -> AsyncApp:
    from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
    from slack_bolt.authorization import AuthorizeResult
    from slack_bolt.response import BoltResponse

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        """Nothing is asked of Slack before it is answered."""
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)

    # Its own log would show whole requests, with what is secret in them.
    quiet = logging.getLogger("qa.chat.slack.bolt")
    quiet.setLevel(logging.CRITICAL)
    app = AsyncApp(
        authorize=authorize,
        logger=quiet,
        process_before_response=True,
        request_verification_enabled=False,
        ignoring_self_events_enabled=False,
    )

    @app.event(re.compile(".*"))
    async def event(body: dict[str, Any]) -> None:
        message = slack_events.from_event(body)
        if message is not None:
            await core.receive(adapter, message)

    @app.command(re.compile("^/"))
    async def command(ack: Any, body: dict[str, Any]) -> None:
        await core.receive(adapter, slack_events.from_command(body))
        await ack()

    @app.error
    async def failed(error: Exception, request: AsyncBoltRequest) -> BoltResponse:
        _log.warning("a request of Slack's was not kept: %s", _reason(error))
        return BoltResponse(status=503 if isinstance(error, CiteqaError) else 400)

    return app


def _reason(error: Exception) -> str:
    return error.message if isinstance(error, CiteqaError) else type(error).__name__


def _routes(adapter: Slack, app: AsyncApp) -> APIRouter:
    from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler

    router = APIRouter(tags=["chat"])
    handler = AsyncSlackRequestHandler(app)

    @router.post(PATH, response_class=Response)
    async def events(request: Request) -> Response:
        """Events and slash commands of a Slack app, signed with its secret."""
        adapter.check(request.headers, await request.body())
        try:
            return await handler.handle(request)
        except Exception as error:
            # What goes wrong in a listener is answered by `failed`: this is Bolt's parser.
            raise InputError("The body is not what Slack sends.", "Send it as Slack does.") from error

    return router
