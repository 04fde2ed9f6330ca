from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qa.errors import BusyError, NotFoundError
from qa.index import Index
from qa.service import jobs as module
from qa.service.jobs import Job, Jobs
from qa.service.metrics import Metrics
from qa.service.spool import Batch, Item, Spool
from qa.store.lock import locked

TEXT = "天池的水温在七月只有八度，守湖人阿不都每天记录三次。" * 2


def item(title: str) -> Item:
    return Item(title, title=title, text=f"{title}。{TEXT}")


@pytest.fixture
def spool(own_index: Index, tmp_path: Path) -> Spool:
    return Spool(tmp_path / "uploads")


@pytest.fixture
def work(own_index: Index, spool: Spool) -> Iterator[Jobs]:
    jobs = Jobs(own_index, spool, Metrics())
    jobs.start()
    yield jobs
    jobs.stop()


def ended(jobs: Jobs, identity: str) -> Job:
    end = time.monotonic() + 60
    while (job := jobs.job(identity)).state in ("queued", "running"):
        assert time.monotonic() < end, job
        time.sleep(0.02)
    return job


def test_a_job_ends_with_a_report_and_leaves_no_files(work: Jobs, spool: Spool) -> None:
    job = work.submit("default", [item("一")])
    done = ended(work, job.id)
    assert (done.state, done.attempts, done.error) == ("done", 1, None)
    assert done.report is not None
    assert done.started is not None
    assert done.finished is not None
    work.stop()
    assert spool.waiting() == []


def test_what_was_accepted_before_a_crash_is_done_after_it(own_index: Index, spool: Spool) -> None:
    """Accepted by a process that never got to work on it: another one, over the same directory, does."""
    content = f"撞车\n\n{TEXT}".encode()
    before = Jobs(own_index, spool, Metrics()).submit("default", [Item("a.txt", file="0")], [io.BytesIO(content)])
    assert before.state == "queued"
    after = Jobs(own_index, spool, Metrics())
    after.start()
    done = ended(after, before.id)
    after.stop()
    assert done.state == "done"
    assert done.report is not None
    assert len(list(done.report["added"])) == 1  # type: ignore[call-overload]


def test_a_job_whose_row_was_lost_in_the_crash_is_done_too(own_index: Index, spool: Spool) -> None:
    identity = "ab" * 12
    spool.put(identity, Batch("default", "2026-01-01T00:00:00+00:00", (item("无行"),)), ())
    jobs = Jobs(own_index, spool, Metrics())
    jobs.start()
    while spool.waiting():
        time.sleep(0.02)
    jobs.stop()
    assert jobs.job(identity).state == "done"


def test_a_batch_that_stops_the_service_again_and_again_is_given_up(own_index: Index, spool: Spool) -> None:
    jobs = Jobs(own_index, spool, Metrics())
    job = jobs.submit("default", [item("坏")])
    jobs.note(
        Job(
            **{name: getattr(job, name) for name in ("id", "collection", "items", "created")},
            state="running",
            attempts=module.MAX_ATTEMPTS,
        )
    )
    jobs.start()
    failed = ended(jobs, job.id)
    jobs.stop()
    assert failed.state == "failed"
    assert failed.error is not None
    assert failed.error["code"] == "interrupted"
    assert spool.waiting() == []


def test_a_stop_leaves_the_batch_for_the_next_start(own_index: Index, spool: Spool) -> None:
    """While another program writes, the job waits; stopping then must neither lose it nor count against it."""
    jobs = Jobs(own_index, spool, Metrics())
    with spool.locked("run"):
        jobs.start()
        job = jobs.submit("default", [item("等")])
        time.sleep(0.3)
        assert jobs.job(job.id).state == "queued"
        jobs.stop()
    assert spool.waiting() == [job.id]
    again = Jobs(own_index, spool, Metrics())
    again.start()
    assert ended(again, job.id).state == "done"
    again.stop()


def test_a_stop_in_the_middle_of_a_job_keeps_it(own_index: Index, spool: Spool) -> None:
    jobs = Jobs(own_index, spool, Metrics())
    job = jobs.submit("default", [item(f"第{number}篇") for number in range(300)])
    jobs.start()
    while jobs.job(job.id).state == "queued":
        time.sleep(0.01)
    jobs.stop(60)
    assert jobs.job(job.id).state == "queued"
    assert jobs.job(job.id).attempts == 0
    assert spool.waiting() == [job.id]
    spool.drop(job.id)


def test_a_wrong_collection_fails_the_job_in_words(work: Jobs) -> None:
    failed = ended(work, work.submit("Not A Name", [item("x")]).id)
    assert failed.state == "failed"
    assert failed.error is not None
    assert failed.error["code"] == "bad_input"
    assert failed.error["hint"]


def test_more_than_the_bound_may_not_wait(own_index: Index, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    jobs = Jobs(own_index, spool, Metrics())
    accepted = [jobs.submit("default", [item("a")]) for _ in range(2)]
    with pytest.raises(BusyError):
        jobs.submit("default", [item("b")])
    for job in accepted:
        spool.drop(job.id)


def test_only_the_last_jobs_are_remembered(own_index: Index, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    jobs = Jobs(own_index, spool, Metrics())
    made = [jobs.submit("default", [item("a")]) for _ in range(3)]
    with pytest.raises(NotFoundError):
        jobs.job(made[0].id)
    assert [jobs.job(job.id).state for job in made[1:]] == ["queued", "queued"]
    for job in made:
        spool.drop(job.id)


@pytest.mark.parametrize("identity", ["", "x", "../meta", "A" * 24, "corpus"])
def test_a_job_id_reads_nothing_else(work: Jobs, identity: str) -> None:
    with pytest.raises(NotFoundError):
        work.job(identity)


def test_a_half_written_batch_is_never_taken_up(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "uploads")
    half = tmp_path / "uploads" / ".half"
    half.mkdir(parents=True)
    (half / "0").write_bytes(b"x")
    assert spool.waiting() == []
    assert half.exists()
    os.utime(half, (0, 0))
    assert spool.waiting() == []
    assert not half.exists()


def test_batches_wait_in_the_order_they_came(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "uploads")
    names = [f"{number:02}" * 12 for number in (7, 3, 5)]
    for name in names:
        spool.put(name, Batch("default", "", ()), ())
        time.sleep(0.01)
    assert spool.waiting() == names
    spool.drop(names[0])
    spool.drop("ff" * 12)
    assert spool.waiting() == names[1:]


def test_a_lock_keeps_others_out(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "uploads")
    entered = threading.Event()
    with spool.locked("run"), spool.locked("run", wait=False) as held:
        assert not held

        def other() -> None:
            with spool.locked("run"):
                entered.set()

        thread = threading.Thread(target=other)
        thread.start()
        assert not entered.wait(0.1)
    assert entered.wait(5)
    thread.join()


def test_a_job_waits_while_another_program_writes(own_index: Index, work: Jobs) -> None:
    with locked(own_index.store.directory, wait=1):
        thread = threading.Thread(target=work.submit, args=("default", [item("慢")]))
        thread.start()
        time.sleep(0.3)
        assert thread.is_alive()
    thread.join()
