"""Deleted documents over HTTP: what can be brought back, bringing it back, and forgetting it in the end."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from qa.errors import CiteqaError
from qa.service import shape
from qa.service.access import Caller, needs, reachable
from qa.service.errors import answer
from qa.service.models import DocumentResponse

if TYPE_CHECKING:
    from qa.index import Index
    from qa.store.trash import Deleted

PURGE_SECONDS = 600.0
"""How often it is looked for documents that can no longer be brought back."""

Id = Annotated[str, Path(max_length=200)]
Collection = Annotated[str, Query(max_length=64)]
Writer = Annotated[Caller, needs("write")]

_log = logging.getLogger(__name__)


class DeletedResponse(BaseModel):
    id: str
    collection: str
    title: str
    deleted: str
    until: str = Field(description="until when it can be brought back")


class TrashResponse(BaseModel):
    documents: list[DeletedResponse] = Field(description="deleted last first")


def routes(index: Index) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["documents"])

    @router.get("/trash", responses={200: {"model": TrashResponse}}, response_class=Response)
    def trash(caller: Writer, collection: Collection = "default") -> Response:
        """Deleted documents that can be brought back."""
        found = index.deleted(reachable(index, caller, collection))
        return answer({"documents": [_shape(one) for one in found]})

    @router.post(
        "/documents/{document_id}/restore", responses={200: {"model": DocumentResponse}}, response_class=Response
    )
    def restore(document_id: Id, caller: Writer, collection: Collection = "default") -> Response:
        """Bring a deleted document back, within a day."""
        return answer(shape.document(index.restore(document_id, reachable(index, caller, collection))))

    return router


def _shape(one: Deleted) -> shape.Json:
    times = {name: datetime.fromtimestamp(getattr(one, name), UTC).isoformat() for name in ("deleted", "until")}
    return {"id": one.id, "collection": one.collection, "title": one.title, **times}


class Purger:
    """Forgets, now and then, deleted documents that can no longer be brought back."""

    def __init__(self, index: Index, seconds: float = PURGE_SECONDS) -> None:
        self._index = index
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="qa-purge", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end_soon(self) -> None:
        self._stopping.set()

    def stop(self, seconds: float = 10.0) -> None:
        """Wait for what is being forgotten now."""
        self.end_soon()
        self._thread.join(seconds)

    def _work(self) -> None:
        while True:
            try:
                self._index.purge()
            except CiteqaError as error:
                _log.warning("%s %s", error.message, error.hint)
            if self._stopping.wait(self._seconds):
                return
