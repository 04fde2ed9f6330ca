"""The manifest: what is written comes back, and whatever is wrong with it is noticed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from qa.errors import DamagedIndexError
from qa.store.arrays import Layout
from qa.store.manifest import NAME, Generation, Identity, Manifest, read_manifest, signature, write_manifest
from qa.store.segment import FileEntry, SegmentEntry, Shape

IDENTITY = Identity("id", "编码器", 384, 192, 4, "c0dec", {"normaliser": "1"})
ENTRY = SegmentEntry(7, 3, 90, Shape(80, 900, 700, 60, Layout(384, 96)), {"rows.i64": FileEntry(640, "ab")})
MANIFEST = Manifest(IDENTITY, {1: Generation("default", 7, 90, (ENTRY,)), 12: Generation("empty")})


def test_comes_back_as_written(tmp_path: Path) -> None:
    write_manifest(tmp_path, MANIFEST)
    assert read_manifest(tmp_path, IDENTITY) == MANIFEST
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_none_is_an_empty_one(tmp_path: Path) -> None:
    assert read_manifest(tmp_path, IDENTITY) == Manifest(IDENTITY)
    assert signature(tmp_path) is None


def test_layout_follows_from_the_codec() -> None:
    assert IDENTITY.layout == Layout(384, 96)
    assert replace(IDENTITY, bits=8).layout == Layout(384, 192)


def test_every_flipped_byte_is_noticed_or_harmless(tmp_path: Path) -> None:
    write_manifest(tmp_path, MANIFEST)
    whole = (tmp_path / NAME).read_bytes()
    for place in range(0, len(whole), 7):
        (tmp_path / NAME).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            assert read_manifest(tmp_path, IDENTITY) == MANIFEST
        except DamagedIndexError:
            continue


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"sha256": 1}', "[" * 50_000, "\udcff"])
def test_anything_else_is_damaged(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(DamagedIndexError):
        read_manifest(tmp_path, IDENTITY)


def test_of_another_index_is_not_used(tmp_path: Path) -> None:
    write_manifest(tmp_path, MANIFEST)
    with pytest.raises(DamagedIndexError, match="another index"):
        read_manifest(tmp_path, replace(IDENTITY, id="other"))


def test_of_another_format_is_not_used(tmp_path: Path) -> None:
    from qa.store.manifest import _digest

    write_manifest(tmp_path, MANIFEST)
    body = json.loads((tmp_path / NAME).read_text("utf-8"))
    del body["sha256"]
    body["format"] = 99
    (tmp_path / NAME).write_text(json.dumps({"sha256": _digest(body)} | body), "utf-8")
    with pytest.raises(DamagedIndexError, match="99"):
        read_manifest(tmp_path, IDENTITY)


def test_signature_changes_with_every_swap(tmp_path: Path) -> None:
    seen = set()
    for _ in range(5):
        write_manifest(tmp_path, MANIFEST)
        seen.add(signature(tmp_path))
    assert len(seen) == 5
