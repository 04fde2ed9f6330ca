"""What users say of answers, kept until somebody makes an eval question of it (`qa eval add --feedback`)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from qa.config import Settings
from qa.errors import NotFoundError, QuestionError
from qa.service import shape
from qa.service.access import Caller, needs, reachable
from qa.service.errors import answer
from qa.service.models import Identifier, Name, Request, Text
from qa.store import feedback
from qa.store.feedback import NewVerdict, Verdict
from qa.types import Language

if TYPE_CHECKING:
    from qa.index import Index

Reader = Annotated[Caller, needs("read")]
Admin = Annotated[Caller, needs("admin")]
Number = Annotated[int, Path(ge=1, le=2**53)]
State = Literal["pending", "taken", "dismissed", "all"]


class FeedbackRequest(Request):
    """A verdict on an answer; with `document_id` (and `passage_id`) on one passage of it."""

    question: Annotated[Text, Field(min_length=1)]
    verdict: Literal["up", "down"]
    language: Language | None = None
    comment: Annotated[Text, Field(max_length=2000)] | None = None
    answer: Annotated[Text, Field(max_length=10_000)] | None = None
    document_id: Identifier | None = None
    passage_id: Annotated[Text, Field(min_length=1, max_length=64)] | None = None
    collection: Name = "default"


class AcceptedResponse(BaseModel):
    id: int | None = Field(description="for whoever may see all collections: it counts the verdicts on all of them")


class VerdictResponse(BaseModel):
    id: int
    created: str
    collection: str
    question: str
    verdict: Literal["up", "down"]
    language: Language | None
    comment: str | None
    answer: str | None
    document_id: str | None
    passage_id: str | None
    state: Literal["pending", "taken", "dismissed"]
    taken_as: str | None = Field(description="ids of the eval questions made of it")


class FeedbackResponse(BaseModel):
    feedback: list[VerdictResponse] = Field(description="newest first")
    total: int
    offset: int
    limit: int


def routes(index: Index, settings: Settings) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["feedback"])
    database = index.store.database

    @router.post("/feedback", status_code=201, responses={201: {"model": AcceptedResponse}}, response_class=Response)
    def say(asked: FeedbackRequest, caller: Reader) -> Response:
        """Keep a user's verdict on an answer or a passage."""
        reachable(index, caller, asked.collection)
        _check(index, asked, settings)
        number = feedback.add(database, NewVerdict(**asked.model_dump())).number
        return answer({"id": number if caller.collections is None else None}, 201)

    @router.get("/feedback", responses={200: {"model": FeedbackResponse}}, response_class=Response)
    def said(
        caller: Admin,
        state: State = "pending",
        offset: Annotated[int, Query(ge=0, le=2**53)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        """Users' verdicts, newest first."""
        wanted = None if state == "all" else state
        found, total = feedback.listed(
            database, state=wanted, collections=caller.collections, offset=offset, limit=limit
        )
        return answer({"feedback": [_shape(one) for one in found], "total": total, "offset": offset, "limit": limit})

    @router.delete("/feedback/{number}", status_code=204, response_class=Response)
    def dismiss(number: Number, caller: Admin) -> Response:
        """Set a verdict aside."""
        if not caller.may_use(feedback.verdict(database, number).collection):
            raise feedback.missing(number)
        feedback.settle(database, number, "dismissed")
        return Response(status_code=204)

    return router


def _check(index: Index, asked: FeedbackRequest, settings: Settings) -> None:
    """Raises QuestionError for a question that cannot have been asked, NotFoundError for what it is said of."""
    if len(asked.question) > settings.max_question_chars:
        raise QuestionError("The question is longer than any that is read.", "Send the question that was asked.")
    if asked.document_id is None:
        if asked.passage_id is not None:
            raise QuestionError("`passage_id` goes with `document_id`.", "Send both.")
        return
    index.document(asked.document_id, asked.collection)
    passages = index.passages(asked.document_id, asked.collection)
    if asked.passage_id not in (None, *(passage.id for passage in passages)):
        raise NotFoundError(f"There is no passage {asked.passage_id!r} in it.", "Send the ids of a citation.")


def _shape(one: Verdict) -> shape.Json:
    said: shape.Json = asdict(one)
    return {"id": said.pop("number"), **said}
