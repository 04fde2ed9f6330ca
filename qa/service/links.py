"""The address of this service, for links to it."""

from __future__ import annotations

from starlette.requests import Request

from qa.config import Settings


def base_of(request: Request, settings: Settings) -> str:
    """The address of this service as people reach it: QA_PUBLIC_URL, or where this request came to."""
    return settings.public_url or str(request.base_url)
