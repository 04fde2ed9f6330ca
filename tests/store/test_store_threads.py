"""Searches while others write: every search sees one state, and no writer is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from store_samples import LATE, document, encoding, open_store, seeded, unit

from qa.store.check import check
from qa.store.local import LocalStore

GENERATIONS = 25


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    opened = open_store(tmp_path / "index")
    opened.create_collection("default")
    yield opened
    opened.close()


def pair(number: int) -> list[str]:
    return [f"left gen{number}", f"right gen{number}"]


def look(store: LocalStore) -> int:
    """A document's two passages, whichever way they are found, are of one generation; returns which."""
    snapshot = store.snapshot("default")
    dense = snapshot.dense(encoding("left").centred, "en", 10, None)
    lexical = snapshot.lexical(["left", "right"], 10, None)
    assert set(dense.rows.tolist()) == set(lexical.rows.tolist())
    quotes = {passage.quote for passage in snapshot.passages(dense.rows)}
    number = int(next(iter(quotes)).split("gen")[1])
    assert quotes == set(pair(number))
    assert snapshot.size == 2
    matrices = snapshot.late_scores(unit(seeded("q"), 2, LATE), dense.rows)
    passages = snapshot.passages(dense.rows)
    for passage, scores in zip(passages, matrices, strict=True):
        assert scores.shape[1] == len(encoding(passage.quote).tokens)
    return number


def test_searches_see_whole_states_in_order(store: LocalStore) -> None:
    store.add("default", [document("d", pair(0))])
    stop = threading.Event()

    def search() -> int:
        last = searches = 0
        while not stop.is_set():
            number = look(store)
            assert number >= last
            last, searches = number, searches + 1
        return searches

    with ThreadPoolExecutor(3) as pool:
        searching = [pool.submit(search) for _ in range(3)]
        try:
            for number in range(1, GENERATIONS):
                store.add("default", [document("d", pair(number))])
                if number % 3 == 0:
                    store.publish("default")
        finally:
            stop.set()
        assert all(future.result() > 0 for future in searching)
    assert look(store) == GENERATIONS - 1
    assert check(store) == []


def test_two_writers_take_turns(store: LocalStore) -> None:
    other = open_store(store.directory)

    def write(to: LocalStore, name: str) -> None:
        for number in range(8):
            to.add("default", [document(f"{name}{number}", [f"{name} {number} text"])])
            if number % 3 == 0:
                to.publish("default")

    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(write, to, name) for to, name in ((store, "a"), (store, "b"), (other, "c"))]
        for job in jobs:
            job.result()
    for opened in (store, other):
        assert opened.snapshot("default").size == 24
        assert len(opened.documents("default")) == 24
    other.close()
    assert check(store) == []


def test_results_do_not_depend_on_threads(store: LocalStore) -> None:
    store.add("default", [document("d", [f"word{n % 7} text {n}" for n in range(200)])])
    store.publish("default")
    snapshot = store.snapshot("default")

    def search() -> tuple[list[int], list[float], list[int]]:
        dense = snapshot.dense(encoding("query").centred, "en", 30, None)
        return dense.rows.tolist(), dense.scores.tolist(), snapshot.lexical(["word3", "text"], 30, None).rows.tolist()

    expected = search()
    with ThreadPoolExecutor(4) as pool:
        assert all(found == expected for found in pool.map(lambda _: search(), range(40)))


def test_results_do_not_depend_on_generations(tmp_path: Path) -> None:
    """The same documents, added in one go or bit by bit, published or not, are ranked alike."""
    found = []
    for name, after in (("all", lambda store, n: None), ("each", publish_all), ("some", publish_some)):
        store = open_store(tmp_path / name)
        store.create_collection("default")
        for n in range(12):
            store.add("default", [document(f"d{n}", [f"q{n} {m}" for m in range(5)])])
            after(store, n)
        snapshot = store.snapshot("default")
        dense = snapshot.dense(encoding("query").centred, "en", 20, None)
        late = snapshot.late_scores(unit(seeded("q"), 3, LATE), dense.rows)
        found.append((dense.rows.tolist(), dense.scores.tolist(), [scores.sum() for scores in late]))
        store.close()
    assert found[0][:2] == found[1][:2] == found[2][:2]
    np.testing.assert_allclose(found[0][2], found[1][2], rtol=1e-5)


def publish_all(store: LocalStore, number: int) -> None:
    store.publish("default")


def publish_some(store: LocalStore, number: int) -> None:
    if number % 5 == 1:
        store.publish("default")


def test_many_snapshots_at_one_time(store: LocalStore) -> None:
    store.add("default", [document("d", ["one"])])
    held = [store.snapshot("default") for _ in range(100)]
    assert {snapshot.size for snapshot in held} == {1}
    store.delete("default", "d")
    assert all(len(snapshot.lexical(["one"], 1, None).rows) == 1 for snapshot in held)
    del held
    assert store.snapshot("default").size == 0


def test_a_closed_snapshot_frees_its_connection(store: LocalStore) -> None:
    store.add("default", [document("d", ["one"])])
    for _ in range(300):
        store.snapshot("default").close()
    for _ in range(300):
        store.snapshot("default")


def run(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_a_snapshot_may_move_between_threads(store: LocalStore) -> None:
    store.add("default", [document("d", ["one"])])
    snapshots = []
    run(lambda: snapshots.append(store.snapshot("default")))
    assert snapshots[0].lexical(["one"], 1, None).rows.tolist() == [1]
    run(snapshots.pop().close)
