"""Generations: what is folded when, that nothing is lost on the way, and files that go wrong."""

from __future__ import annotations

import logging
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from store_samples import document, encoding, open_store

from qa.errors import IndexError_
from qa.store import generations
from qa.store.generations import MOST_SEGMENTS, TAIL, first_folded, longest_tail
from qa.store.local import LocalStore
from qa.store.manifest import NAME, Generation, read_manifest, write_manifest
from qa.store.nearest import build_graph


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalStore]:
    opened = open_store(tmp_path / "index")
    opened.create_collection("default")
    yield opened
    opened.close()


def generation(store: LocalStore) -> Generation:
    return read_manifest(store.directory, store.identity).collections[1]


def directories(store: LocalStore) -> set[str]:
    return {path.name for path in (store.directory / "generations" / "1").iterdir()}


def quotes(store: LocalStore) -> list[str]:
    """What a search of everything finds, in the order of rows."""
    snapshot = store.snapshot("default")
    rows = np.sort(snapshot.dense(encoding("query").centred, "en", 10_000, None).rows)
    return [found.quote for found in snapshot.passages(rows)]


@pytest.mark.parametrize(
    ("sizes", "fresh", "first"),
    [
        ([], 5, 0),
        ([100] * 7, 100, 7),
        ([100] * 8, 100, 0),
        ([9000, *[100] * 7], 100, 1),
        ([9000, 2000, 900, 300, 30, 10, 5, 5], 5, 4),
        ([8, 8, 8, 8, 8, 8, 8, 8000], 1, 0),
    ],
)
def test_which_segments_are_folded(sizes: list[int], fresh: int, first: int) -> None:
    """By hand for the fifth: 5 + 5 + 5 = 15, 10 <= 30: 25, 30 <= 50: 55, 300 > 110."""
    assert first_folded(sizes, fresh) == first


def test_many_generations_stay_few_segments_and_lose_nothing(store: LocalStore) -> None:
    expected = []
    for number in range(MOST_SEGMENTS * 3):
        store.add("default", [document(f"d{number}", [f"quote {number} a", f"quote {number} b"])])
        expected += [f"quote {number} a", f"quote {number} b"]
        store.publish("default")
        current = generation(store)
        assert len(current.segments) <= MOST_SEGMENTS
        assert sum(entry.shape.passages for entry in current.segments) == len(expected)
        assert directories(store) == {str(entry.number) for entry in current.segments}
    assert quotes(store) == expected


def test_nothing_new_makes_no_generation(store: LocalStore) -> None:
    store.add("default", [document("d", ["one", "two"])])
    store.publish("default")
    before = generation(store)
    store.publish("default")
    assert generation(store) == before


def test_segments_that_are_mostly_dead_are_written_anew(store: LocalStore) -> None:
    store.add("default", [document(f"d{n}", [f"q {n}"]) for n in range(10)])
    store.publish("default")
    for n in range(5):
        store.delete("default", f"d{n}")
    store.publish("default")
    assert [entry.shape.passages for entry in generation(store).segments] == [10]
    store.delete("default", "d5")
    store.publish("default")
    assert [entry.shape.passages for entry in generation(store).segments] == [4]
    for n in range(6, 10):
        store.delete("default", f"d{n}")
    store.publish("default")
    assert generation(store).segments == ()
    assert quotes(store) == []


