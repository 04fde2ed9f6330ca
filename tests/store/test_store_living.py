"""Rows that are alive: read against what was known, they are the same as read one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from store_samples import document, open_store

from qa.store import living as module
from qa.store.living import Living, living, of_parts
from qa.store.local import LocalStore
from qa.store.passages import live

COUNT = 40


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStore]:
    """Rows 1 to 40 but for those of a deleted document, 11 to 15, and another collection's."""
    opened = open_store(tmp_path_factory.mktemp("living") / "index")
    for collection in ("default", "other"):
        opened.create_collection(collection)
        for number in range(COUNT // 5):
            opened.add(collection, [document(f"d{number}", [f"{collection} {number} {n}" for n in range(5)])])
    opened.delete("default", "d2")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def connection(store: LocalStore) -> Iterator[sa.Connection]:
    with store.database.reading() as opened:
        yield opened


def same(found: Living, expected: Living) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


@given(st.sets(st.integers(1, 2 * COUNT + 5)), st.sets(st.integers(1, COUNT)), st.integers(1, 20))
def test_any_guess_gives_what_is_there(connection: sa.Connection, guess: set[int], wrong: set[int], block: int) -> None:
    """Guessed are rows that are dead, another collection's or of no passage; some with another stamp."""
    expected = live(connection, 1)
    stamps = dict(zip(expected[0].tolist(), expected[1].tolist(), strict=True))
    likely = [(row, stamps.get(row, 7) + (row in wrong) * 2**20) for row in sorted(guess)]
    rows, marks = np.array(likely, dtype=np.int64).reshape(-1, 2).T
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", block)
        assert same(living(connection, 1, (rows, marks)), expected)


def test_only_blocks_that_changed_are_read(
    store: LocalStore, connection: sa.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[int, int | None]] = []

    def noting(connection: sa.Connection, collection: int, after: int = 0, last: int | None = None) -> Living:
        read.append((after, last))
        return live(connection, collection, after, last)

    monkeypatch.setattr(module, "_BLOCK", 10)
    monkeypatch.setattr(module, "live", noting)
    rows, stamps = live(connection, 1)
    living(connection, 1, (rows, stamps))
    assert read == [(int(rows[-1]), None)]
    changed = stamps.copy()
    changed[12] += 2**33
    living(connection, 1, (rows, changed))
    assert read[1:] == [(int(rows[9]), int(rows[19])), (int(rows[-1]), None)]


def test_what_a_snapshot_holds_is_what_is_alive(tmp_path: Path) -> None:
    store = open_store(tmp_path / "index")
    store.create_collection("default")
    store.add("default", [document(name, [f"{name} {n}" for n in range(9)]) for name in "abc"])
    store.publish("default")
    store.add("default", [document("d", ["d 1", "d 2"])])
    store.delete("default", "b")
    with store.database.reading() as connection:
        state = store.snapshot("default")._state
        assert same(of_parts(state.parts), live(connection, 1))
        assert len(of_parts(state.parts)[0]) == 20
    store.close()
