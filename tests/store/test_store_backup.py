"""Backups hold everything that cannot be rebuilt, are checked when read, and restore all or nothing."""

from __future__ import annotations

import json
import shutil
import threading
import zipfile
from pathlib import Path

import pytest
from store_samples import document, open_store

from qa.errors import CiteqaError, ConflictError, DamagedIndexError, FormatError, InputError, NoIndexError
from qa.store import builds
from qa.store.backup import restore_backup, write_backup
from qa.store.check import check


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "index"
    store = open_store(path)
    store.create_collection("default")
    store.create_collection("other")
    store.add("default", [document("a", ["one two", "three"]), document("b", ["four"])])
    store.publish("default")
    store.set_meta("calibration", {"bias": 1})
    store.close()
    (path / "uploads" / "0123abcd").mkdir(parents=True)
    (path / "uploads" / "0123abcd" / "request.json").write_text('{"items": []}')
    (path / "uploads" / "0123abcd" / "0").write_bytes(b"bytes")
    (path / "uploads" / ".half").mkdir()
    return path


def quotes(path: Path) -> list[str]:
    store = open_store(path, create=False)
    try:
        return [passage.quote for name in ("a", "b") for passage in store.document_passages("default", name)]
    finally:
        store.close()


def test_what_was_backed_up_is_restored(root: Path, tmp_path: Path) -> None:
    made = write_backup(root, tmp_path / "backup")
    assert (made.collections, made.documents, made.passages) == (2, 2, 3)
    assert made.bytes == (tmp_path / "backup").stat().st_size
    target = tmp_path / "target"
    restored = restore_backup(tmp_path / "backup", target)
    assert restored == made
    assert quotes(target) == ["one two", "three", "four"]
    assert check(target) == []
    store = open_store(target)
    assert store.meta("calibration") == {"bias": 1}
    store.close()
    assert sorted(path.name for path in (target / "uploads").iterdir()) == ["0123abcd"]
    assert (target / "uploads" / "0123abcd" / "0").read_bytes() == b"bytes"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "index", "target"]


def test_an_index_is_not_overwritten_unasked_and_kept_where_it_is(root: Path, tmp_path: Path) -> None:
    write_backup(root, tmp_path / "backup")
    store = open_store(root)
    store.delete("default", "a")
    store.close()
    with pytest.raises(ConflictError):
        restore_backup(tmp_path / "backup", root)
    restore_backup(tmp_path / "backup", root, force=True)
    assert quotes(root) == ["one two", "three", "four"]
    assert builds.previous(root) == root
    with pytest.raises(ConflictError):
        restore_backup(tmp_path / "backup", root)


def test_a_lost_database_is_restored(root: Path, tmp_path: Path) -> None:
    write_backup(root, tmp_path / "backup")
    (root / "citeqa.sqlite").write_bytes(b"\0" * 8192)
    assert [problem.repairable for problem in check(root)] == [False]
    restore_backup(tmp_path / "backup", root, force=True)
    assert check(root) == []
    assert quotes(root) == ["one two", "three", "four"]


def test_a_backup_is_of_one_moment_while_writers_go_on(root: Path, tmp_path: Path) -> None:
    """Documents are written in pairs: a backup holds both of a pair or neither."""
    stop = threading.Event()

    def write() -> None:
        store, number = open_store(root), 0
        while not stop.is_set():
            number += 1
            store.add("other", [document(f"{number}-{side}", [f"text {number}"]) for side in ("left", "right")])
        store.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(4):
            write_backup(root, tmp_path / f"backup{number}")
    finally:
        stop.set()
        writer.join()
    for number in range(4):
        target = tmp_path / f"target{number}"
        restore_backup(tmp_path / f"backup{number}", target)
        store = open_store(target)
        found = {document.id for document in store.documents("other", limit=10_000)}
        store.close()
        assert {name.replace("left", "right") for name in found} == {name for name in found if "right" in name}
        assert check(target) == []


def test_every_flipped_byte_is_noticed_and_nothing_is_restored(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    write_backup(root, file)
    whole = file.read_bytes()
    noticed = 0
    for place in range(0, len(whole), max(1, len(whole) // 80)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
        target = tmp_path / f"target{place}"
        try:
            restore_backup(file, target)
        except CiteqaError:
            noticed += 1
            with pytest.raises(NoIndexError):
                open_store(target, create=False)
            assert not (target / builds.CURRENT).exists()
        else:  # Some bytes mean nothing (dates, how far back a run of zeros was): what is restored is then the same
            assert quotes(target) == ["one two", "three", "four"]
        shutil.rmtree(target)
    assert noticed > 40


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_backup_cut_short_is_refused(root: Path, tmp_path: Path, share: float) -> None:
    file = tmp_path / "backup"
    write_backup(root, file)
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(DamagedIndexError):
        restore_backup(file, tmp_path / "target")


def rewritten(file: Path, change: dict[str, object], **members: bytes) -> None:
    with zipfile.ZipFile(file) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    held["backup.json"] = json.dumps(json.loads(held["backup.json"]) | change).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in (held | members).items():
            archive.writestr(name, data)


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "uploads/../x/y", "uploads/a/../../x", "uploads/.a/b", "uploads/a\\b/c", "manifest.json"]
)
def test_names_that_lead_elsewhere_are_refused(root: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / "backup"
    made = write_backup(root, file)
    files = {each: {"bytes": entry.bytes, "sha256": entry.sha256} for each, entry in made.files.items()}
    rewritten(file, {"files": files | {name: {"bytes": 1, "sha256": "00"}}})
    with pytest.raises(DamagedIndexError):
        restore_backup(file, tmp_path / "target")


def test_another_format_is_said(root: Path, tmp_path: Path) -> None:
    write_backup(root, tmp_path / "backup")
    rewritten(tmp_path / "backup", {"format": 9})
    with pytest.raises(FormatError):
        restore_backup(tmp_path / "backup", tmp_path / "target")


def test_no_backup_of_damage(root: Path, tmp_path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(root / "citeqa.sqlite", isolation_level=None)
    connection.execute("UPDATE passages SET quote = 'altered' WHERE row = 1")
    connection.close()
    (tmp_path / "backup").write_text("the one before")
    with pytest.raises(DamagedIndexError):
        write_backup(root, tmp_path / "backup")
    assert (tmp_path / "backup").read_text() == "the one before"


def test_what_cannot_be_done_is_said(root: Path, tmp_path: Path) -> None:
    with pytest.raises(NoIndexError):
        write_backup(tmp_path / "none", tmp_path / "backup")
    with pytest.raises(InputError):
        restore_backup(tmp_path / "none", tmp_path / "target")
    with pytest.raises(CiteqaError):
        write_backup(root, tmp_path / "no" / "folder" / "backup")
