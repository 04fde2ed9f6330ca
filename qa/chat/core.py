"""The part of a chat platform that is the same for all: once, at once, and within bounds.

An adapter verifies a request and parses it into a ``Message``. ``Core.receive`` keeps it, so that the adapter may
acknowledge, and drops what came before, comes from bots or goes over a user's rate. Workers answer in the background
and push. What a process leaves undone, the next one to start finishes (``events.py`` says how).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter

from qa.chat.card import Card, card
from qa.chat.events import Events, State, Work
from qa.chat.message import Adapter, Ask, Connection, Message, Question
from qa.chat.phrases import phrase
from qa.chat.push import PushError, UnclearError
from qa.chat.settings import ChatSettings
from qa.errors import BusyError, CiteqaError
from qa.types import Answer

MAX_ATTEMPTS: Final = 3
"""Processes that may die over one message before it is given up."""
ANSWER_WITHIN: Final = 1800.0
"""Seconds after which a message that was left behind is no longer answered; the user is told to ask again."""
BUSY_WAITS: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts to ask an index that is busy."""
GRACE_SECONDS: Final = 10.0
"""How long replies that are being made may take after the signal to stop."""
LISTEN_AGAIN: Final = 5.0
"""Seconds after which a connection that broke is opened again."""
_WRITERS: Final = 1
"""SQLite writes one transaction at a time: a queue here is fairer than its own waiting."""

Done = TypeVar("Done")
_log = logging.getLogger(__name__)


