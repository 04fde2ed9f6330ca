"""One writer, and one maker of generations, at a time for an index directory, across threads and processes.

The lock is advisory (flock) on a file that is never removed; the kernel releases it when its holder dies, so a killed
ingest leaves nothing to clean up. Readers do not take it.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from qa.errors import ConflictError, IndexError_

WAIT = 30.0
"""Seconds that a writer waits for another before it gives up."""
_POLL = 0.02


@contextmanager
def locked(directory: Path, name: str = "writer.lock", wait: float = WAIT, taken: str = "") -> Iterator[None]:
    """Hold a lock of the directory. Raises ConflictError after ``wait`` seconds, IndexError_ where none can be made.

    ``taken``: what to say where another holds it.
    """
    with _lock_file(directory / name) as file:
        _acquire(file, taken or f"Somebody else is writing to {directory}.", time.monotonic() + wait)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def _lock_file(path: Path) -> IO[bytes]:
    try:
        return path.open("ab")
    except OSError as error:
        message = f"{path.parent} cannot be written: {error.strerror}."
        raise IndexError_(message, "Check the permissions of the index directory.", code="index_read_only") from error


def _acquire(file: IO[bytes], taken: str, deadline: float) -> None:
    while not _try_lock(file):
        if time.monotonic() >= deadline:
            raise ConflictError(taken, "Wait until the other program is done, then try again.")
        time.sleep(_POLL)


def _try_lock(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
