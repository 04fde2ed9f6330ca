"""Server-sent events (WHATWG HTML, "Server-sent events"): their bytes, and the response."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from fastapi.responses import StreamingResponse

from qa.service import shape

DONE: Final = "data: [DONE]\n\n"
"""Ends a stream of the OpenAI protocol."""

_HEADERS: Final = {"cache-control": "no-cache", "x-accel-buffering": "no"}


def event(name: str, body: shape.Json) -> str:
    return f"event: {name}\n{data(body)}"


def data(body: shape.Json) -> str:
    """JSON has no line breaks, so one line holds it."""
    return f"data: {shape.dumps(body)}\n\n"


def stream(parts: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(parts, media_type="text/event-stream", headers=_HEADERS)
