"""Whoever asked may leave before the answer is there: what is still held open for them is then closed.

The service sets ``CURRENT`` for a request; the thread that works for the request sees it, since threads get a copy of
the context of whoever starts them.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Final


class Departure:
    """Whether who asked has left; closes the connections that were opened for them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._left = False

    @property
    def left(self) -> bool:
        return self._left

    def leave(self) -> None:
        with self._lock:
            self._left = True
            for connection in self._open:
                _shut(connection)

    @contextmanager
    def closing(self) -> Iterator[_Watched]:
        """For a block that opens connections and tells of them."""
        watched = _Watched(self)
        try:
            yield watched
        finally:
            with self._lock:
                self._open -= watched.connections

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)
            if self._left:
                _shut(connection)


class _Watched:
    def __init__(self, departure: Departure) -> None:
        self._departure = departure
        self.connections: set[socket.socket] = set()

    def trace(self, event: str, about: dict[str, object]) -> None:
        """httpcore's ``trace`` extension, which tells of a connection before an answer comes on it."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            connection = about["return_value"].get_extra_info("socket")  # type: ignore[attr-defined]
            self.connections.add(connection)
            self._departure.opened(connection)


def _shut(connection: socket.socket) -> None:
    """To close it would not wake a thread that reads from it; this does."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


CURRENT: Final[ContextVar[Departure | None]] = ContextVar("departure", default=None)


def current() -> Departure:
    """That of the request that is worked for; one that never happens elsewhere."""
    return CURRENT.get() or Departure()
