"""The flat arrays: cutting, joining and counting, against plain Python."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qa.store.arrays import Arrays, concatenate, count_ids, in_order, lookup, offsets_of, positions_of, select


def arrays(rows: list[int]) -> Arrays:
    """Passage ``row`` has ``row % 3`` tokens of that value and the ids 0..row % 4."""
    tokens = [[row] for row in rows for _ in range(row % 3)]
    ids = [number for row in rows for number in range(row % 4)]
    return Arrays(
        rows=np.array(rows, np.int64),
        stamps=np.array([row * 7 for row in rows], np.int64),
        languages=np.array([row % 3 for row in rows], np.uint8),
        vectors=np.array([[row, 0] for row in rows], np.float16).reshape(-1, 2),
        centred=np.array([[0, row] for row in rows], np.float16).reshape(-1, 2),
        tokens=np.array(tokens, np.uint8).reshape(-1, 1),
        offsets=offsets_of([row % 3 for row in rows]),
        ids=np.array(ids, np.int32),
        id_offsets=offsets_of([row % 4 for row in rows]),
    )


def same(one: Arrays, other: Arrays) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in Arrays.__slots__)


row_lists = st.lists(st.integers(1, 250), max_size=12, unique=True).map(sorted)


@given(row_lists, st.data())
def test_select_takes_passages_with_their_runs(rows: list[int], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(range(len(rows))), unique=True)) if rows else []
    assert same(select(arrays(rows), np.array(chosen, np.int64)), arrays([rows[place] for place in chosen]))


@given(row_lists, st.integers(0, 12))
def test_concatenate_puts_together_what_was_cut(rows: list[int], cut: int) -> None:
    assert same(concatenate([arrays(rows[:cut]), arrays(rows[cut:])]), arrays(rows))


@given(st.permutations(range(1, 9)))
def test_in_order_sorts_by_row(rows: list[int]) -> None:
    assert same(in_order(arrays(rows)), arrays(sorted(rows)))


def test_counts_by_hand() -> None:
    table = count_ids(np.array([4, 9, 4, 2, 4], np.int32))
    assert table.tolist() == [[2, 4, 9], [1, 3, 1]]
    assert lookup(table, np.array([9, 3, 4, 0, 99], np.int32)).tolist() == [1, 0, 3, 0, 0]
    assert lookup(count_ids(np.array([], np.int32)), np.array([1], np.int32)).tolist() == [0]


@given(row_lists, st.lists(st.integers(0, 260)))
def test_positions_of_rows(rows: list[int], wanted: list[int]) -> None:
    places, present = positions_of(np.array(rows, np.int64), np.array(wanted, np.int64))
    assert present.tolist() == [row in rows for row in wanted]
    assert all(rows[place] == row for place, here, row in zip(places, present, wanted, strict=True) if here)
