"""The HTTP service over one index."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI

from qa.chat.message import Ask, Question
from qa.chat.service import Chats
from qa.config import Settings
from qa.mcp import http
from qa.mcp.library import Library
from qa.service import (
    access,
    ask,
    dify,
    documents,
    errors,
    evals,
    facets,
    openai,
    pages,
    search,
    trials,
    ui,
    undo,
    uploads,
    verdicts,
)
from qa.service.departures import Departures
from qa.service.doorman import Doorman
from qa.service.hosts import Hosts, Origins, origins
from qa.service.jobs import Jobs
from qa.service.keys import Gate, Keyring
from qa.service.lifetime import lifespan
from qa.service.metrics import Metrics
from qa.service.models import AskRequest, ErrorResponse
from qa.service.rate import rate
from qa.store.owner import this_process
from qa.types import Answer

if TYPE_CHECKING:
    from qa.index import Index

_ABOUT: Final = """Answers questions in Chinese and English from a collection of articles, and proves every answer:
each passage quotes its source by character offsets that anyone can check. Every error is
`{"error": {"code", "message", "hint"}}`."""
_ERRORS: Final = {
    400: "The request is wrong; the message says what.",
    401: "No key, or one that is not good.",
    403: "The key does not have this right, or a page of another site sent this.",
    404: "There is no such document, collection, job or route.",
    405: "This address does not take this method.",
    408: "The body came too slowly.",
    409: "It exists already, or another program is writing.",
    413: "A body or a file is too large.",
    421: "The request is for another host.",
    429: "Too many requests; `Retry-After` says when to try again.",
    500: "The service failed; its log says why.",
    503: "Busy, or the index cannot be used. `Retry-After` says when to try again.",
}
_VOICES: Final = {
    "/dify/": dify.failed,
    "/v1/models": openai.failed,
    "/v1/chat/": openai.failed,
    "/v1/ui/": ui.failed,
}
"""How the doors of foreign protocols tell of errors, by the beginning of their paths."""


def create_app(index: Index, settings: Settings, *, identify: access.Identify | None = None) -> FastAPI:
    """The app. It works on ``index`` and does not close it.

    ``identify`` finds out who sends a request; without it, the keys of the index and ``settings`` say so.
    """
    keyring = Keyring(index.store)
    gate = Gate(keyring, settings)
    metrics = Metrics()
    owner = this_process(index.store.database, index.store.root)
    jobs, running = Jobs(index, owner, metrics), trials.Trials(index, owner)
    searcher = search.Searcher(index, metrics, settings.max_queue)
    asker = ask.Asker(index, searcher, metrics)
    chats = Chats(owner, index.store.database, _chat_answers(asker), settings)
    mcp, mcp_sessions = http.door(Library(index, searcher, asker), settings)
    app = FastAPI(
        title="citeqa",
        version=version("citeqa"),
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan(index, owner, (jobs, running, undo.Purger(index)), chats, mcp_sessions, gate.close),
        responses={status: {"model": ErrorResponse, "description": text} for status, text in _ERRORS.items()},
    )
    app.add_middleware(Departures)
    app.add_middleware(
        access.Access, identify=identify or gate.identify, rate=rate(settings.rate, index.store.database)
    )
    app.add_middleware(Origins, allowed=origins(settings.cors_origins), of_keys=keyring.origins)
    app.add_middleware(
        Doorman,
        metrics=metrics,
        document_bytes=uploads.max_body(settings),
        voices=_VOICES,
        check_host=Hosts(settings).check,
    )
    errors.install(app)
    app.include_router(search.routes(searcher))
    app.include_router(facets.routes(index, searcher, settings))
    app.include_router(ask.routes(asker))
    app.include_router(openai.routes(asker, settings, index.encoder))
    app.include_router(dify.routes(searcher, settings))
    app.include_router(ui.routes(asker, settings))
    app.router.routes.append(mcp)
    for router in (
        *documents.routes(index, jobs, settings),
        undo.routes(index),
        verdicts.routes(index, settings),
        evals.routes(index, running, settings),
        pages.watching(index, metrics),
        pages.pages(),
        *chats.routers,
    ):
        app.include_router(router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _chat_answers(asker: ask.Asker) -> Ask:
    """Chat questions wait in the same queue as all others, and read the platform's collection alone."""

    async def answer(asked: Question) -> Answer:
        history, collection = list(asked.history), asked.collection
        caller = access.Caller(label="chat", scopes=frozenset({"read"}), collections=frozenset({collection}))
        request = AskRequest(query=asked.text, history=history, collection=collection, generator=asked.generator)
        return await asker.ask(request, caller)

    return answer


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The framework documents its own shape of validation errors; here they are a 400 in ours."""
    document = FastAPI.openapi(app)
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
    return document
