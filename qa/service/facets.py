"""What the page offers before a question is asked: filters to choose from, and examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Response

from qa.config import Settings
from qa.service import shape
from qa.service.access import Caller, needs, reachable
from qa.service.errors import answer
from qa.service.examples import Examples, Shown
from qa.service.models import ExamplesResponse, FacetsResponse
from qa.service.search import Searcher

if TYPE_CHECKING:
    from qa.index import Index

Name = Annotated[str, Path(max_length=64)]
Reader = Annotated[Caller, needs("read")]


def routes(index: Index, searcher: Searcher, settings: Settings) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["collections"])
    examples = Examples(index, settings.corpus_dir.parent / "examples.json")

    @router.get("/collections/{name}/facets", responses={200: {"model": FacetsResponse}}, response_class=Response)
    def facets(name: Name, caller: Reader) -> Response:
        """What its documents can be filtered by: publishers and dates."""
        return answer(shape.facets(index.store.facets(reachable(index, caller, name))))

    @router.get("/collections/{name}/examples", responses={200: {"model": ExamplesResponse}}, response_class=Response)
    async def asked(name: Name, caller: Reader, language: Shown = "en") -> Response:
        """A few questions that it answers."""
        reachable(index, caller, name)
        return answer({"questions": await searcher.run(lambda: examples.questions(name, language))})

    return router
