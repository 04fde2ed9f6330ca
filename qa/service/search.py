"""`POST /v1/search`: searches run in threads, a bounded number at a time, with a bounded queue before them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import anyio
from anyio import CapacityLimiter
from fastapi import APIRouter, Response

from qa.errors import BusyError
from qa.service import shape
from qa.service.access import Caller, needs, reachable
from qa.service.errors import answer
from qa.service.metrics import Metrics
from qa.service.models import SearchRequest, SearchResponse
from qa.types import Filters, SearchResult

if TYPE_CHECKING:
    from qa.index import Index

Done = TypeVar("Done")

THREADS: Final = max(2, os.cpu_count() or 1)
"""Searches at one time: most of a search is arithmetic, so more than there are cores would only wait for each other."""


class Searcher:
    """Searches of one index. ``max_waiting`` searches may wait for a thread; more are refused."""

    def __init__(self, index: Index, metrics: Metrics, max_waiting: int) -> None:
        self._index = index
        self._metrics = metrics
        self._max_waiting = max_waiting
        self._threads = CapacityLimiter(THREADS)
        self._accepted = 0

    async def search(self, asked: SearchRequest, caller: Caller, filters: Filters | None = None) -> SearchResult:
        """``filters``: those that a request of ours cannot tell. Raises BusyError, QuestionError, NotFoundError."""
        result = await self.run(lambda: self._search(asked, caller, filters))
        self._metrics.searched(result)
        return result

    async def run(self, work: Callable[[], Done]) -> Done:
        """Do something in one of the threads, when one is free. Raises BusyError, and what ``work`` raises."""
        if self._accepted >= THREADS + self._max_waiting:
            self._metrics.refused()
            raise BusyError("Too many searches are waiting.", "Try again in a moment.")
        with self._counted():
            return await anyio.to_thread.run_sync(work, limiter=self._threads)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        self._accepted += change
        self._metrics.waiting(max(0, self._accepted - THREADS))

    def _search(self, asked: SearchRequest, caller: Caller, filters: Filters | None) -> SearchResult:
        collection = reachable(self._index, caller, asked.collection)
        if asked.filters is not None:
            filters = asked.filters.filters()
        return self._index.search(asked.query, top_k=asked.top_k, collection=collection, filters=filters)


def routes(searcher: Searcher) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["search"])

    @router.post("/search", responses={200: {"model": SearchResponse}}, response_class=Response)
    async def search(asked: SearchRequest, caller: Annotated[Caller, needs("read")]) -> Response:
        """The passages that answer a question, best first, each with a citation that can be checked."""
        return answer(shape.search(await searcher.search(asked, caller)))

    return router
