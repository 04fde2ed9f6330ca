"""All configured platforms of one service: what `qa.service.app` includes, starts and stops."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from qa.chat.alone import alone
from qa.chat.core import Core
from qa.chat.events import Events, Limits
from qa.chat.message import Ask, Connection
from qa.chat.platforms import platforms
from qa.chat.push import Pusher
from qa.chat.settings import ChatSettings, read
from qa.config import Settings
from qa.errors import CiteqaError
from qa.store.database import Database
from qa.store.owner import Owner
from qa.store.roles import Roles

if TYPE_CHECKING:
    from fastapi import APIRouter

RESUME_SECONDS: Final = 30.0
"""How often messages are looked for that another process took and died over."""

_log = logging.getLogger(__name__)


class Chats:
    """``owner``: this process, which is known to live. ``database``: of the index. ``ask`` answers questions."""

    def __init__(self, owner: Owner, database: Database, ask: Ask, settings: Settings) -> None:
        """Raises ConfigError for a wrong setting."""
        chosen = read(ChatSettings)
        self._database = database
        self._owner = owner
        self._pusher = Pusher()
        limits = Limits(chosen.per_minute, chosen.history_minutes * 60.0)
        events = Events(database, self._owner.id, limits)
        self._core = Core(events, ask, chosen, max_chars=settings.max_question_chars, base=settings.public_url)
        found = (platform.connected(self._core, self._pusher) for platform in platforms())
        roles = Roles(database, owner)
        self._connections: tuple[Connection, ...] = tuple(alone(one, roles) for one in found if one is not None)
        self._resuming: asyncio.Task[None] | None = None

    @property
    def routers(self) -> list[APIRouter]:
        """The routes of the platforms that are set up; none for the others."""
        return [router for connection in self._connections for router in connection.routers]

    async def start(self) -> None:
        if not self._connections:
            return
        if self._database.read_only:
            _log.warning("the index can only be read: chat messages are refused")
            return
        await self._core.start(self._connections)
        self._resuming = asyncio.create_task(self._resume())

    async def stop(self) -> None:
        if not self._connections:
            return
        if self._resuming is not None:
            self._resuming.cancel()
        await self._core.stop()
        await self._pusher.close()

    async def _resume(self) -> None:
        while True:
            try:
                await self._core.resume(self._owner.is_gone)
            except CiteqaError as error:
                _log.warning("messages left behind cannot be read: %s", error.message)
            await asyncio.sleep(RESUME_SECONDS)
