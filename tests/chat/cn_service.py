"""One platform at work: its routes on loopback, over a core with a real database."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from chat_parts import answer, core, new_database
from fastapi import FastAPI

from qa.chat.core import Core
from qa.chat.message import Connection, Question
from qa.chat.push import Pusher
from qa.service import errors
from qa.service.server import take_port
from qa.types import Answer


@dataclass
class Asked:
    """Answers questions, each when it may."""

    questions: list[Question] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)
    answer: Callable[[str], Answer] = answer

    def __post_init__(self) -> None:
        self.open.set()

    async def __call__(self, question: Question) -> Answer:
        self.questions.append(question)
        while not self.open.is_set():
            await asyncio.sleep(0.01)
        return self.answer(question.text)


@dataclass
class Place:
    """A service with one platform. ``waits``: seconds that the pusher was to wait; it does not, here."""

    url: str
    core: Core
    connection: Connection
    asked: Asked
    waits: list[float]

    def state(self, event: str) -> str | None:
        adapter = self.connection.adapter
        return self.core.events.state(adapter.platform, adapter.app, event)

    def settled(self, event: str, seconds: float = 20) -> str | None:
        """The state of an event, once nothing more happens to it."""
        until = time.monotonic() + seconds
        while self.state(event) in ("received", "sending") and time.monotonic() < until:
            time.sleep(0.02)
        return self.state(event)


Connect = Callable[[Core, Pusher], Connection]


@contextmanager
def place(directory: Path, connect: Connect, **settings: int) -> Iterator[Place]:
    database = new_database(directory / "chat.sqlite")
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    asked, pusher = Asked(), Pusher(sleep=sleep)
    here = core(database, asked, **settings)
    connection = connect(here, pusher)
    with serving(_app(here, pusher, connection)) as url:
        yield Place(url, here, connection, asked, waits)
    database.close()


def _app(here: Core, pusher: Pusher, connection: Connection) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await here.start([connection])
        yield
        await here.stop()
        await pusher.close()

    app = FastAPI(lifespan=lifespan)
    errors.install(app)
    for router in connection.routers:
        app.include_router(router)
    return app


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    taken = take_port("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, args=([taken],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def everything_logged() -> Iterator[list[str]]:
    """All that is logged, whatever its level, with tracebacks."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(logging.Formatter("%(name)s %(message)s").format(record))

    root, handler = logging.getLogger(), Keep(level=logging.DEBUG)
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
