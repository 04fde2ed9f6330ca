"""Which process does what: each holds a lock that the system takes away with the process, however it ends."""

from __future__ import annotations

import fcntl
import uuid
from pathlib import Path
from typing import BinaryIO


class Owner:
    """This process. ``directory`` is shared by all processes that serve one index."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: BinaryIO | None = None
        self.id = uuid.uuid4().hex

    def take(self) -> None:
        """Hold the lock: from now on this process is known to live. Before this it owns nothing."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._file = self._path(self.id).open("ab")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def is_gone(self, other: str) -> bool:
        """Whether the process that calls itself ``other`` has ended."""
        try:
            with self._path(other).open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._path(other).unlink(missing_ok=True)
        return True

    def close(self) -> None:
        self._path(self.id).unlink(missing_ok=True)
        if self._file is not None:
            self._file.close()
            self._file = None

    def _path(self, identity: str) -> Path:
        return self._directory / f"{identity}.lock"
