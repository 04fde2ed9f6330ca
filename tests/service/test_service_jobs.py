from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from qa.errors import BusyError, IndexError_, NotFoundError
from qa.index import Index
from qa.service import jobs as module
from qa.service.jobs import Jobs
from qa.service.metrics import Metrics
from qa.store import jobs as queue
from qa.store import tables
from qa.store.jobs import Batch, Item, Job, LostError, Queue
from qa.store.lock import locked
from qa.store.owner import FileOwner

TEXT = "天池的水温在七月只有八度，守湖人阿不都每天记录三次。" * 2


def item(title: str) -> Item:
    return Item(title, title=title, text=f"{title}。{TEXT}")


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[FileOwner]:
    made = FileOwner(tmp_path / "owners")
    made.take()
    yield made
    made.close()


@pytest.fixture
def work(own_index: Index, owner: FileOwner) -> Iterator[Jobs]:
    with working(own_index, owner) as jobs:
        yield jobs


@pytest.fixture(autouse=True)
def nothing_left(own_index: Index) -> Iterator[None]:
    """What one test leaves in the queue is not the next one's."""
    yield
    with own_index.store.database.writing() as connection:
        connection.execute(tables.job_files.delete())
        connection.execute(tables.jobs.delete())


@contextmanager
def working(index: Index, owner: FileOwner) -> Iterator[Jobs]:
    jobs = Jobs(index, owner, Metrics())
    jobs.start()
    try:
        yield jobs
    finally:
        jobs.stop(60)


def files(index: Index) -> int:
    with index.store.database.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(tables.job_files)).scalar_one()


def ended(jobs: Jobs, identity: str) -> Job:
    end = time.monotonic() + 60
    while (job := jobs.job(identity)).state in ("queued", "running"):
        assert time.monotonic() < end, job
        time.sleep(0.02)
    return job


def test_a_job_ends_with_a_report_and_leaves_no_files(own_index: Index, work: Jobs) -> None:
    content = f"海岸\n\n{TEXT}".encode()
    job = work.submit("default", [item("一"), Item("b.txt", file="0")], [io.BytesIO(content)])
    done = ended(work, job.id)
    assert (done.state, done.attempts, done.error, done.items) == ("done", 1, None, ("一", "b.txt"))
    assert done.report is not None
    assert len(done.report["added"]) == 2
    assert done.started is not None
    assert done.finished is not None
    assert files(own_index) == 0


def test_what_was_accepted_before_a_crash_is_done_after_it(own_index: Index, owner: FileOwner) -> None:
    """Accepted by a process that never got to work on it: another one, over the same index, does."""
    content = f"撞车\n\n{TEXT}".encode()
    gone = FileOwner(Path("nowhere"))
    before = Jobs(own_index, gone, Metrics()).submit("default", [Item("a.txt", file="0")], [io.BytesIO(content)])
    assert before.state == "queued"
    with working(own_index, owner) as after:
        done = ended(after, before.id)
    assert done.report is not None
    assert (done.state, len(done.report["added"])) == ("done", 1)


def test_what_another_process_accepted_is_done_without_a_restart(own_index: Index, work: Jobs, tmp_path: Path) -> None:
    other = Jobs(own_index, FileOwner(tmp_path / "owners"), Metrics())
    assert ended(work, other.submit("default", [item("邻")]).id).state == "done"


def test_a_batch_that_stops_the_service_again_and_again_is_given_up(own_index: Index, owner: FileOwner) -> None:
    jobs = Jobs(own_index, owner, Metrics())
    job = jobs.submit("default", [item("坏")])
    for _ in range(module.MAX_ATTEMPTS):
        died = Queue(own_index.store.database, "a process that died")
        assert died.claim(lambda _: True) is not None
    with working(own_index, owner) as jobs:
        failed = ended(jobs, job.id)
    assert failed.state == "failed"
    assert failed.error is not None
    assert failed.error["code"] == "interrupted"
    assert files(own_index) == 0


def test_a_stop_leaves_the_batch_for_the_next_start(own_index: Index, owner: FileOwner) -> None:
    """While another process has one of its collection in hand, the job waits; a stop then must not lose it."""
    other = Queue(own_index.store.database, "another")
    held = other.put(Batch("default", "", (item("先"),)))
    claimed = other.claim(lambda _: False)
    assert claimed is not None
    living = _Beside(owner, {"another"})
    with working(own_index, living) as jobs:
        job = jobs.submit("default", [item("等")])
        elsewhere = jobs.submit("aside", [item("旁")])
        assert ended(jobs, elsewhere.id).state == "done"
        assert jobs.job(job.id).state == "queued"
    other.finish(claimed, replace(claimed.job, state="done"))
    with working(own_index, owner) as again:
        assert ended(again, job.id).state == "done"
        assert again.job(held.id).state == "done"


class _Beside(FileOwner):
    """A process that knows that others live."""

    def __init__(self, owner: FileOwner, living: set[str]) -> None:
        super().__init__(owner._directory)
        self._living = living

    def is_gone(self, other: str) -> bool:
        return other not in self._living and super().is_gone(other)


