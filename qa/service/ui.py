"""The AI SDK's UI message stream: `POST /v1/ui/chat`, for `useChat` and whatever else speaks that protocol.

The last user message is answered, earlier ones resolve follow-ups. Marks in the text stay bare; each cited passage
comes as a `source-url` part with the whole citation in its `providerMetadata`. Errors before the stream are plain text,
which that client shows as the message of the error; those in the stream are `error` parts.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qa.answer.ask import Event, Found
from qa.answer.extract import Piece
from qa.config import Settings
from qa.errors import CiteqaError, InputError
from qa.service import events, shape
from qa.service.access import Caller, caller_of, needs
from qa.service.ask import Asker
from qa.service.bodies import described
from qa.service.chat_format import Renderer
from qa.service.errors import headers
from qa.service.links import base_of
from qa.service.models import AskRequest, Name
from qa.service.shape import Json
from qa.types import Answer, Generator

MAX_MESSAGES: Final = 1000
MAX_HISTORY: Final = 20
_HEADERS: Final = {"x-vercel-ai-ui-message-stream": "v1"}
_TEXT_ID: Final = "answer"
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {200: {"content": events.OPENAPI}}

_log = logging.getLogger(__name__)


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class UiMessage(_Lenient):
    """``parts`` as version 5 and later send them; only the texts count."""

    role: str
    parts: list[dict[str, Any]] = []

    @property
    def text(self) -> str:
        texts = (part.get("text") for part in self.parts if part.get("type") == "text")
        return "\n".join(text for text in texts if isinstance(text, str))


class UiRequest(_Lenient):
    """What the SDK's transport sends; ``collection`` and ``generator`` may be added in its ``body``."""

    messages: Annotated[list[UiMessage], Field(min_length=1, max_length=MAX_MESSAGES)]
    collection: Name | None = None
    generator: Generator = "extractive"


def routes(asker: Asker, settings: Settings) -> APIRouter:
    router = APIRouter(prefix="/v1/ui", tags=["ai-sdk"], dependencies=[needs("read")])

    @router.post(
        "/chat",
        response_class=Response,
        responses={200: {"content": events.OPENAPI}},
        openapi_extra=described(UiRequest),
    )
    async def chat(request: Request) -> Response:
        """The AI SDK's UI message stream: the last user message is answered, sources as `source-url` parts."""
        try:
            asked = _question(UiRequest.model_validate_json(await request.body()), caller_of(request))
        except ValidationError as failure:
            raise _unusable(failure) from failure
        happening = await asker.events(asked, caller_of(request))
        found = await anext(happening)
        assert isinstance(found, Found)
        renderer = Renderer(found.hits, base_of(request, settings), "open-webui", asked.collection)
        return events.stream(_told(happening, renderer), _HEADERS)

    return router


def _question(asked: UiRequest, caller: Caller) -> AskRequest:
    """Raises ValidationError for what is not text."""
    questions = [message.text for message in asked.messages if message.role == "user" and message.text.strip()]
    return AskRequest(
        query=questions[-1] if questions else "",
        history=questions[:-1][-MAX_HISTORY:],
        collection=asked.collection or caller.home,
        generator=asked.generator,
    )


async def _told(happening: AsyncIterator[Event], renderer: Renderer) -> AsyncIterator[str]:
    yield events.data({"type": "start", "messageId": f"msg-{uuid.uuid4().hex}"})
    yield events.data({"type": "text-start", "id": _TEXT_ID})
    try:
        async for event in happening:
            if isinstance(event, Piece):
                yield events.data({"type": "text-delta", "id": _TEXT_ID, "delta": renderer.piece(event)})
            elif isinstance(event, Answer):
                for part in _end(event, renderer):
                    yield events.data(part)
    except CiteqaError as failure:
        yield events.data({"type": "error", "errorText": _text(failure)})
    except Exception:
        _log.exception("an answer broke off")
        yield events.data({"type": "error", "errorText": "The service failed to answer this."})
    yield events.DONE


def _end(answer: Answer, renderer: Renderer) -> list[Json]:
    sources: list[Json] = [
        {
            "type": "source-url",
            "sourceId": citation.marker,
            "url": renderer.address(citation),
            "title": citation.title,
            "providerMetadata": {"citeqa": shape.citation(citation)},
        }
        for citation in answer.citations
    ]
    known = {"answerable": answer.answerable, "confidence": round(answer.confidence, 4)}
    finish: Json = {"type": "finish", "finishReason": "stop", "messageMetadata": known}
    return [{"type": "text-end", "id": _TEXT_ID}, *sources, finish]


def _unusable(failure: ValidationError) -> InputError:
    problem = failure.errors()[0]
    place = ".".join(str(step)[:80] for step in problem["loc"])
    return InputError(f"The request is not usable: {place}: {problem['msg']}")


def failed(error: CiteqaError) -> Response:
    """The error as a text: the client shows the body of a refusal as it is."""
    return Response(_text(error), error.status, headers(error), "text/plain; charset=utf-8")


def _text(error: CiteqaError) -> str:
    return f"{error.message} {error.hint}".strip()
