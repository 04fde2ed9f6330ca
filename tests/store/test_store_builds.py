"""Builds: which one is current, what a process that has the earlier one open may still do, and what a crash leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
from store_samples import document, open_store

from qa.errors import ConflictError, DamagedIndexError, IndexError_
from qa.store import builds
from qa.store.check import check, repair
from qa.store.local import LocalStore


def filled(path: Path, *names: str) -> None:
    store = open_store(path)
    store.ensure_collection("default")
    store.add("default", [document(name, [f"{name} one", f"{name} two"]) for name in names])
    store.publish("default")
    store.close()


def names_in(store: LocalStore) -> list[str]:
    snapshot = store.snapshot("default")
    rows = snapshot.lexical(["one"], 50, None).rows
    return sorted(passage.document_id for passage in snapshot.passages(rows))


def adopted(root: Path, *names: str) -> Path:
    with builds.rebuilding(root):
        build = builds.new_build(root)
        filled(build, *names)
        builds.adopt(root, build, "reencode")
    return build


def test_a_new_build_takes_the_place_of_the_old_and_the_old_is_kept(tmp_path: Path) -> None:
    filled(tmp_path, "a")
    build = adopted(tmp_path, "a", "b")
    assert builds.current(tmp_path) == build
    assert builds.previous(tmp_path) == tmp_path
    store = open_store(tmp_path)
    assert names_in(store) == ["a", "b"]
    assert check(store) == []
    store.close()


def test_only_the_last_two_builds_are_kept(tmp_path: Path) -> None:
    filled(tmp_path, "a")
    first, second = adopted(tmp_path, "b"), adopted(tmp_path, "c")
    assert not (tmp_path / "citeqa.sqlite").exists()
    third = adopted(tmp_path, "d")
    assert [path.exists() for path in (first, second, third)] == [False, True, True]
    builds.drop_previous(tmp_path)
    assert [path.exists() for path in (second, third)] == [False, True]
    with pytest.raises(ConflictError):
        builds.drop_previous(tmp_path)


def test_who_has_the_earlier_build_open_reads_on_and_writes_nothing(tmp_path: Path) -> None:
    filled(tmp_path, "a")
    store = open_store(tmp_path)
    adopted(tmp_path, "a", "b")
    assert names_in(store) == ["a"]
    for write in (
        lambda: store.add("default", [document("c", ["one"])]),
        lambda: store.delete("default", "a"),
        lambda: store.set_meta("key", 1),
    ):
        with pytest.raises(IndexError_) as caught:
            write()
        assert caught.value.code == "index_replaced"
    store.close()
    again = open_store(tmp_path)
    assert names_in(again) == ["a", "b"]
    again.close()


def test_what_an_interrupted_build_left_is_named_and_removed(tmp_path: Path) -> None:
    filled(tmp_path, "a")
    with builds.rebuilding(tmp_path):
        left = builds.new_build(tmp_path)
        filled(left, "half")
        assert check(tmp_path) == []
    assert [(problem.code, problem.where) for problem in check(tmp_path)] == [("orphan_files", str(left))]
    assert repair(tmp_path) == []
    assert not left.exists()


def test_one_build_at_a_time(tmp_path: Path) -> None:
    with builds.rebuilding(tmp_path), pytest.raises(ConflictError), builds.rebuilding(tmp_path):
        pass


@pytest.mark.parametrize(
    "said", ["", "{}x", '{"build": "../../etc"}', '{"build": "builds/20260101T000000Z-0000ffff"}', '{"build": 7}']
)
def test_a_damaged_pointer_is_said_with_the_restore_command(tmp_path: Path, said: str) -> None:
    filled(tmp_path, "a")
    (tmp_path / builds.CURRENT).write_text(said)
    with pytest.raises(DamagedIndexError) as caught:
        open_store(tmp_path)
    assert "qa restore" in caught.value.hint
    assert [problem.code for problem in check(tmp_path)] == ["database"]
