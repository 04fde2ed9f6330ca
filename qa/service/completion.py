"""Chat completions in OpenAI's form, whole and in chunks, and errors in its shape."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from qa.answer.ask import Event, Found
from qa.answer.extract import Piece
from qa.answer.phrases import voice
from qa.errors import CiteqaError
from qa.service import events
from qa.service.chat_format import Renderer, Style, source_event
from qa.service.shape import Json
from qa.types import Hit

_TYPES: Final = dict.fromkeys((400, 401, 403, 404, 413), "invalid_request_error") | {429: "rate_limit_error"}
_CODES: Final = {"unauthorized": "invalid_api_key", "invalid_key": "invalid_api_key"}
"""Codes that clients of this protocol know by another name."""

_log = logging.getLogger(__name__)


class Reply(Protocol):
    """What is told to one question."""

    @property
    def query(self) -> str: ...

    def texts(self) -> AsyncIterator[str]:
        """The text, piece by piece."""

    def message_extras(self) -> Json:
        """Further fields of a whole message, once the text is complete."""

    def closing(self) -> Sequence[Json]:
        """Fields of the last chunks, the one that ends the choice last; each may have a ``delta``."""


@dataclass(frozen=True, slots=True)
class Answering:
    """An answer as it is made. ``happening``: what comes after ``found``."""

    found: Found
    happening: AsyncIterator[Event]
    renderer: Renderer
    style: Style

    @property
    def query(self) -> str:
        return self.found.query

    async def texts(self) -> AsyncIterator[str]:
        """The list of sources comes last."""
        async for event in self.happening:
            if isinstance(event, Piece):
                yield self.renderer.piece(event)
        sources = self.renderer.sources(voice(self.found.query))
        if sources:
            yield sources

    def message_extras(self) -> Json:
        return {} if self.style == "open-webui" else {"annotations": self.renderer.annotations()}

    def closing(self) -> Sequence[Json]:
        """Annotations go with the end of the choice; Open WebUI's own events go before it, in their place."""
        if self.style == "open-webui":
            return [*map(self._event, self._cited()), {}]
        annotations = self.renderer.annotations()
        return [{"delta": {"annotations": annotations}} if annotations else {}]

    def _event(self, hit: Hit) -> Json:
        return {"event": source_event(hit, self.renderer.address(hit.citation))}

    def _cited(self) -> Sequence[Hit]:
        """Hits up to the last that is cited: that client numbers sources in the order in which they come."""
        last = max((int(mark.citation.marker[1:-1]) for mark in self.renderer.marks), default=0)
        return self.found.hits[:last]


@dataclass(frozen=True, slots=True)
class Said:
    """A text that is known at once, without sources."""

    query: str
    text: str

    async def texts(self) -> AsyncIterator[str]:
        yield self.text

    def message_extras(self) -> Json:
        return {}

    def closing(self) -> Sequence[Json]:
        return [{}]


@dataclass(frozen=True, slots=True)
class Completion:
    """One completion on its way."""

    model: str
    reply: Reply
    count_tokens: Callable[[str], int]

    async def whole(self) -> Json:
        text = "".join([part async for part in self.reply.texts()])
        message = {"role": "assistant", "content": text, "refusal": None} | self.reply.message_extras()
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return self._head("chat.completion") | {"choices": [choice], "usage": self._usage(text)}

    async def streamed(self, with_usage: bool) -> AsyncIterator[str]:
        head = self._head("chat.completion.chunk")
        text = ""
        yield events.data(head | {"choices": [_choice({"role": "assistant", "content": ""})]})
        try:
            async for part in self.reply.texts():
                text += part
                yield events.data(head | {"choices": [_choice({"content": part})]})
        except CiteqaError as failure:
            yield events.data(error_body(failure))
            return
        except Exception:
            _log.exception("a completion broke off")
            yield events.data(error("The service failed to answer this.", 500, "internal"))
            return
        for chunk in self._closing():
            yield events.data(head | chunk)
        if with_usage:
            yield events.data(head | {"choices": [], "usage": self._usage(text)})
        yield events.DONE

    def _closing(self) -> list[Json]:
        *before, last = self.reply.closing()
        return [*(_chunk(fields, None) for fields in before), _chunk(last, "stop")]

    def _head(self, kind: str) -> Json:
        return {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": kind,
            "created": int(time.time()),
            "model": self.model,
        }

    def _usage(self, text: str) -> Json:
        asked, given = self.count_tokens(self.reply.query), self.count_tokens(text)
        return {"prompt_tokens": asked, "completion_tokens": given, "total_tokens": asked + given}


def _chunk(fields: Json, reason: str | None) -> Json:
    others = {name: value for name, value in fields.items() if name != "delta"}
    return {"choices": [_choice(fields.get("delta", {}), reason)]} | others


def _choice(delta: object, reason: str | None = None) -> Json:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def error_body(failure: CiteqaError) -> Json:
    code = _CODES.get(failure.code, failure.code)
    return error(f"{failure.message} {failure.hint}".strip(), failure.status, code)


def error(message: str, status: int, code: str, param: str | None = None) -> Json:
    kind = _TYPES.get(status, "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
