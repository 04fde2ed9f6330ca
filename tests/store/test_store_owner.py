"""Whether a process lives: told by a file lock on one machine, by rows in a shared database."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from store_samples import open_store

from qa.errors import CiteqaError
from qa.store.jobs import Batch, Item, Queue
from qa.store.local import LocalStore
from qa.store.owner import FileOwner, Owner, RowOwner, this_process

LEASE = 2.0


@pytest.fixture
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalStore]:
    store = open_store(tmp_path / "shared", url=request.getfixturevalue("postgres").database())
    yield store
    store.close()


@pytest.fixture(params=["files", "rows"])
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Owner]:
    """Makes owners that know of each other."""
    if request.param == "files":
        return lambda: FileOwner(tmp_path / "owners")
    store = request.getfixturevalue("shared")
    return lambda: RowOwner(store.database, LEASE, LEASE / 8)


def test_a_process_lives_from_take_to_close(process: Callable[[], Owner]) -> None:
    one, other = process(), process()
    other.take()
    assert other.is_gone(one.id)
    one.take()
    assert not other.is_gone(one.id)
    one.close()
    assert other.is_gone(one.id)
    assert other.is_gone("never heard of")
    other.close()


def test_each_database_has_its_kind(tmp_path: Path, shared: LocalStore) -> None:
    local = open_store(tmp_path / "local")
    assert isinstance(this_process(local.database, tmp_path), FileOwner)
    assert isinstance(this_process(shared.database, tmp_path), RowOwner)
    local.close()


def test_it_goes_on_living_longer_than_a_lease(shared: LocalStore) -> None:
    one, other = RowOwner(shared.database, LEASE, LEASE / 8), RowOwner(shared.database)
    one.take()
    end = time.monotonic() + 1.5 * LEASE
    while time.monotonic() < end:
        time.sleep(0.1)
    assert not other.is_gone(one.id)
    one.close()


def test_who_says_nothing_is_gone_after_the_lease_and_back_when_it_speaks(shared: LocalStore) -> None:
    """As one that the network cuts off: nothing but time has passed."""
    silent, other = RowOwner(shared.database, 0.5, 3600), RowOwner(shared.database)
    silent.take()
    end = time.monotonic() + 60
    while not other.is_gone(silent.id):
        assert time.monotonic() < end
        time.sleep(0.05)
    silent._lease = 60
    silent._renew()
    assert not other.is_gone(silent.id)
    silent.close()


def test_it_outlives_a_database_that_is_away_for_a_moment(
    shared: LocalStore, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    server = request.getfixturevalue("postgres")
    one = RowOwner(shared.database, 60, 0.05)
    one.take()
    with server.stopped():
        end = time.monotonic() + 60
        while "cannot say that it lives" not in caplog.text:
            assert time.monotonic() < end
            time.sleep(0.05)
    end = time.monotonic() + 60
    while True:
        with suppress(CiteqaError):
            assert not RowOwner(shared.database).is_gone(one.id)
            break
        assert time.monotonic() < end
    assert one._thread.is_alive()
    one.close()


DIES = """
import sys, time
from pathlib import Path
from store_samples import open_store
from qa.store.jobs import Queue
from qa.store.owner import RowOwner
store = open_store(Path(sys.argv[1]), url=sys.argv[2])
owner = RowOwner(store.database, 2.0, 0.2)
owner.take()
claimed = Queue(store.database, owner.id).claim(owner.is_gone)
print(claimed.job.id, flush=True)
time.sleep(3600)
"""


def test_a_job_of_a_killed_process_is_taken_over_by_one(shared: LocalStore, tmp_path: Path) -> None:
    """Four others look for work all the time; nobody gets the job while its process lives, one gets it after that."""
    job = Queue(shared.database, "sender").put(Batch("default", "", (Item("t", title="t", text="x"),)))
    assert shared.build.url is not None
    command = [sys.executable, "-c", DIES, str(tmp_path / "dies"), shared.build.url.get_secret_value()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment()) as dies:
        assert dies.stdout is not None
        assert dies.stdout.readline().strip() == job.id
        others = [RowOwner(shared.database) for _ in range(4)]
        assert [Queue(shared.database, other.id).claim(other.is_gone) for other in others] == [None] * 4
        dies.kill()
    barrier = threading.Barrier(4)

    def look(other: RowOwner) -> int:
        barrier.wait()
        queue, end = Queue(shared.database, other.id), time.monotonic() + 60
        other.take()
        while time.monotonic() < end:
            claimed = queue.claim(other.is_gone)
            if claimed is not None:
                assert (claimed.job.id, claimed.job.attempts) == (job.id, 2)
                return 1
            known = queue.find(job.id)
            assert known is not None
            if known.attempts == 2:
                return 0
            time.sleep(0.05)
        return 0

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(look, others))
    assert sum(results) == 1
    for other in others:
        other.close()


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
