"""Dify's external knowledge protocol: `POST /dify/retrieval`. A knowledge base's id is the name of a collection.

Errors are ``{"error_code", "error_msg"}``: 1001 and 1002 for the key, 2001 for the knowledge base, the HTTP status for
the rest. Registration sends a key and no body: the key is checked before the body is read, a bad one answered with 403.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qa.answer import links
from qa.config import Settings
from qa.errors import CiteqaError, InputError, NotFoundError, UnauthorizedError
from qa.service.access import Caller, MissingKeyError, caller_of, needs
from qa.service.bodies import described
from qa.service.dify_conditions import Conditions
from qa.service.errors import answer, headers
from qa.service.links import base_of
from qa.service.models import Name, SearchRequest, Text
from qa.service.search import Searcher
from qa.service.shape import Json
from qa.types import Hit

NO_KEY: Final = 1001
BAD_KEY: Final = 1002
NO_KNOWLEDGE_BASE: Final = 2001


class Retrieval(BaseModel):
    model_config = ConfigDict(extra="ignore")

    top_k: Annotated[int, Field(ge=1)] = 5
    score_threshold: float | None = None


class DifyRequest(BaseModel):
    """What Dify sends; fields that later versions may add are ignored."""

    model_config = ConfigDict(extra="ignore")

    knowledge_id: Name
    query: Text
    retrieval_setting: Retrieval = Retrieval()
    metadata_condition: Conditions | None = None


def routes(searcher: Searcher, settings: Settings) -> APIRouter:
    router = APIRouter(prefix="/dify", tags=["dify"], dependencies=[needs("read")])

    @router.post("/retrieval", response_class=Response, openapi_extra=described(DifyRequest))
    async def retrieval(request: Request) -> Response:
        """Dify's external knowledge: the passages of a collection (`knowledge_id`) that answer `query`."""
        asked = _parsed(await request.body())
        records = await _records(searcher, asked, settings.max_top_k, caller_of(request), base_of(request, settings))
        return answer({"records": records})

    return router


async def _records(searcher: Searcher, asked: DifyRequest, max_top_k: int, caller: Caller, base: str) -> list[Json]:
    wanted = asked.retrieval_setting
    search = SearchRequest(query=asked.query, collection=asked.knowledge_id, top_k=min(wanted.top_k, max_top_k))
    filters = None if asked.metadata_condition is None else asked.metadata_condition.filters()
    try:
        result = await searcher.search(search, caller, filters)
    except NotFoundError as error:
        raise _NoKnowledgeBaseError(error.message, error.hint) from error
    least = wanted.score_threshold or 0
    return [_record(hit, base, asked.knowledge_id) for hit in result.hits if hit.score >= least]


class _NoKnowledgeBaseError(NotFoundError):
    """The collection, and not the address, is not there."""


def _record(hit: Hit, base: str, collection: str) -> Json:
    cited = hit.citation
    known: Json = {
        "document_id": cited.document_id,
        "passage_id": cited.passage_id,
        "publisher": cited.publisher,
        "author": cited.author,
        "published": cited.published,
        "url": links.website(cited.url) or links.source_view(cited, base, collection),
        "source": cited.source,
        "kind": cited.kind,
        "heading": cited.heading,
        "page": cited.page,
        "start": cited.start,
        "end": cited.end,
        "quote": cited.quote,
        "sha256": cited.sha256,
    }
    metadata = {name: value for name, value in known.items() if value is not None}
    return {"content": hit.text, "score": round(hit.score, 4), "title": cited.title, "metadata": metadata}


def _parsed(body: bytes) -> DifyRequest:
    """Raises InputError; what was sent is not repeated."""
    try:
        return DifyRequest.model_validate_json(body)
    except ValidationError as failure:
        problem = failure.errors()[0]
        place = ".".join(str(step)[:80] for step in problem["loc"])
        message = f"{place}: {problem['msg']}" if place else "The body is not a JSON object."
        raise InputError(message, "Dify's external knowledge API sends knowledge_id and query.") from failure


def failed(error: CiteqaError) -> Response:
    """An error as Dify reads it."""
    status = 403 if isinstance(error, UnauthorizedError) else error.status
    code = _CODES.get(type(error), status)
    return answer({"error_code": code, "error_msg": f"{error.message} {error.hint}".strip()}, status, headers(error))


_CODES: Final[dict[type[CiteqaError], int]] = {
    MissingKeyError: NO_KEY,
    UnauthorizedError: BAD_KEY,
    _NoKnowledgeBaseError: NO_KNOWLEDGE_BASE,
}
