"""MCP over standard input and output, for clients that start the server themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from mcp.server.stdio import stdio_server

from qa.mcp.library import Library, Visit
from qa.mcp.server import Context, create_server
from qa.service.access import OWNER
from qa.service.ask import Asker
from qa.service.metrics import Metrics
from qa.service.search import Searcher

if TYPE_CHECKING:
    from qa.index import Index


def run(index: Index) -> None:
    """Serve until the client closes the input. Whoever starts the program may read everything in the index."""
    anyio.run(_serve, index)


async def _serve(index: Index) -> None:
    metrics = Metrics()
    searcher = Searcher(index, metrics, index.settings.max_queue)
    server = create_server(Library(index, searcher, Asker(index, searcher, metrics)), _owner)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def _owner(_context: Context) -> Visit:
    return Visit(OWNER)
