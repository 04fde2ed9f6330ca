"""The OpenAI-compatible door: `/v1/models` and `/v1/chat/completions`, streaming and not.

The last user message is the question, earlier ones resolve follow-ups; everything else a client sends is ignored.
Citations come as annotations and as links in the text (setting `QA_CHAT_CITATIONS`).
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qa.answer.ask import Event, Found
from qa.answer.extract import Piece
from qa.answer.phrases import voice
from qa.config import Settings
from qa.errors import CiteqaError, NotFoundError
from qa.service import events
from qa.service.access import Caller, caller_of, needs
from qa.service.ask import Asker
from qa.service.chat_format import Renderer, Style, source_event
from qa.service.errors import answer, headers
from qa.service.models import AskRequest
from qa.service.shape import Json
from qa.types import Generator, Hit

if TYPE_CHECKING:
    from qa.encode.encoder import Encoder

MODEL: Final = "citeqa"
"""Answers in quotes."""
WRITER: Final = "citeqa-model"
"""The configured model writes, and every sentence is verified."""
MAX_MESSAGES: Final = 1000
_CREATED: Final = 1_760_000_000
"""When these models came into being: a constant, so that clients may cache the list."""
_TYPES: Final = dict.fromkeys((400, 401, 403, 404, 413), "invalid_request_error")
_CODES: Final = {"unauthorized": "invalid_api_key", "invalid_key": "invalid_api_key"}
"""Codes that clients of this protocol know by another name."""


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

    async def begin(self, asked: ChatRequest, base: str, caller: Caller) -> _Reply:
        """Search, and get ready to tell. Raises NotFoundError, QuestionError, BusyError."""
        model = str(self.model(asked.model)["id"])
        generator: Generator = "model" if model == WRITER else "extractive"
        questions = [message.text for message in asked.messages if message.role == "user" and message.text.strip()]
        request = AskRequest(
            query=questions[-1] if questions else "",
            history=questions[:-1][-20:],
            generator=generator,
            collection=caller.home,
        )
        happening = await self._asker.events(request, caller)
        found = await anext(happening)
        assert isinstance(found, Found)
        renderer = Renderer(found.hits, base, self._style)
        reply = _Reply(model, found, happening, renderer, self._style, self._encoder)
        return reply


@dataclass(frozen=True, slots=True)
class _Reply:
    """One completion on its way."""

    model: str
    found: Found
    happening: AsyncIterator[Event]
    renderer: Renderer
    style: Style
    encoder: Encoder

    async def texts(self) -> AsyncIterator[str]:
        """The text, piece by piece, the list of sources last."""
        async for event in self.happening:
            if isinstance(event, Piece):
                yield self.renderer.piece(event)
        sources = self.renderer.sources(voice(self.found.query))
        if sources:
            yield sources

    async def whole(self) -> Json:
        text = "".join([part async for part in self.texts()])
        message: Json = {"role": "assistant", "content": text, "refusal": None}
        if self.style != "open-webui":
            message["annotations"] = self.renderer.annotations()
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        body = self._head("chat.completion") | {"choices": [choice], "usage": self._usage(text)}
        return body

    async def streamed(self, with_usage: bool) -> AsyncIterator[str]:
        head = self._head("chat.completion.chunk")
        text = ""
        yield events.data(head | {"choices": [_choice({"role": "assistant", "content": ""})]})
        try:
            async for part in self.texts():
                text += part
                yield events.data(head | {"choices": [_choice({"content": part})]})
        except CiteqaError as failure:
            yield events.data(_error_body(failure))
            return
        for chunk in self._last(head):
            yield chunk
        if with_usage:
            yield events.data(head | {"choices": [], "usage": self._usage(text)})
        yield events.DONE

    def _last(self, head: Json) -> Sequence[str]:
        """The chunk that ends the choice, with the annotations; where Open WebUI asks, its own events before it."""
        if self.style == "open-webui":
            shown = [source_event(hit, self.renderer.address(hit.citation)) for hit in self._cited()]
            chunks = [head | {"choices": [_choice({})], "event": event} for event in shown]
            return [events.data(chunk) for chunk in [*chunks, head | {"choices": [_choice({}, "stop")]}]]
        annotations = self.renderer.annotations()
        delta: Json = {"annotations": annotations} if annotations else {}
        return [events.data(head | {"choices": [_choice(delta, "stop")]})]

    def _cited(self) -> Sequence[Hit]:
        """Hits up to the last that is cited: that client numbers sources in the order in which they come."""
        last = max((int(mark.citation.marker[1:-1]) for mark in self.renderer.marks), default=0)
        return self.found.hits[:last]

    def _head(self, kind: str) -> Json:
        return {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": kind,
            "created": int(time.time()),
            "model": self.model,
        }

    def _usage(self, text: str) -> Json:
        asked, given = self.encoder.count_tokens(self.found.query), self.encoder.count_tokens(text)
        return {"prompt_tokens": asked, "completion_tokens": given, "total_tokens": asked + given}


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

    @router.post("/chat/completions", response_class=Response)
    async def completions(request: Request) -> Response:
        """A chat completion in OpenAI's form: the last user message is answered, with citations as annotations."""
        try:
            asked = _parsed(await request.body())
            reply = await chat.begin(asked, str(request.base_url), caller_of(request))
            if asked.stream:
                usage = asked.stream_options is not None and bool(asked.stream_options.include_usage)
                return events.stream(reply.streamed(usage))
            return answer(await reply.whole())
        except CiteqaError as failure:
            return failed(failure)
        except ValidationError as failure:
            problem = failure.errors()[0]
            param = ".".join(map(str, problem["loc"])) or None
            return answer(_error("The request is not usable: " + problem["msg"], 400, "bad_request", param), 400)

    return router


def _parsed(body: bytes) -> ChatRequest:
    """Raises ValidationError; what is not JSON fails as an object without messages."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        sent = None
    return ChatRequest.model_validate(sent if isinstance(sent, dict) else {})


def _choice(delta: Json, reason: str | None = None) -> Json:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def failed(failure: CiteqaError) -> Response:
    """An error in OpenAI's shape."""
    return answer(_error_body(failure), failure.status, headers(failure))


def _error_body(failure: CiteqaError) -> Json:
    return _error(
        f"{failure.message} {failure.hint}".strip(), failure.status, _CODES.get(failure.code, failure.code), None
    )


def _error(message: str, status: int, code: str, param: str | None) -> Json:
    kind = _TYPES.get(status, "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
