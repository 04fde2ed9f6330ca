"""One eval from end to end: find out what a set is, index what it is about, ask its questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from qa.config import Settings
from qa.errors import EvalError
from qa.evaluate import bench as benches
from qa.evaluate import dataset, own, trial
from qa.evaluate.outcome import Trial
from qa.evaluate.scratch import Fill, content_of, scratch
from qa.types import DEFAULT_COLLECTION, IngestReport, Skipped

if TYPE_CHECKING:
    from qa.index import Index
    from qa.ingest.pipeline import Progress

DEFAULT_SET = Path("evals/questions.jsonl")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to evaluate: ``set`` is a questions.jsonl, or a folder in bench shape.

    ``index``: an index that exists already; ``None`` makes one of ``corpus`` for the occasion. ``questions``: size of a
    quick sample. ``part``: only that half of the needs.
    """

    set: Path = DEFAULT_SET
    index: Path | None = None
    collection: str = DEFAULT_COLLECTION
    corpus: Path | None = None
    questions: int | None = None
    part: dataset.Part | None = None

    @property
    def is_bench(self) -> bool:
        return self.set.is_dir()


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told how far an eval is: what takes long, questions asked, articles indexed, files not read."""

    said: Callable[[str], None]
    asked: own.Tell
    indexed: Callable[[Progress], None] | None
    skipped: Callable[[Skipped], None]


def run(plan: Plan, settings: Settings, watch: Watch) -> Trial:
    """Raises EvalError for a malformed set, and what opening an index raises."""
    return _run_bench(plan, settings, watch) if plan.is_bench else _run_own(plan, settings, watch)


def questions(plan: Plan) -> dataset.QuestionSet:
    """The questions of an own set that the plan asks for. Raises EvalError."""
    return dataset.narrowed(dataset.load(plan.set), plan.part, plan.questions)


@contextmanager
def opened(plan: Plan, settings: Settings, watch: Watch) -> Iterator[Index]:
    """The index that the questions of an own set are put to."""
    from qa.index import Index

    if plan.index is not None:
        with Index.open(plan.index, settings=settings, create=False, progress=watch.said) as index:
            yield index
        return
    corpus = plan.corpus or settings.corpus_dir
    if not corpus.exists():
        raise EvalError(f"There are no articles at {corpus}.", "Name them with --corpus, or an index with --index.")
    with scratch(
        f"{content_of(corpus)} {plan.collection}", _filling(corpus, plan, watch), settings, watch.said
    ) as index:
        yield index


@contextmanager
def benched(plan: Plan, settings: Settings, watch: Watch) -> Iterator[tuple[Index, benches.Bench]]:
    """A bench folder, and an index of its articles. Raises EvalError."""
    if plan.index or plan.corpus:
        raise EvalError(f"{plan.set} brings its own articles.", "Leave out --index and --corpus.")
    loaded = _chosen(benches.load(plan.set), plan)
    with scratch(
        f"{benches.content(loaded)} {plan.collection}", _shelving(loaded, plan, watch), settings, watch.said
    ) as index:
        yield index, loaded


def _run_own(plan: Plan, settings: Settings, watch: Watch) -> Trial:
    chosen = questions(plan)
    with opened(plan, settings, watch) as index:
        return own.ask(index, chosen, collection=plan.collection, tell=watch.asked)


def _run_bench(plan: Plan, settings: Settings, watch: Watch) -> Trial:
    with benched(plan, settings, watch) as (index, loaded):
        return trial.ask(index, loaded, collection=plan.collection, tell=watch.asked)


def _chosen(loaded: benches.Bench, plan: Plan) -> benches.Bench:
    queries = [query for query in loaded.queries if plan.part in (None, dataset.part(query.need))]
    if plan.questions is not None:
        queries = benches.only_sample(queries, plan.questions)
    return replace(loaded, queries=tuple(queries))


def _filling(corpus: Path, plan: Plan, watch: Watch) -> Fill:
    def fill(index: Index) -> None:
        report = index.ingest(corpus, collection=plan.collection, progress=watch.indexed)
        _tell_skipped(report, watch)

    return fill


def _shelving(loaded: benches.Bench, plan: Plan, watch: Watch) -> Fill:
    def fill(index: Index) -> None:
        sources = trial.sources(loaded)
        report = index.ingest_sources(sources, collection=plan.collection, progress=watch.indexed)
        _tell_skipped(report, watch)

    return fill


def _tell_skipped(report: IngestReport, watch: Watch) -> None:
    for skipped in report.skipped:
        watch.skipped(skipped)
