"""From the start of the service to its end: what works in the background, and what the signal to stop does to it.

When the signal comes, ingests and evals stop at their next step, so that the requests that were accepted have the
machine to themselves until the server's grace is over (``server.GRACE_SECONDS``). What is not answered by then is told
to ask again (``doorman``).
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final, Protocol

import anyio.to_thread
from fastapi import FastAPI
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import Lifespan

from qa.chat.service import Chats
from qa.store.owner import Owner

if TYPE_CHECKING:
    from qa.index import Index

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Worker(Protocol):
    """Something that works in a thread of its own."""

    def start(self) -> None: ...

    def end_soon(self) -> None:
        """Stop at the next step. Returns at once."""

    def stop(self) -> None:
        """Returns when it has stopped, or does not in reasonable time."""


def lifespan(
    index: Index,
    owner: Owner,
    workers: Sequence[Worker],
    chats: Chats,
    mcp_sessions: StreamableHTTPSessionManager,
    close: Callable[[], None],
) -> Lifespan[FastAPI]:
    """``close`` is called last."""

    def end_soon() -> None:
        for worker in workers:
            worker.end_soon()

    @asynccontextmanager
    async def lasting(_app: FastAPI) -> AsyncIterator[None]:
        if not index.store.database.read_only:
            owner.take()
        for worker in workers:
            worker.start()
        await chats.start()
        async with mcp_sessions.run():
            with _told_of_signals(end_soon):
                yield
        end_soon()
        await chats.stop()
        for worker in workers:
            await anyio.to_thread.run_sync(worker.stop)
        owner.close()
        close()

    return lasting


@contextmanager
def _told_of_signals(tell: Callable[[], None]) -> Iterator[None]:
    """Call ``tell`` when a signal to stop comes, before the server's own handler. Only the main thread hears any."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def heard(number: signal.Signals) -> None:
        tell()
        handler = before[number]
        if callable(handler):
            handler(number, None)

    for number in SIGNALS:
        loop.add_signal_handler(number, heard, number)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
