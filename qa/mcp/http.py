"""MCP over streamable HTTP at `/mcp`: stateless, one answer to one POST, in both versions of the protocol."""

from __future__ import annotations

from typing import Final

from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.routing import Route

from qa.config import Settings
from qa.mcp.library import Library, Visit
from qa.mcp.server import Context, create_server
from qa.service.access import caller_of, require
from qa.service.links import base_of

PATH: Final = "/mcp"
MAX_BODY: Final = 1_000_000


def door(library: Library, settings: Settings) -> tuple[Route, StreamableHTTPSessionManager]:
    """The route, and the manager that has to run while it is open. Only POST: there is no session to listen to.

    The SDK's checks of Host and Origin are off: those of the whole service (``qa.service.hosts``) come before, answer
    with the same 421 and 403, and know more, such as the origins of keys.
    """

    def receive(context: Context) -> Visit:
        request = context.request
        assert isinstance(request, Request)
        caller = caller_of(request)
        require(caller, "read")
        return Visit(caller, base_of(request, settings))

    manager = StreamableHTTPSessionManager(
        app=create_server(library, receive),
        json_response=True,
        stateless=True,
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        max_request_body_size=MAX_BODY,
    )
    return Route(PATH, endpoint=StreamableHTTPASGIApp(manager), methods=["POST"]), manager
