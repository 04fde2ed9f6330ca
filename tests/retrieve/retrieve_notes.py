"""Small collections of notes to search, written for a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

import qa
from qa.index import Index


@contextmanager
def noted(places: pytest.TempPathFactory, notes: Mapping[str, str]) -> Iterator[Index]:
    """An index of ``notes``, text by file name."""
    folder = places.mktemp("notes")
    for name, text in notes.items():
        (folder / name).write_text(text, "utf-8")
    with qa.open(places.mktemp("noted") / "index") as index:
        index.ingest(folder)
        yield index
