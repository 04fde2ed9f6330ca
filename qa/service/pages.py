"""The pages for people, and the routes for machines that watch: health, readiness, metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import resources
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Response

from qa.service.errors import answer
from qa.service.metrics import Metrics

if TYPE_CHECKING:
    from qa.index import Index

_FILES: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/docs": ("docs.html", "text/html; charset=utf-8"),
    "/web/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/web/docs.js": ("docs.js", "text/javascript; charset=utf-8"),
    "/web/style.css": ("style.css", "text/css; charset=utf-8"),
}


def pages() -> APIRouter:
    """The search page and the interactive reference; no other host is asked for anything."""
    router = APIRouter(include_in_schema=False)
    for address, (name, media_type) in _FILES.items():
        router.add_api_route(address, _page(name, media_type), methods=["GET", "HEAD"], response_class=Response)
    return router


def _page(name: str, media_type: str) -> Callable[[], Awaitable[Response]]:
    content = (resources.files("qa.service") / "web" / name).read_bytes()

    async def page() -> Response:
        return Response(content, media_type=media_type, headers={"Cache-Control": "no-cache"})

    return page


def watching(index: Index, metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["operation"])

    @router.get("/healthz", response_class=Response)
    async def healthz() -> Response:
        """200 while the process lives."""
        return answer({"status": "ok"})

    @router.get("/readyz", response_class=Response)
    def readyz() -> Response:
        """200 when questions can be answered, else 503 with the reason."""
        found = index.collections()
        return answer({"status": "ready", "documents": sum(info.documents for info in found)})

    @router.get("/metrics", responses={200: {"content": {"text/plain": {}}}}, response_class=Response)
    def measured() -> Response:
        """Metrics for Prometheus."""
        found = index.collections()
        text = metrics.text(sum(info.documents for info in found), sum(info.passages for info in found))
        return Response(text, media_type=metrics.content_type)

    return router
