"""Processes with names: started, killed, started again, and waited for until they answer."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PATIENCE: Final = 600.0
"""Seconds after which something hangs. No result depends on it."""
TAIL: Final = 2000


class HarnessError(Exception):
    """A server did not start, or what has to come about did not."""


@dataclass
class Server:
    """One process. ``directory`` is its working directory and holds ``out.log``, of all its lives."""

    name: str
    command: Sequence[str]
    directory: Path
    answers: Callable[[], bool]
    """Whether it can be used."""
    environment: Mapping[str, str] = field(default_factory=dict)
    user: int | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.directory,
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.user,
                group=self.user,
            )

    def kill(self) -> None:
        """``kill -9``; returns when it is gone."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    @property
    def log(self) -> Path:
        return self.directory / "out.log"

    @property
    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def wait(self) -> None:
        """Until it answers. Raises HarnessError where it ended instead."""
        until(self._usable, f"{self.name} answers")

    def _usable(self) -> bool:
        if self.ended:
            assert self.process is not None
            raise HarnessError(f"{self.name} ended with {self.process.returncode}:\n{self.log.read_text()[-TAIL:]}")
        return self.answers()


def until(reached: Callable[[], bool], what: str, pause: float = 0.1) -> float:
    """Waits until it is so; the seconds that it took. Raises HarnessError where it hangs."""
    began = time.monotonic()
    while not reached():
        if time.monotonic() - began > PATIENCE:
            raise HarnessError(f"Not so after {PATIENCE:.0f} s: {what}")
        time.sleep(pause)
    return time.monotonic() - began


def listening(port: int) -> bool:
    """Whether something on the loopback address takes connections at this port."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def healthy(address: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
