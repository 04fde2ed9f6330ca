"""Documents, collections and jobs over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError

from qa.config import Settings
from qa.ingest.clean import clean, cuts
from qa.service import shape, uploads
from qa.service.access import Caller, missing, needs, reachable
from qa.service.errors import answer, invalid
from qa.service.jobs import Jobs
from qa.service.models import (
    CollectionRequest,
    CollectionResponse,
    CollectionsResponse,
    DocumentResponse,
    DocumentsResponse,
    JobResponse,
    PassagesResponse,
    RemovedResponse,
)
from qa.store import catalogue
from qa.store.jobs import Job

if TYPE_CHECKING:
    from qa.index import Index
    from qa.store.store import CollectionInfo

Id = Annotated[str, Path(max_length=200)]
Collection = Annotated[str, Query(max_length=64)]
Offset = Annotated[int, Query(ge=0, le=2**53)]
Limit = Annotated[int, Query(ge=1, le=1000)]
Wanted = Annotated[str, Query(max_length=200, description="words of the title, the publisher or the file name")]


Reader = Annotated[Caller, needs("read")]
Writer = Annotated[Caller, needs("write")]
Admin = Annotated[Caller, needs("admin")]


def find_collection(index: Index, name: str) -> CollectionInfo:
    """Raises NotFoundError."""
    for info in index.collections():
        if info.name == name:
            return info
    raise missing(name)


def routes(index: Index, jobs: Jobs, settings: Settings) -> list[APIRouter]:
    return [_reading(index), _writing(index, jobs, settings), _collections(index)]


def _is(model: type, status: int = 200) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": model}}


def _reading(index: Index) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["documents"])

    @router.get("/documents", responses=_is(DocumentsResponse), response_class=Response)
    def documents(
        caller: Reader, collection: Collection = "default", q: Wanted = "", offset: Offset = 0, limit: Limit = 100
    ) -> Response:
        """The documents of a collection, in the order they were added; with `q` those called so."""
        database = index.store.database
        place = reachable(index, caller, collection)
        found, total = catalogue.find(database, place, q, offset=offset, limit=limit)
        copies = catalogue.duplicates(database, place, [one.id for one in found])
        return answer(shape.documents(found, total, offset, limit, copies))

    @router.get("/documents/{document_id}", responses=_is(DocumentResponse), response_class=Response)
    def document(document_id: Id, caller: Reader, collection: Collection = "default") -> Response:
        """What is known of one document."""
        return answer(shape.document(index.document(document_id, reachable(index, caller, collection))))

    @router.get(
        "/documents/{document_id}/source",
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
        response_class=Response,
    )
    def source(document_id: Id, caller: Reader, collection: Collection = "default") -> Response:
        """The source text that offsets refer to, exactly, in UTF-8."""
        text = index.source_text(document_id, reachable(index, caller, collection))
        return Response(text.encode("utf-8", "surrogatepass"), media_type="text/plain; charset=utf-8")

    @router.get("/documents/{document_id}/passages", responses=_is(PassagesResponse), response_class=Response)
    def passages(document_id: Id, caller: Reader, collection: Collection = "default") -> Response:
        """The passages of a document, in order."""
        return answer(shape.passages(document_id, index.passages(document_id, reachable(index, caller, collection))))

    @router.get("/documents/{document_id}/removed", responses=_is(RemovedResponse), response_class=Response)
    def removed(document_id: Id, caller: Reader, collection: Collection = "default") -> Response:
        """What is not shown of its source: page furniture, broken annotations, the title repeated."""
        kept = index.store.source(reachable(index, caller, collection), document_id)
        return answer(shape.cuts(document_id, cuts(clean(kept))))

    return router


def _writing(index: Index, jobs: Jobs, settings: Settings) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["documents"])

    def accept(upload: uploads.Upload, caller: Caller) -> Job:
        if not caller.may_use(upload.collection):
            raise missing(upload.collection)
        index.store.ensure_collection(upload.collection)
        return jobs.submit(upload.collection, upload.items, upload.files)

    @router.post(
        "/documents",
        status_code=202,
        responses=_is(JobResponse, 202),
        response_class=Response,
        openapi_extra=uploads.OPENAPI,
    )
    async def add(request: Request, caller: Writer) -> Response:
        """Take files, a page or a text into a collection, which is made if it is not there. Answers with a job."""
        try:
            async with uploads.received(request, settings) as upload:
                job = await run_in_threadpool(accept, upload, caller)
        except ValidationError as error:
            return invalid(error.errors())
        return answer(job.json(), 202, {"Location": f"/v1/jobs/{job.id}"})

    @router.delete("/documents/{document_id}", status_code=204, response_class=Response)
    def delete(document_id: Id, caller: Writer, collection: Collection = "default", forever: bool = False) -> Response:
        """Delete a document: no search that begins after the answer finds it. `restore` brings it back for a day,
        unless it is deleted `forever`."""
        index.delete(document_id, reachable(index, caller, collection), forever=forever)
        return Response(status_code=204)

    @router.get("/jobs/{job_id}", responses=_is(JobResponse), response_class=Response, tags=["jobs"])
    def job(job_id: Id, caller: Reader) -> Response:
        """How far an ingest is, and what became of each thing that was sent."""
        return answer(jobs.job(job_id, caller).json())

    return router


def _collections(index: Index) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["collections"])

    @router.get("/collections", responses=_is(CollectionsResponse), response_class=Response)
    def collections(caller: Reader) -> Response:
        """All collections."""
        return answer(shape.collections([info for info in index.collections() if caller.may_use(info.name)]))

    @router.post("/collections", status_code=201, responses=_is(CollectionResponse, 201), response_class=Response)
    def create(asked: CollectionRequest, caller: Writer) -> Response:
        """Make a collection."""
        if not caller.may_use(asked.name):
            raise missing(asked.name)
        index.create_collection(asked.name)
        return answer(shape.collection(find_collection(index, asked.name)), 201)

    @router.delete("/collections/{name}", status_code=204, response_class=Response)
    def drop(name: Annotated[str, Path(max_length=64)], caller: Admin) -> Response:
        """Delete a collection with all its documents."""
        index.drop_collection(reachable(index, caller, name))
        return Response(status_code=204)

    return router
