"""The connection to DingTalk's gateway.

The vendor's SDK reads the frames, hands them to the handler of their topic and writes the acknowledgements. Its own
loop is not used: it asks for a connection with a blocking request without a time limit, cannot be cancelled, and logs
the ticket of the connection.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import quote, urlsplit

import dingtalk_stream
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from qa.chat import dingtalk_event
from qa.chat.core import Core
from qa.chat.dingtalk import DingTalk, DingTalkSettings
from qa.chat.payload import read, text
from qa.chat.push import Pusher
from qa.errors import CiteqaError, InputError

PATH: Final = "/v1.0/gateway/connections/open"
FIRST_WAIT: Final = 1.0
"""Seconds before the second attempt to connect; doubled before each further one, up to LONGEST_WAIT."""
LONGEST_WAIT: Final = 60.0
MAX_FRAME: Final = 1_000_000
"""Bytes of a frame."""
CONNECT_SECONDS: Final = 15.0
CLOSE_SECONDS: Final = 2.0
_USER_AGENT: Final = "citeqa"

_log = logging.getLogger(__name__)
_quiet = logging.getLogger(f"{__name__}.sdk")
# What the SDK logs may hold messages and reply addresses; what the connection logs, its ticket.
_quiet.disabled = True


class _Messages(dingtalk_stream.CallbackHandler):  # type: ignore[misc]
    """Receives the messages to the robot. It is done when a message is kept, so that it is acknowledged at once."""

    def __init__(self, adapter: DingTalk, core: Core) -> None:
        super().__init__()
        self.logger = _quiet
        self._adapter = adapter
        self._core = core

    async def process(self, callback: dingtalk_stream.CallbackMessage) -> tuple[int, str]:
        """(status, text) of the acknowledgement; the platform is asked to send again what could not be kept."""
        try:
            await self._core.receive(self._adapter, dingtalk_event.message(callback.data))
        except InputError as error:
            _log.warning("a message was ignored: %s", error.message)
        except CiteqaError as error:
            _log.warning("a message was not taken: %s", error.message)
            return dingtalk_stream.AckMessage.STATUS_SYSTEM_EXCEPTION, "busy"
        return dingtalk_stream.AckMessage.STATUS_OK, "OK"


class Listener:
    """Keeps a connection for one robot."""

    def __init__(
        self,
        settings: DingTalkSettings,
        adapter: DingTalk,
        core: Core,
        pusher: Pusher,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._pusher = pusher
        self._sleep = sleep
        self._topic = dingtalk_stream.ChatbotMessage.TOPIC
        # The SDK signs in itself only in its own loop: it need not know the secret.
        self._sdk = dingtalk_stream.DingTalkStreamClient(dingtalk_stream.Credential("", ""), logger=_quiet)
        self._sdk.register_callback_handler(self._topic, _Messages(adapter, core))

    async def listen(self) -> None:
        """Connect, and connect again when the connection ends, until cancelled."""
        wait = FIRST_WAIT
        while True:
            try:
                async with connect(
                    await self._address(),
                    logger=_quiet,
                    max_size=MAX_FRAME,
                    open_timeout=CONNECT_SECONDS,
                    close_timeout=CLOSE_SECONDS,
                ) as connection:
                    wait = FIRST_WAIT
                    await self._serve(connection)
            except (CiteqaError, OSError, WebSocketException, TimeoutError) as error:
                # The text of an error of the connection may hold the address with the ticket in it.
                told = error.message if isinstance(error, CiteqaError) else type(error).__name__
                _log.warning("no connection to DingTalk, next attempt in %.0f s: %s", wait, told)
            await self._sleep(wait * (1 + random.random() / 2))
            wait = min(2 * wait, LONGEST_WAIT)

    async def _address(self) -> str:
        """Where the platform waits for this connection, with its ticket: a secret."""
        body = {
            "clientId": self._settings.client_id,
            "clientSecret": self._settings.client_secret.get_secret_value(),
            "subscriptions": [{"type": "CALLBACK", "topic": self._topic}],
            "ua": _USER_AGENT,
            "localIp": "",
        }
        answer = await self._pusher.post(self._settings.domain + PATH, body, allowed=[self._settings.domain])
        granted = read(answer.content)
        endpoint = text(granted, "endpoint")
        if urlsplit(endpoint).scheme not in ("wss", self._plain()):
            raise InputError("DingTalk's gateway names no safe address to connect to.", "Check QA_DINGTALK_DOMAIN.")
        return f"{endpoint}?ticket={quote(text(granted, 'ticket'), safe='')}"

    def _plain(self) -> str:
        """Without encryption only where the API itself is used without it, on this machine."""
        return "ws" if self._settings.domain.startswith("http://") else "wss"

    async def _serve(self, connection: ClientConnection) -> None:
        """Until the platform asks to connect elsewhere, or the connection ends."""
        self._sdk.websocket = connection
        async for frame in connection:
            if await self._route(frame) == dingtalk_stream.DingTalkStreamClient.TAG_DISCONNECT:
                return

    async def _route(self, frame: str | bytes) -> Any:
        try:
            return await self._sdk.route_message(json.loads(frame))
        except WebSocketException:
            raise
        except Exception as error:
            _log.warning("a frame was ignored: %s", type(error).__name__)
            return None