def test_a_stop_in_the_middle_of_a_job_keeps_it(own_index: Index, owner: FileOwner) -> None:
    jobs = Jobs(own_index, owner, Metrics())
    job = jobs.submit("default", [item(f"第{number}篇") for number in range(300)])
    jobs.start()
    while jobs.job(job.id).state == "queued":
        time.sleep(0.01)
    jobs.stop(60)
    assert jobs.job(job.id).state == "queued"
    assert jobs.job(job.id).attempts == 0


def test_a_job_that_was_taken_over_is_not_ended_twice(own_index: Index, owner: FileOwner) -> None:
    """A process that was thought dead goes on: what it does changes nothing any more."""
    slow = Jobs(own_index, owner, Metrics())
    job = slow.submit("default", [item(f"慢{number}") for number in range(200)])
    slow.start()
    while slow.job(job.id).progress is None:
        time.sleep(0.01)
    other = Queue(own_index.store.database, "another")
    taken = other.claim(lambda owner: True)
    assert taken is not None
    assert (taken.job.id, taken.job.attempts) == (job.id, 2)
    slow.stop(60)
    assert slow.job(job.id).state == "running"
    other.finish(taken, replace(taken.job, state="done", report={"by": "another"}))
    with pytest.raises(LostError):
        other.finish(taken, taken.job)
    assert slow.job(job.id).report == {"by": "another"}


def test_a_wrong_collection_fails_the_job_in_words(work: Jobs) -> None:
    failed = ended(work, work.submit("Not A Name", [item("x")]).id)
    assert failed.state == "failed"
    assert failed.error is not None
    assert failed.error["code"] == "bad_input"
    assert failed.error["hint"]


def test_more_than_the_bound_may_not_wait(own_index: Index, owner: FileOwner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MAX_WAITING", 2)
    jobs = Jobs(own_index, owner, Metrics())
    for _ in range(2):
        jobs.submit("default", [item("a")])
    with pytest.raises(BusyError):
        jobs.submit("default", [item("b")])


def test_only_the_last_jobs_that_ended_are_remembered(
    own_index: Index, work: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "KEPT", 2)
    made = [work.submit("default", [item(f"旧{number}")]) for number in range(3)]
    assert [ended(work, job.id).state for job in made] == ["done"] * 3
    work.submit("default", [item("新")])
    with pytest.raises(NotFoundError):
        work.job(made[0].id)
    assert [work.job(job.id).state for job in made[1:]] == ["done", "done"]


@pytest.mark.parametrize("identity", ["", "x", "../meta", "A" * 24, "corpus"])
def test_a_job_id_reads_nothing_else(work: Jobs, identity: str) -> None:
    with pytest.raises(NotFoundError):
        work.job(identity)


def test_a_job_is_accepted_while_another_program_writes_and_done_after_that(own_index: Index, work: Jobs) -> None:
    with locked(own_index.store.directory, wait=1):
        job = work.submit("default", [item("慢")])
        time.sleep(0.3)
        assert work.job(job.id).state in ("queued", "running")
    assert ended(work, job.id).state == "done"


def test_a_process_tells_that_it_has_a_job_in_hand(own_index: Index, owner: FileOwner) -> None:
    metrics = Metrics()
    jobs = Jobs(own_index, owner, metrics)
    with locked(own_index.store.directory, wait=1):
        job = jobs.submit("default", [item("在手")])
        assert in_hand(metrics) == 0
        jobs.start()
        while in_hand(metrics) == 0:  # the time-out of the test ends it
            time.sleep(0.01)
    assert ended(jobs, job.id).state == "done"
    jobs.stop(60)
    assert in_hand(metrics) == 0


def in_hand(metrics: Metrics) -> float:
    [line] = [line for line in metrics.text(0, 0, 0).decode().splitlines() if line.startswith("qa_jobs_running ")]
    return float(line.split()[1])


def test_a_queue_that_cannot_be_read_is_told_in_words_and_tried_again(
    own_index: Index, owner: FileOwner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As after another build has become current, or while a shared database is away."""
    monkeypatch.setattr(module, "_UNNOTED_SECONDS", 0.05)
    wrong = IndexError_("The index was encoded anew.", "Start it again.", code="index_replaced")

    def refuse() -> None:
        raise wrong

    database = own_index.store.database
    kept = database.guard
    database.guard = lambda _: refuse()
    job = None
    try:
        with pytest.raises(IndexError_):
            Jobs(own_index, owner, Metrics()).submit("default", [item("拒")])
        database.guard = kept
        job = Jobs(own_index, owner, Metrics()).submit("default", [item("拒")])
        database.guard = lambda _: refuse()
        with working(own_index, owner) as jobs:
            while "The index was encoded anew. Start it again." not in caplog.text:
                time.sleep(0.01)
            database.guard = kept
            assert ended(jobs, job.id).state == "done"
    finally:
        database.guard = kept
    assert "Traceback" not in caplog.text
