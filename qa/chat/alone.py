"""A connection that one process keeps for all: a platform may end the older of two connections of one robot.

The others wait, and the first to find the holder gone opens the connection anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import anyio.to_thread

from qa.chat.message import Connection
from qa.errors import CiteqaError
from qa.store.roles import Roles

LOOK_SECONDS: Final = 10.0
"""How often it is looked whether the holder lives, and whether this process still is it."""

_log = logging.getLogger(__name__)


def alone(connection: Connection, roles: Roles) -> Connection:
    """The same connection, kept by one process at a time; one that has nothing to listen to is left as it is."""
    if connection.listen is None:
        return connection
    name = f"{connection.adapter.platform} {connection.adapter.app}"
    return replace(connection, listen=Alone(roles, name, connection.listen).listen)


class Alone:
    """``listen`` is run while this process has the role ``name``."""

    def __init__(
        self, roles: Roles, name: str, listen: Callable[[], Awaitable[None]], seconds: float = LOOK_SECONDS
    ) -> None:
        self._roles = roles
        self._name = name
        self._listen = listen
        self._seconds = seconds

    async def listen(self) -> None:
        """Returns, or raises, when the connection has ended, or is another process's."""
        while not await self._holds(False):
            await asyncio.sleep(self._seconds)
        listening = asyncio.ensure_future(self._listen())
        try:
            while not listening.done() and await self._holds(True):
                await asyncio.wait({listening}, timeout=self._seconds)
            if listening.done():
                listening.result()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _holds(self, before: bool) -> bool:
        """As it was before where the database cannot say."""
        try:
            return await anyio.to_thread.run_sync(self._roles.hold, self._name)
        except CiteqaError as error:
            _log.warning("who keeps the connection to %s is not known: %s", self._name.split()[0], error.message)
            return before
