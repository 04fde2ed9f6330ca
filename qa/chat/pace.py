"""Not more often than a platform allows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

_TIDY_AT: Final = 1000
"""Keys after which those that need not wait any more are forgotten."""


class Pace:
    """At most ``rate`` turns a second for each key, in the order they were asked for."""

    def __init__(
        self,
        rate: float,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._gap = 1 / rate
        self._now = now
        self._sleep = sleep
        self._free: dict[str, float] = {}

    async def turn(self, key: str) -> None:
        """Wait for the next turn of ``key``."""
        now = self._now()
        if len(self._free) >= _TIDY_AT:
            self._free = {other: free for other, free in self._free.items() if free > now}
        turn = max(now, self._free.get(key, now))
        self._free[key] = turn + self._gap
        if turn > now:
            await self._sleep(turn - now)
