"""MCP over streamable HTTP at `/mcp`: stateless, one answer to one POST, in both versions of the protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.routing import Route

from qa.config import Settings
from qa.mcp.library import Library, Visit
from qa.mcp.server import Context, create_server
from qa.service.access import caller_of, require

PATH: Final = "/mcp"
MAX_BODY: Final = 1_000_000
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


def security(hosts: Sequence[str]) -> TransportSecuritySettings:
    """Which Host and Origin headers are let in: this machine's, and ``hosts`` (`name`, `name:port` or `name:*`)."""
    own = [host for name in _LOOPBACK for host in (name, f"{name}:*")]
    allowed = [*own, *hosts]
    origins = [f"{scheme}://{host}" for scheme in ("http", "https") for host in allowed]
    return TransportSecuritySettings(allowed_hosts=allowed, allowed_origins=origins)


def receive(context: Context) -> Visit:
    """Who sent the HTTP request. Raises AccessError."""
    request = context.request
    assert isinstance(request, Request)
    caller = caller_of(request)
    require(caller, "read")
    return Visit(caller, str(request.base_url))


def door(library: Library, settings: Settings) -> tuple[Route, StreamableHTTPSessionManager]:
    """The route, and the manager that has to run while it is open. Only POST: there is no session to listen to."""
    hosts = [host.strip() for host in settings.mcp_hosts.split(",") if host.strip()]
    manager = StreamableHTTPSessionManager(
        app=create_server(library, receive),
        json_response=True,
        stateless=True,
        security_settings=security(hosts),
        max_request_body_size=MAX_BODY,
    )
    return Route(PATH, endpoint=StreamableHTTPASGIApp(manager), methods=["POST"]), manager
