"""Under which names the service answers, and which web pages may call it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.config import Settings
from qa.errors import CiteqaError, ConfigError
from qa.service import errors
from qa.service.errors import ForeignOriginError

PROBES: Final = frozenset({"/healthz", "/readyz"})
"""Asked by whatever runs the service, at any of its addresses."""
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PREFLIGHT: Final = {
    "access-control-allow-methods": "GET, POST, DELETE",
    "access-control-allow-headers": "authorization, content-type, mcp-protocol-version, mcp-method, mcp-name",
    "access-control-max-age": "600",
}
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1", "*.localhost")


class WrongHostError(CiteqaError):
    """The request is for another host (RFC 9110, 421 Misdirected Request)."""

    code, status = "wrong_host", 421


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listed(text: str) -> tuple[str, ...]:
    """The parts of a setting that are separated by commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def origins(text: str) -> frozenset[str]:
    """Web origins (``https://news.example``). Raises ConfigError for what is none."""
    for origin in listed(text):
        check_origin(origin)
    return frozenset(listed(text))


def check_origin(origin: str) -> None:
    """Raises ConfigError for what is no origin: scheme and host, a port if it is not the usual one, nothing else."""
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc or f"{parts.scheme}://{parts.netloc}" != origin:
        raise ConfigError(f"{origin[:200]!r} is not a web origin.", "Write it as a browser does: https://news.example")


class Hosts:
    """The names under which a service answers.

    On loopback, without a setting, those of this machine and the one of QA_PUBLIC_URL: a page of another site may have
    its name resolve to 127.0.0.1 and would then read everything (DNS rebinding).
    """

    def __init__(self, settings: Settings) -> None:
        self._names = tuple(name.lower() for name in listed(settings.trusted_hosts))
        if not self._names and is_loopback(settings.host):
            self._names = (*_LOOPBACK, settings.host.lower(), urlsplit(settings.public_url).hostname or "localhost")

    def check(self, scope: Scope) -> None:
        """Raises WrongHostError."""
        if not self._names or scope["path"] in PROBES:
            return
        name = _name(Headers(scope=scope).get("host", ""))
        if not any(_fits(name, known) for known in self._names):
            raise WrongHostError("This service does not answer under that name.", "QA_TRUSTED_HOSTS lists its names.")


def _name(host: str) -> str:
    """The host without its port; an IPv6 address without its brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _fits(name: str, known: str) -> bool:
    return known == "*" or name == known or (known.startswith("*.") and name.endswith(known[1:]))


class Origins:
    """ASGI middleware: answers browsers that ask for another site's page (the CORS protocol of WHATWG Fetch).

    ``allowed``: from the settings. ``of_keys``: origins of keys, read anew each time. Pages of other sites change
    nothing, and cannot read what they get.
    """

    def __init__(self, app: ASGIApp, allowed: frozenset[str], of_keys: Callable[[], frozenset[str]]) -> None:
        self._app = app
        self._allowed = allowed
        self._of_keys = of_keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else None
        origin = headers.get("origin") if headers is not None else None
        if headers is None or origin is None or urlsplit(origin).netloc == headers.get("host"):
            await self._app(scope, receive, send)
            return
        allowed = origin in self._allowed or origin in await anyio.to_thread.run_sync(self._of_keys)
        preflight = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        if not allowed and (preflight or scope["method"] not in _SAFE):
            raise ForeignOriginError("This request comes from a page of another site.", "QA_CORS_ORIGINS lists those.")
        send = _telling(send, origin) if allowed else send
        if preflight:
            await errors.send(Response(status_code=204, headers=_PREFLIGHT), send)
        else:
            await self._app(scope, receive, send)


def _telling(send: Send, origin: str) -> Send:
    """Says with the answer that pages of this origin may read it."""

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["access-control-allow-origin"] = origin
            headers["access-control-expose-headers"] = "retry-after, x-request-id"
            headers.add_vary_header("origin")
        await send(message)

    return tell