class Core:
    """``ask`` answers; ``max_chars``: longest question; ``base``: address of this service, for links to sources."""

    def __init__(self, events: Events, ask: Ask, settings: ChatSettings, *, max_chars: int, base: str) -> None:
        self.events = events
        self._ask = ask
        self._settings = settings
        self._max_chars = max_chars
        self._base = base
        self._connections: tuple[Connection, ...] = ()
        self._adapters: dict[tuple[str, str], Adapter] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._queue: asyncio.Queue[Work] = asyncio.Queue()
        self._accepted = 0
        self._stopping = False
        self._writing = CapacityLimiter(_WRITERS)

    async def receive(self, adapter: Adapter, message: Message) -> bool:
        """Keep a message that was verified; when this returns it may be acknowledged. False for what is dropped.

        Raises BusyError where nothing more can wait, and what the database raises: the vendor sends it again.
        """
        if message.from_bot:
            return False
        if self._stopping or self._accepted >= 2 * self._settings.queue:
            raise BusyError("Too many chat messages are waiting.", "Try again in a moment.")
        self._accepted += 1
        work = None
        try:
            work = await self._receive(adapter, _clean(message))
        finally:
            if work is None:
                self._accepted -= 1
        if work is not None:
            self._queue.put_nowait(work)
        return work is not None

    async def _receive(self, adapter: Adapter, message: Message) -> Work | None:
        notice = self._objection(message)
        return await self._write(self.events.receive, adapter.platform, adapter.app, message, notice)

    def _objection(self, message: Message) -> str | None:
        """Why a message is not asked; None where it is."""
        if not any(character.isalnum() for character in message.text):
            return "no_text"
        if len(message.text) > self._max_chars:
            return "too_long"
        return "busy" if self._accepted > self._settings.queue else None

    async def start(self, connections: Sequence[Connection]) -> None:
        """Begin to answer, first what an earlier process left behind."""
        self._stopping = False
        self._connections = tuple(connections)
        self._adapters = {(one.adapter.platform, one.adapter.app): one.adapter for one in connections}
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._settings.workers)]
        self._tasks += [asyncio.create_task(_keep(one)) for one in connections if one.listen is not None]

    async def resume(self, is_gone: Callable[[str], bool]) -> int:
        """Take over what processes that are gone have left; how many messages that is."""
        left = await self._write(self.events.abandoned, is_gone)
        for work in left:
            self._accepted += 1
            self._queue.put_nowait(work)
        return len(left)

    async def stop(self) -> None:
        """Finish what is being replied to, within GRACE_SECONDS; the rest waits for the next start."""
        self._stopping = True
        workers = self._tasks[: self._settings.workers]
        for task in self._tasks[self._settings.workers :]:
            task.cancel()
        for _ in workers:
            self._queue.put_nowait(_STOP)
        if workers:
            await asyncio.wait(workers, timeout=GRACE_SECONDS)
        # A connection that is being closed is left to it: cancelled again, it would stay open.
        for task in workers:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def drained(self) -> None:
        """Wait until nothing waits."""
        await self._queue.join()

    async def _work(self) -> None:
        while True:
            work = await self._queue.get()
            try:
                if work is _STOP:
                    return
                if not self._stopping:
                    await self._attended(work)
            finally:
                self._accepted -= work is not _STOP
                self._queue.task_done()

    async def _attended(self, work: Work) -> None:
        """A worker outlives whatever goes wrong with one message."""
        try:
            await self._reply(work)
        except CiteqaError as error:
            _log.warning("a message on %s was not replied to: %s", work.platform, error.message)
        except Exception:
            _log.exception("a message on %s was not replied to", work.platform)

    async def _reply(self, work: Work) -> None:
        adapter = self._adapters.get((work.platform, work.app))
        if adapter is None:
            return
        if work.attempts > MAX_ATTEMPTS:
            await self._write(self.events.finish, work, "failed")
            return
        reply = await self._made(work, adapter)
        if not await self._write(self.events.sending, work):
            _log.warning("a message on %s is another process's by now", work.platform)
            return
        state = await self._sent(adapter, work, reply)
        await self._write(self.events.finish, work, state)

    async def _made(self, work: Work, adapter: Adapter) -> Card | str:
        text = work.message.text
        notice = work.notice or self._too_late(work)
        if notice is not None:
            return phrase(notice, text[: self._max_chars], limit=self._max_chars)
        question = Question(text, work.history, adapter.collection, self._settings.generator)
        try:
            return card(await self._asked(question), self._base, adapter.collection)
        except BusyError:
            return phrase("busy", text)
        except Exception:
            _log.exception("a question on %s was not answered", work.platform)
            return phrase("failed", text)

    def _too_late(self, work: Work) -> str | None:
        if work.attempts == 0:
            return None
        late = self.events.age(work) > ANSWER_WITHIN or work.attempts == MAX_ATTEMPTS
        return "interrupted" if work.state == "sending" or late else None

    async def _asked(self, question: Question) -> Answer:
        for wait in BUSY_WAITS:
            try:
                return await self._ask(question)
            except BusyError:
                await asyncio.sleep(wait)
        return await self._ask(question)

    async def _sent(self, adapter: Adapter, work: Work, reply: Card | str) -> State:
        try:
            await adapter.send(work.message, reply)
        except UnclearError as error:
            _log.warning("%s: %s", work.platform, error.message)
            return await self._told(adapter, work)
        except PushError as error:
            _log.warning("%s: a reply was not taken: %s", work.platform, error.message)
            return "failed"
        return "answered" if isinstance(reply, Card) else "told"

    async def _told(self, adapter: Adapter, work: Work) -> State:
        """It is not known whether the reply arrived: say so instead of saying it twice."""
        try:
            await adapter.send(work.message, phrase("interrupted", work.message.text[: self._max_chars]))
        except PushError as error:
            _log.warning("%s: a reply was not taken: %s", work.platform, error.message)
            return "failed"
        return "told"

    async def _write(self, do: Callable[..., Done], *arguments: object) -> Done:
        return await anyio.to_thread.run_sync(partial(do, *arguments), limiter=self._writing)


_STOP: Final = Work(0, "", "", Message("", "", "", "", {}))


async def _keep(connection: Connection) -> None:
    """Keep a connection open: it is opened again when it ends or breaks."""
    assert connection.listen is not None
    while True:
        try:
            await connection.listen()
        except Exception as error:
            # The error's own text may hold an address with a ticket in it.
            _log.warning("the connection to %s broke (%s)", connection.adapter.platform, type(error).__name__)
        await asyncio.sleep(LISTEN_AGAIN)


def _clean(message: Message) -> Message:
    """Without halves of characters and NUL, which are no text and cannot be stored everywhere."""
    return replace(
        message,
        event=_whole(message.event),
        conversation=_whole(message.conversation),
        user=_whole(message.user),
        text=_whole(message.text).strip(),
    )


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "")
