"""`POST /v1/search`: searches run in threads, a bounded number at a time, with a bounded queue before them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Response

from qa.service import shape
from qa.service.access import Caller, needs, reachable
from qa.service.errors import answer
from qa.service.metrics import Metrics
from qa.service.models import SearchRequest, SearchResponse
from qa.service.places import Done, FullError, Places
from qa.types import Filters, SearchResult

if TYPE_CHECKING:
    from qa.index import Index

THREADS: Final = max(2, os.cpu_count() or 1)
"""Searches at one time: most of a search is arithmetic, so more than there are cores would only wait for each other."""


class Searcher:
    """Searches of one index. ``max_waiting`` searches may wait for a thread; more are refused."""

    def __init__(self, index: Index, metrics: Metrics, max_waiting: int) -> None:
        self._index = index
        self._metrics = metrics
        self._places = Places(THREADS, max_waiting, metrics.waiting)

    async def search(self, asked: SearchRequest, caller: Caller, filters: Filters | None = None) -> SearchResult:
        """``filters``: those that a request of ours cannot tell. Raises BusyError, QuestionError, NotFoundError."""
        result = await self.run(lambda: self._search(asked, caller, filters))
        self._metrics.searched(result)
        return result

    async def run(self, work: Callable[[], Done], *, begun: bool = False) -> Done:
        """Do something in one of the threads; see ``Places.run``. Raises BusyError, and what ``work`` raises."""
        try:
            return await self._places.run(work, begun=begun)
        except FullError:
            self._metrics.refused()
            raise

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
