"""Nearest passages: exhaustive and through a graph, with and without a filter, against plain arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from store_samples import seeded, unit

from qa.store.nearest import Nearest, build_graph, products, read_graph, search_breadth, write_graph

COUNT, WIDTH = 3000, 16
Halves = npt.NDArray[np.float16]


@pytest.fixture(scope="module")
def centred() -> Halves:
    return unit(seeded("nearest"), COUNT, WIDTH).astype(np.float16)


@pytest.fixture(scope="module")
def members() -> npt.NDArray[np.int64]:
    return np.arange(0, COUNT, 2)


@pytest.fixture(scope="module")
def graph(centred: Halves, members: npt.NDArray[np.int64]) -> Any:
    return build_graph(centred[members])


@pytest.fixture(params=["exhaustive", "graph"])
def nearest(
    request: pytest.FixtureRequest,
    centred: Halves,
    members: npt.NDArray[np.int64],
    graph: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Nearest:
    """The graph is for so few passages only here."""
    monkeypatch.setattr("qa.store.nearest.EXACT", 100)
    return Nearest(members, centred, graph if request.param == "graph" else None)


def best(centred: Halves, query: npt.NDArray[np.float32], among: npt.NDArray[np.int64], count: int) -> set[int]:
    scores = centred[among].astype(np.float64) @ query
    return set(among[np.argsort(-scores)[:count]].tolist())


def test_finds_the_nearest_members(nearest: Nearest, centred: Halves, members: npt.NDArray[np.int64]) -> None:
    for query in unit(seeded("queries"), 20, WIDTH):
        positions, scores = nearest.search(query, 10, None)
        assert best(centred, query, members, 10) <= set(positions.tolist()) <= set(members.tolist())
        np.testing.assert_array_equal(scores, products(query, centred[positions]))


@pytest.mark.parametrize("share", [0.9, 0.3, 0.005])
def test_finds_only_what_is_usable(
    nearest: Nearest, centred: Halves, members: npt.NDArray[np.int64], share: float
) -> None:
    usable = seeded(f"usable {share}").random(COUNT) < share
    among = members[usable[members]]
    for query in unit(seeded("filtered"), 10, WIDTH):
        positions, _ = nearest.search(query, 10, usable)
        assert best(centred, query, among, 10) <= set(positions.tolist()) <= set(among.tolist())


def test_nothing_usable_nothing_found(nearest: Nearest) -> None:
    positions, scores = nearest.search(unit(seeded("none"), WIDTH), 10, np.zeros(COUNT, np.bool_))
    assert len(positions) == len(scores) == 0


def test_more_asked_than_there_is(nearest: Nearest, members: npt.NDArray[np.int64]) -> None:
    positions, _ = nearest.search(unit(seeded("all"), WIDTH), 10_000, None)
    assert sorted(positions.tolist()) == members.tolist()


@pytest.mark.parametrize(
    ("count", "breadth"), [(40, 256), (32_768, 256), (131_072, 724), (524_288, 2048), (10**8, 4096)]
)
def test_a_larger_graph_is_searched_more_broadly(count: int, breadth: int) -> None:
    assert search_breadth(count) == breadth


def test_graph_survives_its_file(
    centred: Halves, members: npt.NDArray[np.int64], graph: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.store.nearest.EXACT", 100)
    write_graph(graph, tmp_path / "graph")
    query = unit(seeded("file"), WIDTH)
    ours = Nearest(members, centred, graph).search(query, 10, None)
    theirs = Nearest(members, centred, read_graph(tmp_path / "graph")).search(query, 10, None)
    np.testing.assert_array_equal(ours[0], theirs[0])


def test_graph_files_that_cannot_be_used_are_os_errors(centred: Halves, tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"no graph at all")
    with pytest.raises(OSError, match="broken"):
        read_graph(tmp_path / "broken")
    with pytest.raises(OSError, match="nowhere"):
        write_graph(build_graph(centred[:50]), tmp_path / "nowhere" / "graph")
