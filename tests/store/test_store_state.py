"""States: what is read again after a write, and what is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from store_samples import document, open_store

from qa.store.local import LocalStore
from qa.store.state import State


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    opened = open_store(tmp_path / "index")
    opened.create_collection("default")
    opened.add("default", [document("a", ["one", "two"]), document("b", ["three"])])
    opened.publish("default")
    yield opened
    opened.close()


def state(store: LocalStore) -> State:
    return store.snapshot("default")._state


def test_nothing_changed_nothing_is_read(store: LocalStore) -> None:
    assert state(store) is state(store)
    store.set_meta("note", 1)
    assert state(store) is state(store)


def test_an_add_reads_only_the_new_rows(store: LocalStore) -> None:
    before = state(store)
    store.add("default", [document("c", ["four"])])
    after = state(store)
    assert after.on_disk is before.on_disk
    assert [part.segment.arrays.rows.tolist() for part in after.in_memory] == [[4]]


def test_a_delete_masks_without_reading_segments(store: LocalStore) -> None:
    before = state(store)
    store.delete("default", "a")
    after = state(store)
    assert [part.segment for part in after.on_disk] == [part.segment for part in before.on_disk]
    assert [part.size for part in after.on_disk] == [1]


def test_a_generation_takes_over_from_memory(store: LocalStore) -> None:
    store.add("default", [document("c", ["four"])])
    before = state(store)
    assert len(before.in_memory) == 1
    store.publish("default")
    after = state(store)
    assert after.in_memory == ()
    assert after.on_disk[0].segment is before.on_disk[0].segment
    assert sum(part.size for part in after.parts) == 4


def test_other_processes_generations_are_taken_up(store: LocalStore) -> None:
    store.add("default", [document("c", ["four"])])
    assert len(state(store).in_memory) == 1
    other = open_store(store.directory)
    other.publish("default")
    other.add("default", [document("d", ["five"])])
    other.close()
    after = state(store)
    assert [part.segment.arrays.rows.tolist() for part in after.in_memory] == [[5]]
    assert sum(part.size for part in after.parts) == 5


def test_many_small_adds_stay_few_parts(store: LocalStore) -> None:
    for number in range(30):
        store.add("default", [document(f"x{number}", [f"text {number}"])])
        if number % 7 == 3:
            store.delete("default", f"x{number - 1}")
        assert len(state(store).in_memory) <= 8
    rows = [row for part in state(store).parts for row in part.segment.arrays.rows[part.alive_positions()].tolist()]
    assert len(rows) == len(set(rows)) == 3 + 30 - 4


def test_collections_do_not_share_states(store: LocalStore) -> None:
    store.create_collection("other")
    before = state(store)
    store.add("other", [document("a", ["elsewhere"])])
    assert state(store) is before
    assert store.snapshot("other").size == 1
