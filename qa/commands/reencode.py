"""`qa doctor --reencode`: the same articles with the encoder, the splitter and the normaliser of today.

The new index is built beside the old one, which answers meanwhile and is kept as ``<index>.previous``. A build that is
cut short changes nothing; the next one begins anew.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from qa.commands.documents import tell
from qa.commands.output import encoder_note, note, out, watched
from qa.config import Settings
from qa.errors import ConflictError, IndexError_
from qa.messages import say
from qa.service.server import CORPUS_KEY
from qa.types import Source

_OWN = ("citeqa.sqlite", "citeqa.sqlite-wal", "citeqa.sqlite-shm", "manifest.json", "generations")
"""What an index is made of. Whatever else is in the directory (uploads that wait, a README) moves over as it is."""


def reencode(settings: Settings) -> int:
    """Raises NoIndexError, ConflictError where the index is in use, EncoderError."""
    from qa.store.export import stored_collections
    from qa.store.lock import locked

    old = settings.index_dir.absolute()
    new, previous = (old.with_name(f"{old.name}.{state}") for state in ("new", "previous"))
    collections = stored_collections(old)
    _check_unused(old)
    with locked(old):
        shutil.rmtree(new, ignore_errors=True)
        _build(old, new, collections, settings)
        _check_unused(old)
        _swap(old, new, previous)
    out(say("reencode.done", index=settings.index_dir, previous=previous))
    return 0


def _build(old: Path, new: Path, collections: list[str], settings: Settings) -> None:
    from qa.index import Index

    with Index.open(new, settings=settings, progress=encoder_note) as index:
        for collection in collections:
            index.create_collection(collection)
            with watched() as watch:
                report = index.ingest_sources(_sources(old, collection), collection=collection, progress=watch)
            note(f"{collection}:")
            tell(report)
        index.store.set_meta(CORPUS_KEY, "done")


def _sources(old: Path, collection: str) -> Iterator[Source]:
    from qa.store.export import stored_sources

    return (source for name, _, source in stored_sources(old) if name == collection)


def _check_unused(index: Path) -> None:
    """Leaving WAL mode takes the whole file for itself: it fails while any other process has it open."""
    with closing(sqlite3.connect(f"file:{index / 'citeqa.sqlite'}?mode=rw", uri=True, timeout=1)) as database:
        try:
            database.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            raise ConflictError(f"{index} is in use.", "Stop `qa serve` first.") from error


def _swap(old: Path, new: Path, previous: Path) -> None:
    try:
        shutil.rmtree(previous, ignore_errors=True)
        old.rename(previous)
        new.rename(old)
        for other in [path for path in previous.iterdir() if path.name not in _OWN and not path.name.endswith(".lock")]:
            other.rename(old / other.name)
    except OSError as error:
        hint = f"The new index is in {new} or {old}, the earlier one in {previous} or {old}: move them yourself."
        raise IndexError_(f"The indexes could not be exchanged: {error}.", hint, code="disk") from error
