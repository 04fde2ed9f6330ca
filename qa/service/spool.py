"""Documents that were sent and not yet ingested, on disk: what was acknowledged survives a crash.

    <index>/uploads/<job id>/request.json   what was sent, and where its bytes are
    <index>/uploads/<job id>/0, 1, …        the bytes of uploaded files

A job's directory appears by one rename, complete and synced, and goes when the job has ended.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from qa.errors import IndexError_

_UNFINISHED_SECONDS = 24 * 3600
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to ingest: an uploaded file (``file`` names its bytes), a page (``url`` alone), or a text."""

    name: str
    file: str | None = None
    url: str | None = None
    title: str | None = None
    text: str | None = None
    publisher: str | None = None
    author: str | None = None
    published: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one request sent."""

    collection: str
    created: str
    items: tuple[Item, ...]


class Spool:
    """The directory of batches that wait. Shared by all processes that serve one index."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, identity: str, batch: Batch, files: Sequence[BinaryIO]) -> None:
        """Keep a batch; on disk when this returns. Raises IndexError_ (code ``disk``) where it cannot be kept."""
        unfinished = self._directory / f".{identity}"
        try:
            unfinished.mkdir(parents=True)
            for number, file in enumerate(files):
                _write(unfinished / str(number), file)
            _write_json(unfinished / "request.json", asdict(batch))
            _sync(unfinished)
            unfinished.rename(self._directory / identity)
            _sync(self._directory)
        except OSError as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            message = f"What was sent cannot be kept: {error.strerror}."
            raise IndexError_(message, "Free disk space, or check the index directory.", code="disk") from error

    def waiting(self) -> list[str]:
        """Ids of the batches kept, oldest first; forgets what an interrupted request left half written."""
        if not self._directory.is_dir():
            return []
        self._forget_unfinished()
        kept = [path for path in self._directory.iterdir() if not path.name.startswith(".") and path.is_dir()]
        return [path.name for path in sorted(kept, key=lambda path: (path.stat().st_mtime_ns, path.name))]

    def batch(self, identity: str) -> Batch | None:
        """A batch that waits; None if it was ingested meanwhile. Raises ValueError for one that is damaged."""
        try:
            content = json.loads((self._directory / identity / "request.json").read_bytes())
        except FileNotFoundError:
            return None
        items = tuple(Item(**item) for item in content["items"])
        return Batch(content["collection"], content["created"], items)

    def path(self, identity: str, item: Item) -> Path:
        """Where the bytes of an uploaded file are."""
        return self._directory / identity / str(item.file)

    def drop(self, identity: str) -> None:
        """Forget a batch. It leaves the list at once, its bytes after that."""
        gone = self._directory / f".{identity}"
        with suppress(FileNotFoundError):
            (self._directory / identity).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    @contextmanager
    def locked(self, name: str, *, wait: bool = True) -> Iterator[bool]:
        """Hold one of the spool's locks against all processes; yields whether it is held (always, with ``wait``)."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with (self._directory / f".{name}.lock").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True

    def _forget_unfinished(self) -> None:
        before = time.time() - _UNFINISHED_SECONDS
        for path in self._directory.glob(".*"):
            if path.is_dir() and path.stat().st_mtime < before:
                shutil.rmtree(path, ignore_errors=True)


def _write(path: Path, content: BinaryIO) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(content, file, _CHUNK)
        file.flush()
        os.fsync(file.fileno())


def _write_json(path: Path, content: dict[str, object]) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
