"""The pages for people, and the routes for machines that watch: health, readiness, metrics."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Request, Response

from qa.errors import ForbiddenError
from qa.service.access import Caller, caller_of, needs
from qa.service.errors import answer
from qa.service.metrics import Metrics

if TYPE_CHECKING:
    from qa.index import Index

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
"""What the pages may do: load from this service alone, nothing inline, no markup made of data."""

SHELL: Final = ("/", "/articles", "/evals", "/documents/{document_id}")
"""Addresses of the page: one document serves them all, and ``web/app.js`` draws the one that is asked for."""

WIDGET: Final = "/widget.js"
"""The question box that other sites embed."""

_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_PUBLIC: Final = {"access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}
"""Scripts and styles hold nothing of a collection: other sites may load them, as the embedded widget has to."""


def pages() -> APIRouter:
    """The pages for people and what they are made of; no other host is asked for anything."""
    router = APIRouter(include_in_schema=False)
    for address in SHELL:
        _serve(router, address, "index.html", {})
    _serve(router, "/docs", "docs.html", {})
    _serve(router, WIDGET, "widget.js", _PUBLIC)
    for file in (resources.files("qa.service") / "web").iterdir():
        if not file.name.endswith(".html"):
            _serve(router, f"/web/{file.name}", file.name, _PUBLIC)
    return router


def _serve(router: APIRouter, address: str, name: str, headers: Mapping[str, str]) -> None:
    """One file at one address. A browser asks each time whether its copy is the current one."""
    content = (resources.files("qa.service") / "web" / name).read_bytes()
    tag = f'"{sha256(content).hexdigest()[:16]}"'
    known = {**headers, "cache-control": "no-cache", "etag": tag}
    media_type = _TYPES[name.rpartition(".")[2]]

    async def page(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=known)
        return Response(content, media_type=media_type, headers=known)

    router.add_api_route(address, page, methods=["GET", "HEAD"], response_class=Response)


def watching(index: Index, metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["operation"])

    @router.get("/healthz", response_class=Response)
    async def healthz() -> Response:
        """200 while the process lives."""
        return answer({"status": "ok"})

    @router.get("/readyz", response_class=Response)
    def readyz(request: Request) -> Response:
        """200 when questions can be answered, else 503 with the reason. Whoever may read is told how many documents,
        and of what works less well than it could (`notices`)."""
        caller, found, notices = caller_of(request), index.collections(), index.store.notices()
        if "read" not in caller.scopes:
            return answer({"status": "ready"})
        known = {"status": "ready", "documents": sum(i.documents for i in found if caller.may_use(i.name))}
        return answer(known | ({"notices": list(notices)} if notices else {}))

    @router.get("/metrics", responses={200: {"content": {"text/plain": {}}}}, response_class=Response)
    def measured(caller: Annotated[Caller, needs("admin")]) -> Response:
        """Metrics for Prometheus, for a key with the scope `admin` that is not limited to collections."""
        if caller.collections is not None:
            raise ForbiddenError("Metrics count all collections.", "Use a key that is not limited to some of them.")
        found = index.collections()
        documents, passages = (sum(getattr(info, name) for info in found) for name in ("documents", "passages"))
        text = metrics.text(documents, passages, index.store.generation())
        return Response(text, media_type=metrics.content_type)

    return router
