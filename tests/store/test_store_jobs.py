"""The queue of jobs: what is claimed by whom, what a lost process leaves, and jobs of earlier versions."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest
import sqlalchemy as sa
from store_samples import SAFELY, document, open_store

from qa.store import jobs as queue
from qa.store.earlier_jobs import take_in
from qa.store.jobs import Batch, Item, LostError, Queue
from qa.store.local import LocalStore
from qa.store.tables import job_files, jobs

EARLIER = Path(__file__).parents[1] / "data" / "format-0004" / "index.tar.gz"
ENDED, FAILED, BEGUN, WAITING, UNNOTED = (
    "302ddb563a4039da743453bf",
    "a92fbc878aaa0764ebde4d93",
    "9a00343596a02e5e1da5956e",
    "29e550d75efc0107321fb0a4",
    "ab" * 12,
)
ONE_FILE = (Item("a.txt", file="0"),)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalStore]:
    url = request.getfixturevalue("postgres").database() if request.param == "postgresql" else ""
    opened = open_store(tmp_path / "index", url=url)
    yield opened
    opened.close()


def batch(collection: str = "default", items: tuple[Item, ...] = (Item("t", title="t", text="x"),)) -> Batch:
    return Batch(collection, "2026-01-01T00:00:00+00:00", items)


def gone(*owners: str) -> Callable[[str], bool]:
    return lambda owner: owner in owners


def count(store: LocalStore, table: sa.Table) -> int:
    with store.database.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_bytes_come_back_whole_from_another_process(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "CHUNK", 7)
    contents = [b"", b"1234567", bytes(range(256)) * 3]
    items = tuple(Item(str(number), file=str(number)) for number in range(3))
    Queue(store.database, "a").put(batch(items=items), [io.BytesIO(content) for content in contents])
    other = Queue(store.database, "b")
    claimed = other.claim(gone())
    assert claimed is not None
    assert [other.content(claimed, item) for item in claimed.batch.items] == contents


def test_one_process_has_a_job_in_hand(store: LocalStore) -> None:
    here, there = Queue(store.database, "a"), Queue(store.database, "b")
    first, second, aside = (here.put(batch(name)) for name in ("default", "default", "aside"))
    mine = here.claim(gone())
    assert mine is not None
    assert mine.job.id == first.id
    theirs = there.claim(gone())
    assert theirs is not None
    assert theirs.job.id == aside.id
    third = Queue(store.database, "c")
    assert third.claim(gone()) is None
    here.finish(mine, replace(mine.job, state="done"))
    following = third.claim(gone())
    assert following is not None
    assert following.job.id == second.id


def test_a_job_of_a_lost_process_is_taken_over_and_ended_once(store: LocalStore) -> None:
    lost, other = Queue(store.database, "a"), Queue(store.database, "b")
    lost.put(batch(items=ONE_FILE), [io.BytesIO(b"bytes")])
    before = lost.claim(gone())
    assert before is not None
    assert other.claim(gone()) is None
    taken = other.claim(gone("a"))
    assert taken is not None
    assert taken.job.attempts == 2
    for late in (
        lambda: lost.note(before, {}),
        lambda: lost.finish(before, before.job),
        lambda: lost.release(before),
        lambda: lost.content(before, ONE_FILE[0]),
    ):
        with pytest.raises(LostError):
            late()
    assert other.content(taken, ONE_FILE[0]) == b"bytes"
    other.finish(taken, replace(taken.job, state="done", report={"added": []}))
    found = other.find(taken.job.id)
    assert found is not None
    assert (found.state, found.report) == ("done", {"added": []})
    assert count(store, job_files) == 0
    assert not other.waits()


def test_a_lost_process_adds_no_document_any_more(store: LocalStore) -> None:
    """It was only slow: what it still wants to write might have been deleted after another process wrote it."""
    lost, other = Queue(store.database, "a"), Queue(store.database, "b")
    store.create_collection("default")
    lost.put(batch())
    claimed = lost.claim(gone())
    assert claimed is not None
    with store.database.fenced(lambda connection: lost.check(connection, claimed)):
        store.add("default", [document("d", ["one two"])])
        assert other.claim(gone("a")) is not None
        with pytest.raises(LostError):
            store.add("default", [document("e", ["three"])])
    store.add("default", [document("f", ["four"])])
    assert [kept.id for kept in store.documents("default")] == ["d", "f"]


def test_nobody_claims_a_job_in_the_middle_of_its_write(store: LocalStore) -> None:
    if not store.database.shared:
        pytest.skip("SQLite has one writer: who claims waits for it")
    slow, other = Queue(store.database, "a"), Queue(store.database, "b")
    slow.put(batch())
    claimed = slow.claim(gone())
    assert claimed is not None
    with (
        store.database.fenced(lambda connection: slow.check(connection, claimed)),
        store.database.exclusive(),
        ThreadPoolExecutor(1) as pool,
    ):
        assert pool.submit(other.claim, gone("a")).result() is None
    assert other.claim(gone("a")) is not None


def test_a_process_that_does_not_end_a_job_is_given_it_again(store: LocalStore) -> None:
    here = Queue(store.database, "a")
    here.put(batch())
    attempts = [claimed.job.attempts for _ in range(2) if (claimed := here.claim(gone())) is not None]
    assert attempts == [1, 2]


class _Broken(io.BytesIO):
    """A client that goes away in the middle."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= 2:
            raise ConnectionResetError
        return super().read(2)


