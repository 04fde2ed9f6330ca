"""Who asks, and what they may do.

``Access`` is an ASGI middleware: every request, also one for a mounted app, carries a ``Caller`` in its scope. A route
says what it needs (``needs("read")``) and resolves the collection that it was asked for with ``reachable``, so that a
collection which the caller may not use cannot be told from one that does not exist.

A door with error shapes of its own gives a ``Voice`` (see ``qa.service.errors``): its denials are told in it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from qa.errors import AccessError, CiteqaError, ForbiddenError, NotFoundError, UnauthorizedError
from qa.service import errors
from qa.service.rate import Rate
from qa.store.keys import Right
from qa.types import DEFAULT_COLLECTION

if TYPE_CHECKING:
    from qa.index import Index

RIGHTS: Final[tuple[Right, ...]] = ("read", "write", "admin")
"""Each includes those before it."""
OPEN: Final = frozenset({"/", "/articles", "/docs", "/evals", "/openapi.json", "/widget.js", "/healthz", "/readyz"})
"""Answered without a key: they hold nothing of anybody's articles."""
OPEN_BELOW: Final = ("/web/", "/documents/", "/chat/")
"""The same for everything below; webhooks of chat platforms check the platform's signature instead of a key."""
_CALLER: Final = "qa.caller"
_SEND: Final = "Send one as `Authorization: Bearer …`."
_MAKE: Final = "`qa keys create` makes one."
_NOWHERE: Final = ""
"""No collection can have this name."""


@dataclass(frozen=True, slots=True)
class Caller:
    """``key``: id of the key, None for whoever sends none. ``collections``: those that may be used; None means all."""

    key: str | None = None
    label: str = "anonymous"
    scopes: frozenset[Right] = frozenset()
    collections: frozenset[str] | None = None

    def may_use(self, collection: str) -> bool:
        return self.collections is None or collection in self.collections

    @property
    def home(self) -> str:
        """The collection meant where the protocol has no place to name one: the default one, or the first allowed."""
        if self.collections is None or DEFAULT_COLLECTION in self.collections:
            return DEFAULT_COLLECTION
        return min(self.collections, default=_NOWHERE)


NOBODY: Final = Caller()
OWNER: Final = Caller(scopes=frozenset(RIGHTS))
"""May do everything: who runs the program, or asks a service that listens on loopback and has no keys."""

Identify = Callable[[Scope, str | None], Awaitable[Caller]]
"""(scope, bearer token or None) -> who asks. Raises UnauthorizedError for a key that is not good."""


class MissingKeyError(UnauthorizedError):
    """No key was sent, or nothing that is one of ours."""


class Access:
    """ASGI middleware: finds out who asks, and lets nobody in who may do nothing."""

    def __init__(self, app: ASGIApp, identify: Identify, rate: Rate) -> None:
        self._app = app
        self._identify = identify
        self._rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            scope[_CALLER] = await self._admitted(scope)
        except CiteqaError as error:
            await errors.send(errors.told(scope, error), send)
            return
        await self._app(scope, receive, send)

    async def _admitted(self, scope: Scope) -> Caller:
        address = str((scope.get("client") or ("",))[0])
        try:
            caller = await self._identify(scope, bearer(Headers(scope=scope)))
        except AccessError:
            await self._rate.take(address)
            raise
        # Whoever may do everything without a key sits at this machine.
        if not is_open(scope["path"]) and not (caller.key is None and "admin" in caller.scopes):
            await self._rate.take(caller.key or address)
        if not caller.scopes and not is_open(scope["path"]):
            raise MissingKeyError("This needs a key.", f"{_SEND} {_MAKE}")
        return caller


def bearer(headers: Headers) -> str | None:
    """The token of the Authorization header (RFC 6750), None where there is none."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if kind.lower() == "bearer" else None


def is_open(path: str) -> bool:
    """Whether a request for this path is let in without any right."""
    return path in OPEN or path.startswith(OPEN_BELOW)


def caller_of(request: HTTPConnection | Scope) -> Caller:
    """Who asks; somebody who may do nothing where no middleware has found out."""
    scope = request.scope if isinstance(request, HTTPConnection) else request
    found: Caller = scope.get(_CALLER, NOBODY)
    return found


def require(caller: Caller, right: Right) -> None:
    """Raises UnauthorizedError where a key may help, ForbiddenError where this one does not have the right."""
    if right in caller.scopes:
        return
    if caller.key is None:
        raise UnauthorizedError(f"This needs a key with the scope {right!r}.", "Send one as `Authorization: Bearer …`.")
    raise ForbiddenError(
        f"This needs the scope {right!r}.", "Use a key that has it; `qa keys create --scope` makes one."
    )


def needs(right: Right) -> Any:
    """A FastAPI dependency: the caller, who has this right. ``caller: Annotated[Caller, needs("read")]``."""

    async def checked(request: Request) -> Caller:
        caller = caller_of(request)
        require(caller, right)
        return caller

    return Depends(checked)


def reachable(index: Index, caller: Caller, collection: str) -> str:
    """The collection, if it is there and the caller may use it.

    Raises the same NotFoundError where it is not there and where it may not be used, after the same look-up.
    """
    if not index.has_collection(collection if caller.may_use(collection) else _NOWHERE):
        raise missing(collection)
    return collection


def missing(collection: str) -> NotFoundError:
    """What is told of a collection that is not there, or not for this caller."""
    return NotFoundError(
        f"There is no collection {collection[:64]!r}.", "`qa collections` or GET /v1/collections lists them."
    )
