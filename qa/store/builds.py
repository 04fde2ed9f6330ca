"""Builds: one index directory may hold several builds of its index, and a small file says which is current.

    index/current              {"build", "previous", "origin"}; without it, the directory itself is the only build
    index/builds/<name>/       a build: citeqa.sqlite, manifest.json, generations/, locks
    index/builds.lock          one maker of builds at a time

A build is made beside the current one and becomes current by one rename. Whoever has the earlier build open goes on
reading it, undisturbed and whole; writing to it is refused (``LocalStore.writing``). No directory is ever renamed:
SQLite finds its log by name, and a process that closes a moved database would remove the log of another.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from qa.errors import ConflictError, DamagedIndexError, IndexError_
from qa.store.lock import locked
from qa.store.segment import sync_directory

CURRENT = "current"
LOCK = "builds.lock"
FOLDER = "builds"
OWN = ("citeqa.sqlite", "citeqa.sqlite-wal", "citeqa.sqlite-shm", "manifest.json", "generations")
"""What a build is made of."""
_NAME = re.compile(r"(?:builds/[0-9TZ]{8,20}-[0-9a-f]{8})?")

Origin = Literal["reencode", "restore", "migrate"]


@dataclass(frozen=True, slots=True)
class Place:
    """``build`` and ``previous``: paths below the index directory, "" for the directory itself; ``previous`` is None
    where there is none. ``origin``: how the current build came about."""

    build: str = ""
    previous: str | None = None
    origin: Origin | None = None


def read_place(root: Path) -> Place:
    """Which build is current. Raises DamagedIndexError where the file does not say."""
    try:
        place = Place(**json.loads((root / CURRENT).read_bytes()))
    except (FileNotFoundError, NotADirectoryError):
        return Place()
    except (OSError, ValueError, TypeError) as error:
        raise _damaged(root, f"cannot be read: {error}") from error
    for name in (place.build, place.previous or ""):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise _damaged(root, "names no build")
    if place.build and not (root / place.build).is_dir():
        raise _damaged(root, f"names {place.build}, which is not there")
    return place


def _damaged(root: Path, what: str) -> DamagedIndexError:
    found = ", ".join(f"{FOLDER}/{path.name}" for path in _folders(root)) or "none"
    return DamagedIndexError(
        f"{root / CURRENT} {what}. Builds that are there: {found}.",
        "Restore a backup: `qa restore FILE --force`.",
    )


def current(root: Path) -> Path:
    """The directory of the current build. Raises DamagedIndexError."""
    return root / read_place(root).build


def previous(root: Path) -> Path | None:
    """The directory of the build before it, if that is kept."""
    place = read_place(root)
    return None if place.previous is None else root / place.previous


@contextmanager
def rebuilding(root: Path) -> Iterator[None]:
    """Hold the right to make and to remove builds. Raises ConflictError where another process does."""
    with locked(root, LOCK, 0, taken=f"Another build of {root} is being made."):
        yield


def new_build(root: Path) -> Path:
    """A new, empty directory for a build; what an interrupted attempt left is removed. Only while ``rebuilding``."""
    remove_abandoned(root)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = root / FOLDER / f"{stamp}-{secrets.token_hex(4)}"
    try:
        path.mkdir(parents=True)
    except OSError as error:
        raise _disk(error, path) from error
    return path


def switch(root: Path, place: Place) -> None:
    """Make another build current; on disk when it returns. Only while ``rebuilding``. Raises IndexError_."""
    fresh = root / f"{CURRENT}.new"
    try:
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(asdict(place), file)
            file.flush()
            os.fsync(file.fileno())
        if place.build:
            sync_directory(root / FOLDER)
        os.replace(fresh, root / CURRENT)
        sync_directory(root)
    except OSError as error:
        raise _disk(error, fresh) from error


def adopt(root: Path, build: Path, origin: Origin) -> None:
    """Make a new build current and keep the one before it. Only while ``rebuilding``."""
    before = _readable(root)
    there = (root / before.build / OWN[0]).exists()
    switch(root, Place(name_of(root, build), before.build if there else None, origin))
    remove_abandoned(root)


def drop_previous(root: Path) -> None:
    """Delete the build before the current one. Raises ConflictError where there is none, or a build is being made."""
    with rebuilding(root):
        place = read_place(root)
        if place.previous is None:
            raise no_previous(root)
        switch(root, Place(place.build, None, place.origin))
        remove_abandoned(root)


def no_previous(root: Path) -> ConflictError:
    return ConflictError(f"{root} keeps no earlier build.", "There is one after `--reencode` or `qa restore --force`.")


def name_of(root: Path, build: Path) -> str:
    name = build.relative_to(root).as_posix()
    return "" if name == "." else name


def _readable(root: Path) -> Place:
    try:
        return read_place(root)
    except DamagedIndexError:
        return Place()


def every(root: Path) -> list[Path]:
    """The directories of all builds that have a database."""
    return [path for path in (root, *_folders(root)) if (path / OWN[0]).exists()]


def abandoned(root: Path) -> list[Path]:
    """Files of builds that are neither current nor the one before. Raises DamagedIndexError."""
    place = read_place(root)
    named = {place.build, place.previous}
    left = [path for path in _folders(root) if name_of(root, path) not in named]
    return left if "" in named else left + [root / name for name in OWN if (root / name).exists()]


def remove_abandoned(root: Path) -> None:
    """Only while ``rebuilding``; nothing is removed where it is not known what is current."""
    try:
        left = abandoned(root)
    except DamagedIndexError:
        return
    for path in left:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _folders(root: Path) -> list[Path]:
    folder = root / FOLDER
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _disk(error: OSError, path: Path) -> IndexError_:
    return IndexError_(
        f"{path} could not be written: {error.strerror or error}.",
        "Free disk space or check its permissions; the index is as it was.",
        code="disk",
    )
