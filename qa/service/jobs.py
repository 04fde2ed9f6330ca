"""Ingest jobs: accepted at once, done in the background by whichever process is free, remembered across restarts.

What was sent waits in the queue (``qa.store.jobs``) until its job has ended, so a job that a crash interrupts is done
by another process, or after the restart.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Final

from qa.errors import CiteqaError, ConflictError, NotFoundError
from qa.ingest.fetch import fetch
from qa.ingest.read import read_bytes, read_text
from qa.service import shape
from qa.service.access import OWNER, Caller
from qa.service.metrics import Metrics
from qa.store.earlier_jobs import take_in
from qa.store.jobs import KEPT, Batch, Claimed, Item, Job, LostError, Queue
from qa.store.owner import Owner
from qa.store.records import now
from qa.types import IngestReport, Skipped, Source

if TYPE_CHECKING:
    from qa.index import Index
    from qa.ingest.pipeline import Progress

MAX_ATTEMPTS: Final = 3
"""How often a batch is tried that was interrupted: one that takes the service down must not do so for ever."""
POLL_SECONDS: Final = 1.0
"""How often a process looks for jobs that another has accepted, or died over."""
_NOTE_SECONDS = 0.5
"""Least time between two notes of a job's progress."""
_RETRY_SECONDS = 1.0
_UNNOTED_SECONDS = 10.0
"""How long to wait where not even the state of a job can be written (a full disk)."""

_log = logging.getLogger(__name__)


class _StoppedError(Exception):
    """Raised inside of an ingest when the service stops: the batch stays in the queue."""


class Jobs:
    """Takes batches, and ingests what waits in a thread of its own: in one process one batch at a time."""

    def __init__(self, index: Index, owner: Owner, metrics: Metrics) -> None:
        self._index = index
        self._owner = owner
        self._database = index.store.database
        self._queue = Queue(self._database, owner.id)
        self._metrics = metrics
        self._max_bytes = index.settings.max_file_mb * 1_000_000
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="qa-jobs", daemon=True)

    def start(self) -> None:
        """Begin to work, with what an earlier run left behind first. The owner is to be taken before."""
        if self._database.read_only:
            return
        take_in(self._database, self._queue, self._index.store.root)
        self._thread.start()

    def end_soon(self) -> None:
        """Stop at the next step of the job that runs; it is taken up by another process, or at the next start."""
        self._stopping.set()
        self._wake.set()

    def stop(self, seconds: float = 10.0) -> None:
        """The same, and wait for it."""
        self.end_soon()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def submit(self, collection: str, items: Sequence[Item], files: Sequence[BinaryIO] = ()) -> Job:
        """Accept a batch: when this returns, it is on disk. Raises BusyError, IndexError_."""
        job = self._queue.put(Batch(collection, now(), tuple(items)), files)
        self._wake.set()
        return job

    def job(self, identity: str, caller: Caller = OWNER) -> Job:
        """Raises NotFoundError, the same for a job on a collection that the caller may not use."""
        found = self._queue.find(identity)
        if found is None or not caller.may_use(found.collection):
            raise NotFoundError(f"There is no job {identity!r}.", f"The last {KEPT} jobs are remembered.")
        return found

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                if not self._run_next():
                    self._wake.wait(POLL_SECONDS)
                    self._wake.clear()
            except _StoppedError:
                return
            except CiteqaError as error:
                _log.warning("what waits to be ingested cannot be worked on: %s %s", error.message, error.hint)
                self._stopping.wait(_UNNOTED_SECONDS)
            except Exception:
                _log.exception("what waits to be ingested cannot be worked on; it is tried again")
                self._stopping.wait(_UNNOTED_SECONDS)

    def _run_next(self) -> bool:
        """Do one job; False where none is free."""
        claimed = self._queue.claim(self._owner.is_gone)
        if claimed is None:
            return False
        try:
            with self._metrics.job_running():
                ended = self._attempt(claimed)
                self._queue.finish(claimed, ended)
        except LostError:
            _log.warning("job %s was taken over by another process", claimed.job.id)
            return True
        self._metrics.job_ended(ended.state)
        return True

    def _attempt(self, claimed: Claimed) -> Job:
        job = claimed.job
        if job.attempts > MAX_ATTEMPTS:
            hint = "Send the files in smaller batches to find the one that does it."
            return _failed(job, "interrupted", f"The service was stopped by it {MAX_ATTEMPTS} times.", hint)
        try:
            report = self._ingest(claimed)
        except _StoppedError:
            self._queue.release(claimed)
            raise
        except LostError:
            raise
        except CiteqaError as error:
            return _failed(job, error.code, error.message, error.hint)
        except Exception:
            _log.exception("job %s failed", job.id)
            return _failed(job, "internal", "The service failed to ingest this.", "The reason is in its log.")
        return replace(job, state="done", report=shape.report(report))

    def _ingest(self, claimed: Claimed) -> IngestReport:
        """Waits for as long as another program writes to the index."""
        watch, collection = _Watch(self, claimed), claimed.batch.collection
        while True:
            try:
                with self._database.fenced(partial(self._queue.check, claimed=claimed)):
                    return self._index.ingest_sources(self._sources(claimed), collection=collection, progress=watch)
            except ConflictError:
                if self._stopping.wait(_RETRY_SECONDS):
                    raise _StoppedError from None

    def _sources(self, claimed: Claimed) -> Iterator[Source | Skipped]:
        for item in claimed.batch.items:
            self.check_stop()
            try:
                yield self._source(claimed, item)
            except CiteqaError as error:
                yield Skipped(item.name, error.code, " ".join(filter(None, (error.message, error.hint))))

    def _source(self, claimed: Claimed, item: Item) -> Source:
        if item.file is not None:
            return read_bytes(item.name, self._queue.content(claimed, item), max_bytes=self._max_bytes)
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

    def note(self, claimed: Claimed, progress: Progress) -> None:
        """Note how far a job is. Raises LostError."""
        self._queue.note(claimed, asdict(progress))


class _Watch:
    """Told of every step of an ingest: notes the progress now and then, and stops the ingest with the service."""

    def __init__(self, jobs: Jobs, claimed: Claimed) -> None:
        self._jobs = jobs
        self._claimed = claimed
        self._noted = 0.0

    def __call__(self, progress: Progress) -> None:
        self._jobs.check_stop()
        if time.monotonic() - self._noted >= _NOTE_SECONDS:
            self._jobs.note(self._claimed, progress)
            self._noted = time.monotonic()


def _failed(job: Job, code: str, message: str, hint: str) -> Job:
    return replace(job, state="failed", error={"code": code, "message": message, "hint": hint})
