"""Indexes made for an eval: built in the cache, kept for the next run, remade when articles or code change."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from qa.config import Settings
from qa.errors import EvalError, IndexError_

if TYPE_CHECKING:
    from qa.index import Index

KEPT = 6
"""Indexes kept in the cache; the ones used longest ago go first."""
ABANDONED = 86_400
"""Seconds after which an unfinished index is taken for what a killed run left."""
_MAKING = "making-"
_MAKERS = ("ingest", "encode", "store")
"""Packages whose code decides what an index holds."""

Fill = Callable[["Index"], object]


@contextmanager
def scratch(content: str, fill: Fill, settings: Settings, said: Callable[[str], None]) -> Iterator[Index]:
    """An index that ``fill`` has filled. ``content`` names what it is filled with and changes whenever that does.

    ``said`` is told in words what takes long. Raises EvalError where the cache cannot be written, and what
    opening and filling raise.
    """
    shelf = settings.cache_dir / "eval"
    place = shelf / _key(content, settings)
    kept = _kept(place, settings, said)
    with kept or _made(place, fill, settings, said) as index:
        yield index
    _tidy(shelf)


def content_of(path: Path) -> str:
    """A name for the bytes of a file, or of all files of a folder."""
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    if not files:
        raise EvalError(f"There are no articles in {path}.", "Name a file or folder with --corpus.")
    for each in files:
        digest.update(f"{each.relative_to(path)}\0".encode("utf-8", "surrogateescape"))
        digest.update(hashlib.sha256(each.read_bytes()).digest())
    return digest.hexdigest()


def _kept(place: Path, settings: Settings, said: Callable[[str], None]) -> Index | None:
    """The index of an earlier run; None where there is none that can be used."""
    from qa.index import Index

    if not place.is_dir():
        return None
    try:
        index = Index.open(place, settings=settings, create=False, progress=said)
    except IndexError_:
        shutil.rmtree(place, ignore_errors=True)
        return None
    os.utime(place)
    return index


@contextmanager
def _made(place: Path, fill: Fill, settings: Settings, said: Callable[[str], None]) -> Iterator[Index]:
    """Filled aside, and moved into place when it is closed: a half-made index is never taken for a whole one."""
    from qa.index import Index

    workshop = _workshop(place.parent)
    whole = False
    try:
        with Index.open(workshop / "index", settings=settings, create=True, progress=said) as index:
            fill(index)
            whole = True
            yield index
    finally:
        if whole:
            _move(workshop / "index", place)
        shutil.rmtree(workshop, ignore_errors=True)


def _workshop(shelf: Path) -> Path:
    try:
        shelf.mkdir(parents=True, exist_ok=True)
        return Path(mkdtemp(prefix=_MAKING, dir=shelf))
    except OSError as error:
        raise EvalError(f"{shelf} cannot be written: {error.strerror}.", "Set QA_CACHE_DIR.") from error


def _move(made: Path, place: Path) -> None:
    try:
        made.rename(place)
    except OSError:
        # Another run was faster with the same index: that one is as good.
        if not place.is_dir():
            raise


def _tidy(shelf: Path) -> None:
    """Remove the indexes used longest ago, and what killed builds left."""
    everything = [path for path in shelf.iterdir() if path.is_dir()]
    parts = [path for path in everything if path.name.startswith(_MAKING)]
    made = sorted(set(everything) - set(parts), key=lambda path: path.stat().st_mtime, reverse=True)
    dead = [path for path in parts if time.time() - path.stat().st_mtime > ABANDONED]
    for path in made[KEPT:] + dead:
        shutil.rmtree(path, ignore_errors=True)


def _key(content: str, settings: Settings) -> str:
    parts = f"{content}\0{settings.encoder}\0{settings.engine}\0{_code()}"
    return hashlib.sha256(parts.encode("utf-8", "surrogateescape")).hexdigest()[:20]


def _code() -> str:
    package = Path(__file__).parents[1]
    files = [path for maker in _MAKERS for path in (package / maker).rglob("*") if path.is_file()]
    digest = hashlib.sha256()
    for path in sorted(path for path in files if path.suffix != ".pyc"):
        digest.update(path.read_bytes())
    return digest.hexdigest()
