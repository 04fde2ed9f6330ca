"""A bounded number of threads with a bounded queue before them, in which nobody waits for ever."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import anyio
from anyio import CapacityLimiter

from qa.errors import BusyError

Done = TypeVar("Done")

WAIT_SECONDS: Final = 10.0
"""Longest wait for a thread: whoever asked has given up by then, or asks again."""


class FullError(BusyError):
    """There is no place in the queue, or it did not come to its turn in time."""


class Places:
    """``threads`` pieces of work at one time, ``waiting`` more in the queue; ``tell`` hears how many wait."""

    def __init__(
        self, threads: int, waiting: int, tell: Callable[[int], None], wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._most = threads + waiting
        self._count = threads
        self._tell = tell
        self._wait_seconds = wait_seconds
        self._turns = CapacityLimiter(threads)
        self._threads = CapacityLimiter(threads)
        self._accepted = 0

    @property
    def accepted(self) -> int:
        """Pieces of work that wait or are done now."""
        return self._accepted

    async def run(self, work: Callable[[], Done], *, begun: bool = False) -> Done:
        """Do something in one of the threads, when one is free. Raises FullError, and what ``work`` raises.

        Cancelled while it waits, it gives its place back at once; cancelled later, when ``work`` has ended. ``begun``:
        it goes on with something that was accepted, which is never refused.
        """
        if self._accepted >= self._most and not begun:
            raise FullError("Too many questions are waiting.", "Try again in a moment.")
        with self._counted():
            turn = object()
            await self._wait(turn, math.inf if begun else self._wait_seconds)
            try:
                return await anyio.to_thread.run_sync(work, limiter=self._threads)
            finally:
                self._turns.release_on_behalf_of(turn)

    async def _wait(self, turn: object, seconds: float) -> None:
        try:
            with anyio.fail_after(seconds):
                await self._turns.acquire_on_behalf_of(turn)
        except TimeoutError as error:
            raise FullError("No thread became free in time.", "Try again in a moment.") from error

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._change(1)
        try:
            yield
        finally:
            self._change(-1)

    def _change(self, by: int) -> None:
        self._accepted += by
        self._tell(max(0, self._accepted - self._count))