def test_a_long_tail_is_folded_without_being_asked(store: LocalStore, caplog: pytest.LogCaptureFixture) -> None:
    text = [f"w{n}" for n in range(TAIL // 2)]
    store.add("default", [document("a", text)])
    assert read_manifest(store.directory, store.identity).collections == {}
    store.add("default", [document("b", [*text, "more"])])
    assert [entry.shape.passages for entry in generation(store).segments] == [TAIL + 1]
    assert not caplog.records


def test_dropped_collections_leave_no_files(store: LocalStore) -> None:
    store.create_collection("other")
    for name in ("default", "other"):
        store.add(name, [document("d", ["one"])])
        store.publish(name)
    store.drop_collection("default")
    assert [path.name for path in (store.directory / "generations").iterdir()] == ["2"]
    assert set(read_manifest(store.directory, store.identity).collections) == {2}


def test_what_a_killed_publisher_left_is_removed_and_its_number_not_used(store: LocalStore) -> None:
    store.add("default", [document("d", ["one"])])
    left = store.directory / "generations" / "1" / "1"
    left.mkdir(parents=True)
    (left / "rows.i64").write_bytes(b"half")
    store.publish("default")
    assert directories(store) == {"2"}
    (store.directory / "generations" / "1" / "9").mkdir()
    (store.directory / "generations" / "1" / "stray").mkdir()
    store.close()
    open_store(store.directory).close()
    assert directories(store) == {"2"}


def test_lost_and_damaged_files_are_made_again_when_the_index_is_opened(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number, harm in enumerate((lose_manifest, lose_segment, lose_all, shorten, garble)):
        path = tmp_path / f"index{number}"
        store = open_store(path)
        store.create_collection("default")
        for n in range(3):
            store.add("default", [document(f"d{n}", [f"quote {n}"])])
            store.publish("default")
        store.close()
        harm(path)
        with caplog.at_level(logging.WARNING):
            store = open_store(path)
            assert quotes(store) == ["quote 0", "quote 1", "quote 2"], harm
            store.publish("default")
        assert sum(entry.shape.passages for entry in generation(store).segments) == 3, harm
        assert directories(store) == {str(entry.number) for entry in generation(store).segments}
        store.close()


def lose_manifest(path: Path) -> None:
    (path / NAME).unlink()


def lose_segment(path: Path) -> None:
    shutil.rmtree(path / "generations" / "1" / "2")


def lose_all(path: Path) -> None:
    shutil.rmtree(path / "generations")


def shorten(path: Path) -> None:
    file = path / "generations" / "1" / "2" / "tokens.u8"
    file.write_bytes(file.read_bytes()[:-1])


def garble(path: Path) -> None:
    (path / NAME).write_text("{}")


def test_files_of_another_database_are_not_searched(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An older copy of the database meets newer segments: the same rows stand for other passages."""
    path = tmp_path / "index"
    store = open_store(path)
    store.create_collection("default")
    store.add("default", [document("old", ["old one", "old two"])])
    store.close()
    shutil.copy(path / "citeqa.sqlite", tmp_path / "backup")
    store = open_store(path)
    store.add("default", [document("new", ["new three"])])
    store.publish("default")
    store.close()
    shutil.copy(tmp_path / "backup", path / "citeqa.sqlite")
    store = open_store(path)
    store.add("default", [document("other", ["other three"])])
    with caplog.at_level(logging.WARNING):
        assert quotes(store) == ["old one", "old two", "other three"]
    assert "another database" in caplog.text
    store.publish("default")
    assert quotes(store) == ["old one", "old two", "other three"]
    assert [entry.shape.passages for entry in generation(store).segments] == [3]
    store.close()


def test_an_older_manifest_does_no_harm(store: LocalStore) -> None:
    store.add("default", [document("a", ["one"])])
    store.publish("default")
    older = read_manifest(store.directory, store.identity)
    store.add("default", [document("b", ["two"])])
    store.publish("default")
    assert quotes(store) == ["one", "two"]
    write_manifest(store.directory, older)
    assert quotes(store) == ["one", "two"]
    store.publish("default")
    assert quotes(store) == ["one", "two"]


@contextmanager
def file_size(limit: int) -> Iterator[None]:
    """No file may grow beyond ``limit`` bytes: as on a full disk, writes fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_full_disk_while_adding_keeps_what_was_there(store: LocalStore) -> None:
    store.add("default", [document("a", ["one"])])
    with file_size((store.directory / "citeqa.sqlite-wal").stat().st_size + 1000), pytest.raises(IndexError_) as caught:
        store.add("default", [document("b", [f"two {n}" for n in range(500)])])
    assert caught.value.code == "disk"
    assert quotes(store) == ["one"]
    store.add("default", [document("b", ["two"])])
    assert quotes(store) == ["one", "two"]


def test_full_disk_while_publishing_loses_nothing(store: LocalStore) -> None:
    store.add("default", [document("a", ["one"])])
    store.publish("default")
    store.add("default", [document("b", [f"two {n}" for n in range(500)])])
    with file_size(1000), pytest.raises(IndexError_) as caught:
        store.publish("default")
    assert caught.value.code == "disk"
    assert directories(store) == {"1"}
    assert len(quotes(store)) == 501
    store.publish("default")
    assert len(quotes(store)) == 501


def test_a_generation_that_cannot_be_made_does_not_undo_an_add(
    store: LocalStore, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.store.generations.TAIL", 0)
    (store.directory / "generations").write_text("in the way")
    store.add("default", [document("a", ["one"])])
    assert "could not be written" in caplog.text
    assert quotes(store) == ["one"]


def test_large_segments_are_written_in_pieces(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generations, "_AT_ONCE", 7)
    store.add("default", [document("a", [f"a {n}" for n in range(20)])])
    store.publish("default")
    store.add("default", [document("b", [f"b {n}" for n in range(15)])])
    store.delete("default", "a")
    store.add("default", [document("a", [f"a {n}" for n in range(13)])])
    store.publish("default")
    assert quotes(store) == [*(f"b {n}" for n in range(15)), *(f"a {n}" for n in range(13))]


@pytest.mark.parametrize(("published", "tail"), [(0, 2000), (100_000, 2000), (200_000, 4000), (1_000_000, 10_000)])
def test_a_large_collection_lets_more_wait(published: int, tail: int) -> None:
    assert longest_tail(published) == tail


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many vectors each graph was built of from nothing; graphs are for few vectors only here."""
    counts: list[int] = []

    def build(vectors: npt.NDArray[np.float16]) -> Any:
        counts.append(len(vectors))
        return build_graph(vectors)

    monkeypatch.setattr("qa.store.segment.EXACT", 100)
    monkeypatch.setattr("qa.store.nearest.EXACT", 100)
    monkeypatch.setattr("qa.store.segment.build_graph", build)
    monkeypatch.setattr(generations, "MOST_SEGMENTS", 1)
    return counts


def _grow(store: LocalStore, name: str, count: int) -> None:
    store.add("default", [document(name, [f"{name} {n}" for n in range(count)])])
    store.publish("default")


def test_a_fold_goes_on_with_the_graph_of_its_first_segment(store: LocalStore, built: list[int]) -> None:
    _grow(store, "a", 150)
    _grow(store, "b", 140)
    _grow(store, "c", 200)
    assert built == [150]
    (entry,) = generation(store).segments
    assert entry.shape.passages == 490
    _finds(store, ["a 3", "a 149", "b 0", "b 139", "c 0", "c 77"])


def test_a_graph_is_built_anew_where_some_of_it_is_deleted(store: LocalStore, built: list[int]) -> None:
    _grow(store, "gone", 10)
    _grow(store, "a", 150)
    store.delete("default", "gone")
    _grow(store, "b", 140)
    assert built == [160, 290]
    _finds(store, ["a 3", "b 139"])


def test_a_damaged_graph_is_built_anew(store: LocalStore, built: list[int]) -> None:
    _grow(store, "a", 150)
    graph = store.directory / "generations" / "1" / "1" / "nearest.en.faiss"
    graph.write_bytes(b"x" * graph.stat().st_size)
    _grow(store, "b", 140)
    assert built == [150, 290]
    _finds(store, ["a 3", "b 139"])


def _finds(store: LocalStore, wanted: list[str]) -> None:
    snapshot = store.snapshot("default")
    for quote in wanted:
        found = snapshot.dense(encoding(quote).centred, "en", 5, None)
        assert snapshot.passages(found.rows[:1])[0].quote == quote


def test_large_segments_search_through_a_graph(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa.store.segment.EXACT", 100)
    monkeypatch.setattr("qa.store.nearest.EXACT", 100)
    store.add("default", [document("a", [f"a {n}" for n in range(150)]), document("b", ["zh one"], language="zh")])
    store.publish("default")
    (entry,) = generation(store).segments
    assert [name for name in entry.files if name.startswith("nearest")] == ["nearest.en.faiss"]
    snapshot = store.snapshot("default")
    found = snapshot.dense(encoding("a 77").centred, "en", 5, None)
    assert snapshot.passages(found.rows[:1])[0].quote == "a 77"
    store.close()
    (store.directory / "generations" / "1" / "1" / "nearest.en.faiss").write_bytes(b"x" * 10)
    again = open_store(store.directory)
    found = again.snapshot("default").dense(encoding("a 77").centred, "en", 5, None)
    assert len(found.rows) == 5
    again.close()