def test_what_did_not_arrive_whole_is_nothing(store: LocalStore) -> None:
    with pytest.raises(ConnectionResetError):
        Queue(store.database, "a").put(batch(items=ONE_FILE), [_Broken(b"12345")])
    assert (count(store, jobs), count(store, job_files)) == (0, 0)


def test_what_was_arriving_when_its_process_died_is_forgotten(store: LocalStore) -> None:
    here, other = Queue(store.database, "a"), Queue(store.database, "b")
    seen: list[object] = []

    class Watching(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            """In the middle of an upload: it is nobody's yet, and goes with its process alone."""
            content = super().read(size)
            seen.extend([other.claim(gone()), count(store, jobs)])
            if not content:
                seen.extend([other.claim(gone("a")), count(store, jobs), count(store, job_files)])
            return content

    files: list[BinaryIO] = [Watching(b"12345")]
    here.put(batch(items=ONE_FILE), files)
    assert seen == [None, 1, None, 1, None, 0, 0]


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    with tarfile.open(EARLIER) as archive:
        archive.extractall(tmp_path, **SAFELY)
    return tmp_path / "index"


def test_jobs_of_an_earlier_version_go_on(earlier: Path) -> None:
    store = open_store(earlier, create=False)
    here = Queue(store.database, "a")
    for _ in range(2):
        take_in(store.database, here, earlier)
    kept = {identity: here.find(identity) for identity in (ENDED, FAILED, BEGUN, WAITING, UNNOTED)}
    assert [job and job.state for job in kept.values()] == ["done", "failed", "queued", "queued", "queued"]
    assert [job and job.attempts for job in kept.values()] == [1, 3, 2, 0, 0]
    assert kept[ENDED] is not None
    assert kept[ENDED].report == {"added": ["a"]}
    claimed = here.claim(gone())
    assert claimed is not None
    assert [item.name for item in claimed.batch.items] == ["a.txt", "t"]
    assert here.content(claimed, claimed.batch.items[0]) == b"bytes"
    assert not (earlier / "uploads").exists()
    assert store.meta("jobs") is None
    assert store.meta(f"job.{ENDED}") is None
    store.close()


def test_taking_in_may_be_cut_short_anywhere(earlier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(earlier, create=False)
    here = Queue(store.database, "a")
    filled = Queue._fill

    def cut(self: Queue, number: int, files: list[BinaryIO]) -> None:
        filled(self, number, files)
        raise KeyboardInterrupt

    for fill in (cut, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt), filled):
        monkeypatch.setattr(Queue, "_fill", fill)
        try:
            take_in(store.database, here, earlier)
        except KeyboardInterrupt:
            continue
    assert count(store, jobs) == 5
    assert not (earlier / "uploads").exists()
    store.close()
