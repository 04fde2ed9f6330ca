"""The OpenAI-compatible door: `/v1/models` and `/v1/chat/completions`, streaming and not.

The last user message is the question, earlier ones resolve follow-ups; what chat interfaces ask on their own account is
answered without a search (``chores``); everything else a client sends is ignored.
Citations come as annotations and as links in the text (setting `QA_CHAT_CITATIONS`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qa.answer.ask import Found
from qa.config import Settings
from qa.errors import CiteqaError, NotFoundError
from qa.service import chores, events
from qa.service.access import Caller, caller_of, needs
from qa.service.ask import Asker
from qa.service.bodies import described
from qa.service.chat_format import Renderer, Style
from qa.service.chores import Turn
from qa.service.completion import Answering, Completion, Said, error, error_body
from qa.service.errors import answer, headers
from qa.service.links import base_of
from qa.service.models import AskRequest
from qa.service.shape import Json
from qa.types import Generator

if TYPE_CHECKING:
    from qa.encode.encoder import Encoder

MODEL: Final = "citeqa"
"""Answers in quotes."""
WRITER: Final = "citeqa-model"
"""The configured model writes, and every sentence is verified."""
MAX_MESSAGES: Final = 1000
_CREATED: Final = 1_760_000_000
"""When these models came into being: a constant, so that clients may cache the list."""
MAX_HISTORY: Final = 20
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {**events.OPENAPI, "application/json": {"schema": {"type": "object"}}}}
}


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Message(_Lenient):
    """``content`` is a string, or parts of which only the texts count."""

    role: str
    content: str | list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            parts = (part.get("text") for part in self.content if part.get("type") in ("text", "input_text"))
            return "\n".join(part for part in parts if isinstance(part, str))
        return self.content or ""


class StreamOptions(_Lenient):
    include_usage: bool | None = False


class ChatRequest(_Lenient):
    model: str = MODEL
    messages: list[Message] = Field(min_length=1, max_length=MAX_MESSAGES)
    stream: bool | None = False
    stream_options: StreamOptions | None = None


class Chat:
    """Answers chats from one index."""

    def __init__(self, asker: Asker, settings: Settings, encoder: Encoder) -> None:
        self._asker = asker
        self._style: Style = settings.chat_citations
        self._has_model = bool(settings.model_base_url)
        self._encoder = encoder

    def models(self) -> list[Json]:
        names = [MODEL, WRITER] if self._has_model else [MODEL]
        return [{"id": name, "object": "model", "created": _CREATED, "owned_by": "citeqa"} for name in names]

    def model(self, name: str) -> Json:
        """Raises NotFoundError."""
        for model in self.models():
            if model["id"] == name:
                return model
        names = ", ".join(str(model["id"]) for model in self.models())
        raise NotFoundError(f"There is no model {name!r} here.", f"Use one of: {names}.", code="model_not_found")

    async def begin(self, asked: ChatRequest, base: str, caller: Caller) -> Completion:
        """Search, and get ready to tell. Raises NotFoundError, QuestionError, BusyError."""
        model = str(self.model(asked.model)["id"])
        turns = [Turn(message.role, message.text) for message in asked.messages]
        chore = chores.answered(turns)
        reply = Said(turns[-1].text, chore) if chore is not None else await self._answering(model, turns, base, caller)
        return Completion(model, reply, self._encoder.count_tokens)

    async def _answering(self, model: str, turns: Sequence[Turn], base: str, caller: Caller) -> Answering:
        generator: Generator = "model" if model == WRITER else "extractive"
        questions = [turn.text for turn in turns if turn.role == "user" and turn.text.strip()]
        request = AskRequest(
            query=questions[-1] if questions else "",
            history=questions[:-1][-MAX_HISTORY:],
            generator=generator,
            collection=caller.home,
        )
        happening = await self._asker.events(request, caller)
        found = await anext(happening)
        assert isinstance(found, Found)
        renderer = Renderer(found.hits, base, self._style, request.collection)
        return Answering(found, happening, renderer, self._style)


def routes(asker: Asker, settings: Settings, encoder: Encoder) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["openai"], dependencies=[needs("read")])
    chat = Chat(asker, settings, encoder)

    @router.get("/models", response_class=Response)
    async def models() -> Response:
        """The models that chat clients may choose, in OpenAI's form."""
        return answer({"object": "list", "data": chat.models()})

    @router.get("/models/{name}", response_class=Response)
    async def model(name: str) -> Response:
        """One of them."""
        try:
            return answer(chat.model(name))
        except CiteqaError as failure:
            return failed(failure)

    @router.post(
        "/chat/completions",
        response_class=Response,
        responses={200: {"content": {**events.OPENAPI, "application/json": {"schema": {"type": "object"}}}}},
        openapi_extra=described(ChatRequest),
    )
    async def completions(request: Request) -> Response:
        """A chat completion in OpenAI's form: the last user message is answered, with citations as annotations."""
        try:
            asked = _parsed(await request.body())
            reply = await chat.begin(asked, base_of(request, settings), caller_of(request))
            if asked.stream:
                usage = asked.stream_options is not None and bool(asked.stream_options.include_usage)
                return events.stream(reply.streamed(usage))
            return answer(await reply.whole())
        except CiteqaError as failure:
            return failed(failure)
        except ValidationError as failure:
            problem = failure.errors()[0]
            param = ".".join(map(str, problem["loc"])) or None
            return answer(error("The request is not usable: " + problem["msg"], 400, "bad_request", param), 400)

    return router


def _parsed(body: bytes) -> ChatRequest:
    """Raises ValidationError; what is not JSON fails as an object without messages."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        sent = None
    return ChatRequest.model_validate(sent if isinstance(sent, dict) else {})


def failed(failure: CiteqaError) -> Response:
    """An error in OpenAI's shape."""
    return answer(error_body(failure), failure.status, headers(failure))
