"""What an index holds that no encoder made: enough to make it anew with another encoder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qa.store import records
from qa.store.opening import open_existing
from qa.types import Source


def stored_sources(path: Path) -> Iterator[tuple[str, str, Source]]:
    """(collection, document id, source) of every document in the index in ``path``, made with whatever encoder.

    Sources come as they were read, in the order in which documents were added. Raises NoIndexError,
    DamagedIndexError, FormatError.
    """
    database = open_existing(path)
    try:
        with database.reading() as connection:
            yield from records.every_source(connection)
    finally:
        database.close()


def stored_collections(path: Path) -> list[str]:
    """Names of all collections, empty ones too. Raises like :func:`stored_sources`."""
    database = open_existing(path)
    try:
        with database.reading() as connection:
            return [info.name for info in records.list_collections(connection)]
    finally:
        database.close()
