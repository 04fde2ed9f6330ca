"""Clients that leave before they have their answer: what waits for them waits no longer.

A place in the queue is given back at once; a thread that works already finishes what it does, and its place is given
back then; a connection to a model is closed.
"""

from __future__ import annotations

import asyncio
from typing import Final

import anyio
from fastapi import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.answer.departure import CURRENT, Departure
from qa.service import errors

QUESTIONS: Final = frozenset({"/v1/search", "/v1/ask", "/v1/chat/completions", "/v1/ui/chat", "/dify/retrieval"})
"""Routes that answer questions; what changes something is finished, whoever still listens."""
LEFT: Final = 499
"""Nobody gets this status: it is for the log and the metrics (nginx's number for it)."""


class Departures:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in QUESTIONS:
            await self._app(scope, receive, send)
            return
        visitor = _Visitor(receive, send)
        CURRENT.set(visitor.departure)
        try:
            with visitor.scope:
                await self._app(scope, visitor.receive, visitor.send)
        finally:
            visitor.dismiss()
        if visitor.departure.left and not visitor.answered:
            await errors.send(Response(status_code=LEFT), send)


class _Visitor:
    """One client. It is listened to from when its request has been read."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._listener: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self.departure = Departure()
        self.scope = anyio.CancelScope()
        self.answered = False

    async def receive(self) -> Message:
        if self._listener is not None:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._leave()
        elif not message.get("more_body", False):
            self._listener = asyncio.create_task(self._listen())
        return message

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        self._gone.set()
        self.departure.leave()
        self.scope.cancel()

    async def send(self, message: Message) -> None:
        if not self.departure.left:
            self.answered = True
            await self._send(message)

    def dismiss(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
