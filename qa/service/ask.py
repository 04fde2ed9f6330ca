"""`POST /v1/ask`: an answer with what proves it, whole or as it is written."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Response

from qa.errors import CiteqaError
from qa.service import events, shape
from qa.service.access import Caller, needs, reachable
from qa.service.errors import answer
from qa.service.metrics import Metrics
from qa.service.models import AskRequest, AskResponse
from qa.service.places import Done, Places
from qa.service.search import Searcher
from qa.types import Answer

if TYPE_CHECKING:
    from qa.answer.ask import Event
    from qa.index import Index

WRITERS: Final = 16
"""Answers that a model may be writing at one time."""

_log = logging.getLogger(__name__)


class Asker:
    """Answers from one index, in the threads of its searches."""

    def __init__(self, index: Index, searcher: Searcher, metrics: Metrics) -> None:
        self._index = index
        self._searcher = searcher
        self._metrics = metrics
        self._writing = Places(WRITERS, WRITERS, metrics.writing)

    async def ask(self, asked: AskRequest, caller: Caller) -> Answer:
        """Raises BusyError, QuestionError, NotFoundError."""
        given = await self._run(asked, lambda: _last(self._events(asked, caller)))
        self._metrics.searched(given)
        return given

    async def events(self, asked: AskRequest, caller: Caller) -> AsyncIterator[Event]:
        """The answer as it is written. The search is done, and its errors are raised, before this returns."""
        begun = await self._run(asked, lambda: self._events(asked, caller))
        return self._rest(asked, begun)

    async def _rest(self, asked: AskRequest, begun: Iterator[Event]) -> AsyncIterator[Event]:
        while (event := await self._run(asked, lambda: next(begun, None), begun=True)) is not None:
            if isinstance(event, Answer):
                self._metrics.searched(event)
            yield event

    async def _run(self, asked: AskRequest, work: Callable[[], Done], *, begun: bool = False) -> Done:
        """A model keeps its thread waiting: it gets one of its own, so that searches go on."""
        if asked.generator == "extractive":
            return await self._searcher.run(work, begun=begun)
        return await self._writing.run(work, begun=begun)

    def _events(self, asked: AskRequest, caller: Caller) -> Iterator[Event]:
        return self._index.ask_events(
            asked.query,
            top_k=asked.top_k,
            collection=reachable(self._index, caller, asked.collection),
            filters=None if asked.filters is None else asked.filters.filters(),
            history=asked.history,
            generator=asked.generator,
        )


def routes(asker: Asker) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["ask"])

    @router.post("/ask", responses={200: {"model": AskResponse, "content": events.OPENAPI}}, response_class=Response)
    async def ask(asked: AskRequest, caller: Annotated[Caller, needs("read")]) -> Response:
        """An answer, each sentence with what proves it. With `stream`, server-sent events: `found` (the hits), then
        `piece`s of the text, then `answer` (the whole response); `error` where it breaks off."""
        if asked.stream:
            return events.stream(_told(await asker.events(asked, caller)))
        return answer(shape.answer(await asker.ask(asked, caller)))

    return router


async def _told(happening: AsyncIterator[Event]) -> AsyncIterator[str]:
    try:
        async for event in happening:
            yield _event(event)
    except CiteqaError as error:
        yield events.event("error", shape.error(error.code, error.message, error.hint))
    except Exception:
        _log.exception("an answer broke off")
        yield events.event("error", shape.error("internal", "The service failed to answer this."))


def _event(event: Event) -> str:
    from qa.answer.ask import Found
    from qa.answer.extract import Piece

    if isinstance(event, Found):
        hits = [shape.hit(each) for each in event.hits]
        return events.event("found", {"searched": event.searched, "answerable": event.answerable, "hits": hits})
    if isinstance(event, Piece):
        return events.event("piece", {"text": event.text})
    return events.event("answer", shape.answer(event))


def _last(happening: Iterator[Event]) -> Answer:
    return next(event for event in happening if isinstance(event, Answer))
