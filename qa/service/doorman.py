"""What every request passes on its way in and out: bounds, origin, security headers, counts, the last resort."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa import tracing
from qa.errors import BusyError, CiteqaError
from qa.service import errors, logs
from qa.service.access import caller_of
from qa.service.errors import TooLargeError, TooSlowError, Voice
from qa.service.metrics import Metrics
from qa.service.pages import CONTENT_SECURITY_POLICY

MAX_JSON_BYTES = 1_000_000
"""Largest body of a request that carries no document."""
BODY_SECONDS = 30.0
"""How long a body may take to come, a second more for each ``SLOWEST_BYTES`` that came."""
SLOWEST_BYTES = 10_000
DRAINED_BYTES = 256_000_000
"""How much of a refused body is still read, so that the client gets to see why instead of a broken connection."""

SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_log = logging.getLogger(__name__)


class Doorman:
    """ASGI middleware around the whole app.

    ``document_bytes``: largest body of a request that carries documents. ``check_host`` raises for a request to another
    host. ``voices``: how the doors of foreign protocols tell of errors, by the beginning of their paths.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        document_bytes: int,
        voices: Mapping[str, Voice],
        check_host: Callable[[Scope], None] = lambda _scope: None,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._document_bytes = document_bytes
        self._voices = voices
        self._check_host = check_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = _Visit(send, logs.request_id(Headers(scope=scope).get("x-request-id")))
        logs.REQUEST_ID.set(visit.identity)
        scope[errors.VOICE] = self._voice(scope["path"])
        method = _method(scope)
        with tracing.request(method, Headers(scope=scope)) as traced:
            try:
                await self._admit(scope, receive, visit)
            finally:
                route = _route(scope)
                tracing.answered(traced, method, route, visit.status)
                self._metrics.answered(method, route, visit.status, visit.seconds)
                logs.answered(method, route, visit.status, visit.seconds, caller_of(scope).key)

    async def _admit(self, scope: Scope, receive: Receive, visit: _Visit) -> None:
        body = _Body(receive, self._bound(scope))

        async def answer(message: Message) -> None:
            # What reads the body makes a "bad request" of any error in it: the reason is the bound.
            if body.error is None:
                await visit.send(message)
            else:
                await self._refuse(body.error, scope, body, visit)

        try:
            self._check_host(scope)
            body.check_declared(Headers(scope=scope))
            await self._app(scope, body.receive, answer)
        except CiteqaError as error:
            await self._refuse(error, scope, body, visit)
        except asyncio.CancelledError:
            # The server does this to what is not answered when it has to end.
            if not visit.started:
                await errors.send(errors.told(scope, _stopping()), visit.send)
        except Exception:
            _log.exception("%s %s failed", scope["method"], _route(scope))
            if visit.started:
                raise
            await errors.send(errors.internal(), visit.send)

    async def _refuse(self, error: CiteqaError, scope: Scope, body: _Body, visit: _Visit) -> None:
        if visit.started:
            return
        if "expect" not in Headers(scope=scope):
            await body.drain()
        await errors.send(errors.told(scope, error), visit.send)

    def _voice(self, path: str) -> Voice:
        return next((voice for start, voice in self._voices.items() if path.startswith(start)), errors.response)

    def _bound(self, scope: Scope) -> int:
        return self._document_bytes if scope["path"] == "/v1/documents" else MAX_JSON_BYTES


class _Visit:
    """One answer on its way out: adds the headers, notes the status."""

    def __init__(self, send: Send, identity: str) -> None:
        self._send = send
        self.identity = identity
        self._began = time.perf_counter()
        self.status = 500
        self.started = False

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._began

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self.identity
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


class _Body:
    """A request's body, counted as it is read. Raises TooLargeError beyond ``bound`` bytes, TooSlowError."""

    def __init__(self, receive: Receive, bound: int) -> None:
        self._receive = receive
        self._bound = bound
        self._began = time.monotonic()
        self._read = 0
        self._ended = False
        self.error: TooLargeError | TooSlowError | None = None

    def check_declared(self, headers: Headers) -> None:
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared[:20]) > self._bound:
            raise self._too_large()

    async def receive(self) -> Message:
        message = await self._next()
        if self._read > self._bound:
            self.error = self._too_large()
            raise self.error
        return message

    async def drain(self) -> None:
        with suppress(TooSlowError):
            while not self._ended and self._read < DRAINED_BYTES:
                await self._next()

    async def _next(self) -> Message:
        message = await (self._receive() if self._ended else self._in_time())
        self._read += len(message.get("body", b""))
        self._ended = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message

    async def _in_time(self) -> Message:
        end = self._began + BODY_SECONDS + self._read / SLOWEST_BYTES
        try:
            with anyio.fail_after(end - time.monotonic()):
                return await self._receive()
        except TimeoutError as error:
            self.error = TooSlowError("The request came too slowly.", "Send it again, or less at one time.")
            raise self.error from error

    def _too_large(self) -> TooLargeError:
        return TooLargeError(
            f"The request is larger than {self._bound / 1e6:g} MB.",
            "Send fewer or smaller files in one request; QA_MAX_FILE_MB sets the largest file.",
        )


def _stopping() -> BusyError:
    return BusyError("The service is being stopped.", "Ask again: another process, or the next start, answers.")


def _method(scope: Scope) -> str:
    """Clients may send any word as a method: their number has to be bounded where it is a label."""
    return scope["method"] if scope["method"] in _METHODS else "OTHER"


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "(none)"))
