"""Clients that send or take slowly, or stop in the middle: their connections are closed, and what they held is free.

Until a request's head has come nothing of the app knows of it, so the protocol keeps that time; the time of a body is
the doorman's, who can still say why. Of an answer, what the system does not take at once waits in the transport.
"""

from __future__ import annotations

import asyncio
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS: Final = 20.0
"""From the first byte, or from the connection, to the end of a request's head; and for the rest of a body that was
answered already."""
TAKE_SECONDS: Final = 60.0
TAKE_BYTES: Final = 10_000
"""What waits to be taken may do so for so many seconds, and one more for each so many bytes of it."""


class Patient(H11Protocol):
    """uvicorn's protocol with an end to its patience: that of its own is for connections between two requests."""

    _timer: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # Whatever waits is told of, so that the last piece of an answer has its time too.
        transport.set_write_buffer_limits(high=0)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._taking is None:
            seconds = TAKE_SECONDS + self.transport.get_write_buffer_size() / TAKE_BYTES
            self._taking = self.loop.call_later(seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._taken()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        self._taken()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Start to wait where something is missing, and stop where it has come; more of it does not start anew."""
        answered = self.cycle is not None and self.cycle.response_complete
        if self.conn.their_state is not h11.IDLE and not (answered and self.conn.their_state is h11.SEND_BODY):
            self._forget()
        elif self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _taken(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
