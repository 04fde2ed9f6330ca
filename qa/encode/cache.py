"""Directories built once: under a lock, complete or absent, checked when they are used again.

A directory is made under a temporary name, gets a list of its files with their sizes, and is renamed into place. A
build that is killed leaves only the temporary directory, which the next build removes; the lock goes with its process.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from qa.errors import EncoderError

Progress = Callable[[str], None]

FILES: Final = "files.json"
LOCK_SECONDS: Final = 1800
_PART: Final = ".part"


def built(cache: Path, name: str, make: Callable[[Path], None], progress: Progress | None = None) -> Path:
    """The directory ``name`` of ``cache``, made by ``make(directory)`` where it is not complete yet.

    Of two processes that need it at once, one makes it and the other waits. Raises EncoderError where the cache cannot
    be written or another process holds it for longer than ``LOCK_SECONDS``; errors of ``make`` pass through.
    """
    target = cache / name
    if complete(target):
        return target
    with _locked(cache, name, progress):
        if not complete(target):
            _make(cache, target, make)
    return target


def complete(directory: Path) -> bool:
    """Whether the directory was finished and its files still have the sizes they were finished with."""
    try:
        sizes = json.loads((directory / FILES).read_text(encoding="utf-8"))
        return all((directory / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def seal(directory: Path) -> None:
    """Write the list of files, and make sure that all of them are on the disk."""
    paths = sorted(path for path in directory.rglob("*") if path.is_file() and path.name != FILES)
    sizes = {path.relative_to(directory).as_posix(): path.stat().st_size for path in paths}
    (directory / FILES).write_text(json.dumps(sizes, indent=1), encoding="utf-8")
    for path in [*paths, directory / FILES]:
        path.chmod(0o644)
        _flush(path)


def _make(cache: Path, target: Path, make: Callable[[Path], None]) -> None:
    _sweep(cache, target.name)
    with _explained(cache):
        part = Path(mkdtemp(prefix=f"{target.name}.", suffix=_PART, dir=cache))
    try:
        with _explained(cache):
            make(part)
            seal(part)
            part.chmod(0o755)
            shutil.rmtree(target, ignore_errors=True)
            os.replace(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _sweep(cache: Path, name: str) -> None:
    """Remove what killed builds of this directory left; the caller holds its lock."""
    for part in cache.glob(f"{name}.*{_PART}"):
        shutil.rmtree(part, ignore_errors=True)


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def _locked(cache: Path, name: str, progress: Progress | None) -> Iterator[None]:
    from filelock import FileLock, Timeout

    with _explained(cache):
        cache.mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache / f"{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            _wait(lock, cache, name, progress)
    try:
        yield
    finally:
        lock.release()


def _wait(lock: object, cache: Path, name: str, progress: Progress | None) -> None:
    from filelock import BaseFileLock, Timeout

    assert isinstance(lock, BaseFileLock)
    if progress:
        progress(f"Another process is building {name}; waiting for it.")
    try:
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout as error:
        message = f"Another process has been building {name} for {LOCK_SECONDS // 60} minutes."
        raise EncoderError(message, f"End it, or point QA_CACHE_DIR away from {cache}.") from error


@contextmanager
def _explained(cache: Path) -> Iterator[None]:
    """What the operating system refuses, as an EncoderError."""
    try:
        yield
    except OSError as error:
        raise EncoderError(
            f"The encoder cannot be built in {cache}: {error}",
            "Set QA_CACHE_DIR to a directory that you can write, with 1 GB free.",
        ) from error
