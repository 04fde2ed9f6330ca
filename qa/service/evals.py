"""Evals over HTTP: the history, one report, and running a set of questions against the index that is served."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field, model_validator

from qa.config import Settings
from qa.errors import InputError, NotFoundError
from qa.service import shape
from qa.service.access import Caller, needs, reachable
from qa.service.errors import answer
from qa.service.models import Name, Request, Text
from qa.service.trials import Trials
from qa.store import history
from qa.store.history import Run

if TYPE_CHECKING:
    from qa.evaluate.dataset import QuestionSet
    from qa.index import Index

MAX_SETS = 100
_SUMMARY = ("queries", "hit@1", "hit@5", "mrr@10", "ndcg@10", "auroc")

Reader = Annotated[Caller, needs("read")]
Admin = Annotated[Caller, needs("admin")]


class EvalRequest(Request):
    """Which questions: a set of the service (`GET /v1/evals` names them), or the lines of a questions.jsonl."""

    set: Annotated[Text, Field(min_length=1, max_length=200)] = "questions"
    lines: Annotated[Text, Field(min_length=1)] | None = Field(
        default=None, description="a questions.jsonl; `set` names it"
    )
    collection: Name = "default"
    part: Literal["dev", "test"] | None = None
    questions: Annotated[int, Field(ge=1)] | None = Field(default=None, description="a quick sample of about so many")

    @model_validator(mode="after")
    def _plain_name(self) -> EvalRequest:
        if "/" in self.set or "\\" in self.set or self.set.startswith("."):
            raise ValueError("`set` is a name, not a path")
        return self


class AboutResponse(BaseModel):
    set: str
    sha256: str = Field(description="of the question set")
    collection: str | None = Field(description="null: measured in an index of its own")
    part: Literal["dev", "test"] | None
    sample: int | None
    version: str
    commit: str | None
    encoder: str | None = Field(default=None, description="fingerprint, when done")
    documents: int | None = None
    passages: int | None = None
    seconds: float | None = None
    progress: dict[str, int] | None = Field(default=None, description="`done` of `total` questions, while it runs")
    error: dict[str, str] | None = Field(default=None, description="when failed")


class EvalSummary(BaseModel):
    id: str
    state: Literal["running", "done", "failed"]
    created: str
    about: AboutResponse
    summary: dict[str, Any] | None = Field(description="the main figures by cell, and `ece`")


class EvalsResponse(BaseModel):
    evals: list[EvalSummary] = Field(description="newest first")
    sets: list[str] = Field(description="question sets that can be run from here; for admins")


class EvalResponse(BaseModel):
    id: str
    state: Literal["running", "done", "failed"]
    created: str
    about: AboutResponse
    figures: dict[str, Any] | None = Field(description="what `qa eval --json` prints")
    report: dict[str, Any] | None = Field(description="ranks, risk–coverage curves and lost questions")


def routes(index: Index, trials: Trials, settings: Settings) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["evals"])
    database = index.store.database

    def visible(identity: str, caller: Caller) -> Run:
        found = history.run(database, identity)
        if not _may_see(caller, found):
            raise NotFoundError(f"There is no eval {identity!r}.", f"The last {history.KEPT} are remembered.")
        return found

    @router.get("/evals", responses={200: {"model": EvalsResponse}}, response_class=Response)
    def evals(caller: Reader) -> Response:
        """The history of evals, newest first, with their main figures."""
        found = [_summary(run) for run in history.runs(database) if _may_see(caller, run)]
        sets = sorted(_sets(settings.evals_dir)) if "admin" in caller.scopes else []
        return answer({"evals": found, "sets": sets})

    @router.get("/evals/{identity}", responses={200: {"model": EvalResponse}}, response_class=Response)
    def one(identity: Annotated[str, Path(max_length=64)], caller: Reader) -> Response:
        """One eval: how far it is, and in the end all figures and what a report draws."""
        found = visible(identity, caller)
        report = history.report(database, identity)
        return answer({**_head(found), "figures": found.figures, "report": report})

    @router.post("/evals", status_code=202, responses={202: {"model": EvalResponse}}, response_class=Response)
    def run(asked: EvalRequest, caller: Admin) -> Response:
        """Put a set of questions to a collection, in the background; one eval at a time."""
        from qa.evaluate import record

        reachable(index, caller, asked.collection)
        chosen = _chosen(asked, settings.evals_dir)
        known = record.about(
            chosen.name, chosen.sha256, collection=asked.collection, part=asked.part, sample=asked.questions
        )
        begun = trials.submit(chosen, known)
        body = {**_head(begun), "figures": None, "report": None}
        return answer(body, 202, {"Location": f"/v1/evals/{begun.id}"})

    return router


def _may_see(caller: Caller, run: Run) -> bool:
    """An eval shows texts of its articles: those of another index are for who may use every collection."""
    collection = run.about.get("collection")
    return caller.collections is None if collection is None else caller.may_use(collection)


def _sets(directory: FilePath) -> dict[str, FilePath]:
    """Question sets of the service by name."""
    files = sorted(directory.glob("*.jsonl"))[:MAX_SETS] if directory.is_dir() else []
    return {file.stem: file for file in files if file.is_file()}


def _chosen(asked: EvalRequest, directory: FilePath) -> QuestionSet:
    """Raises InputError for a name that is not known, EvalError for a set that is malformed."""
    from qa.evaluate import dataset

    if asked.lines is not None:
        whole = dataset.read(asked.lines.encode(), asked.set, asked.set)
    else:
        known = _sets(directory)
        if asked.set not in known:
            raise InputError(
                f"There is no question set {asked.set!r}.", f"Put {asked.set}.jsonl into QA_EVALS_DIR, or send `lines`."
            )
        whole = dataset.load(known[asked.set])
    return dataset.narrowed(whole, asked.part, asked.questions)


def _head(run: Run) -> shape.Json:
    return {"id": run.id, "state": run.state, "created": run.created, "about": run.about}


def _summary(run: Run) -> shape.Json:
    return {**_head(run), "summary": None if run.figures is None else _main(run.figures)}


def _main(figures: dict[str, Any]) -> shape.Json:
    cells = {
        cell: {name: measured[name] for name in _SUMMARY if name in measured}
        for cell, measured in figures["cells"].items()
    }
    return {"cells": cells, "ece": figures["calibration"].get("ece")}
