"""Server-sent events (WHATWG HTML, "Server-sent events"): their bytes, and the response."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final

from fastapi.responses import StreamingResponse

from qa.service import shape

DONE: Final = "data: [DONE]\n\n"
"""Ends a stream of the OpenAI protocol."""

_TEXT: Final = {"type": "string"}
OPENAPI: Final = {
    "text/event-stream": {
        "schema": {"type": "object", "required": ["data"], "properties": {"event": _TEXT, "data": _TEXT}}
    }
}
"""Content of a response that may be a stream."""

KEEP_ALIVE: Final = ": keep-alive\n\n"
"""A comment, which clients leave out: says that the answer is still being made."""
KEEP_ALIVE_SECONDS: Final = 10.0
"""Proxies close connections on which nothing comes for long; a minute is usual."""

_HEADERS: Final = {"cache-control": "no-cache", "x-accel-buffering": "no"}


def event(name: str, body: shape.Json) -> str:
    return f"event: {name}\n{data(body)}"


def data(body: shape.Json) -> str:
    """JSON has no line breaks, so one line holds it."""
    return f"data: {shape.dumps(body)}\n\n"


def stream(parts: AsyncIterator[str], headers: Mapping[str, str] | None = None) -> StreamingResponse:
    return StreamingResponse(alive(parts), media_type="text/event-stream", headers=_HEADERS | dict(headers or {}))


async def alive(parts: AsyncIterator[str], seconds: float = KEEP_ALIVE_SECONDS) -> AsyncIterator[str]:
    """The parts as they come, and comments while they do not."""
    awaited = asyncio.ensure_future(_next(parts))
    try:
        while True:
            done, _ = await asyncio.wait([awaited], timeout=seconds)
            if not done:
                yield KEEP_ALIVE
                continue
            part = awaited.result()
            if part is None:
                return
            yield part
            awaited = asyncio.ensure_future(_next(parts))
    finally:
        awaited.cancel()


async def _next(parts: AsyncIterator[str]) -> str | None:
    return await anext(parts, None)
