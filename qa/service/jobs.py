"""Ingest jobs: accepted at once, done one after the other in the background, remembered across restarts.

What was sent waits in the spool until its job has ended, so a job that a crash interrupts is done after the restart.
A job that has ended is a row in the index; of those the last ``KEPT`` are kept.
"""

from __future__ import annotations

import logging
import re
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from qa.errors import BusyError, CiteqaError, ConflictError, IndexError_, NotFoundError
from qa.ingest.fetch import fetch
from qa.ingest.read import read_bytes, read_text
from qa.service import shape
from qa.service.access import OWNER, Caller
from qa.service.metrics import Metrics
from qa.service.spool import Batch, Item, Spool
from qa.types import IngestReport, Skipped, Source

if TYPE_CHECKING:
    from qa.index import Index
    from qa.ingest.pipeline import Progress

State = Literal["queued", "running", "done", "failed"]

KEPT = 1000
MAX_WAITING = 100
"""Batches that may wait; more get 503."""
MAX_ATTEMPTS = 3
"""How often a batch is tried that was interrupted: one that takes the service down must not do so for ever."""
_NOTE_SECONDS = 0.5
"""Least time between two notes of a job's progress."""
_RETRY_SECONDS = 1.0
_UNNOTED_SECONDS = 10.0
"""How long to wait where not even the state of a job can be written (a full disk)."""
_ID = re.compile("[0-9a-f]{24}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """An ingest job as it is remembered. Times are ISO, UTC."""

    id: str
    state: State
    collection: str
    items: tuple[str, ...]
    created: str
    started: str | None = None
    finished: str | None = None
    attempts: int = 0
    progress: shape.Json | None = None
    report: shape.Json | None = None
    error: shape.Json | None = None

    def json(self) -> shape.Json:
        return asdict(self) | {"items": list(self.items)}


class _StoppedError(Exception):
    """Raised inside of an ingest when the service stops: the batch stays in the spool."""


class Jobs:
    """Takes batches and ingests them in a thread of its own. One batch at a time, over all processes of an index."""

    def __init__(self, index: Index, spool: Spool, metrics: Metrics) -> None:
        self._index = index
        self._spool = spool
        self._metrics = metrics
        self._max_bytes = index.settings.max_file_mb * 1_000_000
        self._ready: SimpleQueue[str | None] = SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="qa-jobs", daemon=True)

    def start(self) -> None:
        """Begin to work, with what an earlier run left behind first."""
        for identity in self._spool.waiting():
            self._ready.put(identity)
        self._thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Stop at the next step of the job that runs; it is taken up again at the next start."""
        self._stopping.set()
        self._ready.put(None)
        self._thread.join(seconds)

    def submit(self, collection: str, items: Sequence[Item], files: Sequence[BinaryIO] = ()) -> Job:
        """Accept a batch: when this returns, it is on disk. Raises BusyError, IndexError_."""
        if len(self._spool.waiting()) >= MAX_WAITING:
            raise BusyError("Too many uploads are waiting.", "Try again when some of them are done.")
        batch = Batch(collection, _now(), tuple(items))
        job = _new(secrets.token_hex(12), batch)
        # The row first: once the batch is in the spool, any process may take it up and write the row.
        self._remember(job)
        try:
            self._spool.put(job.id, batch, files)
        except IndexError_:
            self._forget(job.id)
            raise
        self._ready.put(job.id)
        return job

    def job(self, identity: str, caller: Caller = OWNER) -> Job:
        """Raises NotFoundError, the same for a job on a collection that the caller may not use."""
        found = self._recall(identity)
        if found is None or not caller.may_use(found.collection):
            raise NotFoundError(f"There is no job {identity!r}.", f"The last {KEPT} jobs are remembered.")
        return found

    def _work(self) -> None:
        while (identity := self._ready.get()) is not None and not self._stopping.is_set():
            try:
                self._run_alone(identity)
            except _StoppedError:
                return
            except Exception:
                _log.exception("job %s cannot be noted; it is tried again", identity)
                self._stopping.wait(_UNNOTED_SECONDS)
                self._ready.put(identity)

    def _run_alone(self, identity: str) -> None:
        while not self._stopping.is_set():
            with self._spool.locked("run", wait=False) as held:
                if held:
                    self._run(identity)
                    return
            self._stopping.wait(_RETRY_SECONDS / 4)

    def _run(self, identity: str) -> None:
        batch = self._spool.batch(identity)
        if batch is None:
            return
        job = self._recall(identity) or _new(identity, batch)
        if job.state in ("queued", "running"):
            job = self._attempt(job, batch)
            self.note(job)
            self._metrics.job_ended(job.state)
        self._spool.drop(identity)

    def _attempt(self, job: Job, batch: Batch) -> Job:
        if job.attempts >= MAX_ATTEMPTS:
            hint = "Send the files in smaller batches to find the one that does it."
            return _failed(job, "interrupted", f"The service was stopped by it {MAX_ATTEMPTS} times.", hint)
        job = replace(job, state="running", started=_now(), attempts=job.attempts + 1)
        self.note(job)
        try:
            report = self._ingest(job, batch)
        except _StoppedError:
            self.note(replace(job, state="queued", attempts=job.attempts - 1))
            raise
        except CiteqaError as error:
            return _failed(job, error.code, error.message, error.hint)
        except Exception:
            _log.exception("job %s failed", job.id)
            return _failed(job, "internal", "The service failed to ingest this.", "The reason is in its log.")
        return replace(job, state="done", finished=_now(), progress=None, report=shape.report(report))

    def _ingest(self, job: Job, batch: Batch) -> IngestReport:
        """Waits for as long as another program writes to the index."""
        watch = _Watch(self, job)
        while True:
            try:
                sources = self._sources(job.id, batch)
                return self._index.ingest_sources(sources, collection=batch.collection, progress=watch)
            except ConflictError:
                if self._stopping.wait(_RETRY_SECONDS):
                    raise _StoppedError from None

    def _sources(self, identity: str, batch: Batch) -> Iterator[Source | Skipped]:
        for item in batch.items:
            self.check_stop()
            try:
                yield self._source(identity, item)
            except CiteqaError as error:
                yield Skipped(item.name, error.code, " ".join(filter(None, (error.message, error.hint))))

    def _source(self, identity: str, item: Item) -> Source:
        if item.file is not None:
            return read_bytes(item.name, self._spool.path(identity, item).read_bytes(), max_bytes=self._max_bytes)
        if item.text is not None:
            return read_text(
                str(item.title),
                item.text,
                publisher=item.publisher,
                author=item.author,
                published=item.published,
                url=item.url,
            )
        return fetch(str(item.url), max_bytes=self._max_bytes)

    def check_stop(self) -> None:
        """Raises _StoppedError when the service stops: called between the steps of an ingest."""
        if self._stopping.is_set():
            raise _StoppedError

    def note(self, job: Job) -> None:
        """Write a job as it is now."""
        self._index.store.set_meta(f"job.{job.id}", job.json())

    def _recall(self, identity: str) -> Job | None:
        found: Any = self._index.store.meta(f"job.{identity}") if _ID.fullmatch(identity) else None
        return None if found is None else Job(**(found | {"items": tuple(found["items"])}))

    def _remember(self, job: Job) -> None:
        """Note a new job and forget the oldest."""
        with self._spool.locked("list"):
            self.note(job)
            kept = [*(self._index.store.meta("jobs") or []), job.id]
            for identity in kept[:-KEPT]:
                self._forget(identity)
            self._index.store.set_meta("jobs", kept[-KEPT:])

    def _forget(self, identity: str) -> None:
        self._index.store.set_meta(f"job.{identity}", None)


class _Watch:
    """Told of every step of an ingest: notes the progress now and then, and stops the ingest with the service."""

    def __init__(self, jobs: Jobs, job: Job) -> None:
        self._jobs = jobs
        self._job = job
        self._noted = 0.0

    def __call__(self, progress: Progress) -> None:
        self._jobs.check_stop()
        if time.monotonic() - self._noted >= _NOTE_SECONDS:
            self._jobs.note(replace(self._job, progress=asdict(progress)))
            self._noted = time.monotonic()


def _new(identity: str, batch: Batch) -> Job:
    return Job(identity, "queued", batch.collection, tuple(item.name for item in batch.items), batch.created)


def _failed(job: Job, code: str, message: str, hint: str) -> Job:
    error: shape.Json = {"code": code, "message": message, "hint": hint}
    return replace(job, state="failed", finished=_now(), progress=None, error=error)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
