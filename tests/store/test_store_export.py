"""Sources come out of an index as they went in, whatever encoder it was made with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from store_samples import document, open_store

from qa.errors import NoIndexError
from qa.store.export import stored_collections, stored_sources
from qa.types import Metadata, Source

FULL = Source(
    name="a.html",
    format="html",
    text="Head\nBody of it\n結尾",
    raw_sha256="ab" * 32,
    metadata=Metadata("T", "P", "A", "2024-01-02", "https://example.org/", "digest", "cd" * 32),
    pages=(0, 5),
    headings=((0, 4, 1),),
    main=((5, 15),),
    encoding="gb18030",
    locator="https://example.org/a",
)


def test_everything_comes_back(tmp_path: Path) -> None:
    store = open_store(tmp_path / "index", fingerprint="some other encoder")
    for name in ("default", "empty", "more"):
        store.create_collection(name)
    store.add("default", [replace(document("full", []), source=FULL), document("plain", ["one"])])
    store.add("more", [document("plain", ["two"])])
    store.close()
    plain = document("plain", ["one"]).source
    assert list(stored_sources(tmp_path / "index")) == [
        ("default", "full", FULL),
        ("default", "plain", plain),
        ("more", "plain", document("plain", ["two"]).source),
    ]
    assert stored_collections(tmp_path / "index") == ["default", "empty", "more"]


def test_no_index_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoIndexError):
        list(stored_sources(tmp_path))
