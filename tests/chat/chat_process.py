"""`qa serve` in a process of its own, set up for Slack's loopback peer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from slack_peer import SlackApi, environment

ROOT = Path(__file__).parents[2]


class Service:
    """A running service; ``said`` is what it wrote to stderr. ``program`` runs the command line."""

    def __init__(
        self, index_dir: Path, api: SlackApi, program: tuple[str, ...] = ("-m", "qa"), **settings: str
    ) -> None:
        variables = os.environ | {"QA_INDEX_DIR": str(index_dir), "QA_LANGUAGE": "en"} | environment(api) | settings
        command = [sys.executable, *program, "serve", "--port", "0"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=variables, stderr=subprocess.PIPE, text=True)
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.client = httpx.Client(base_url=self._address(), timeout=60)

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            self.said.extend(iter(stream.readline, ""))

    def _address(self) -> str:
        end = time.monotonic() + 300
        while time.monotonic() < end and self.process.poll() is None:
            found = re.search(r"passages at (http://\S+)", "".join(self.said))
            if found:
                return found[1]
            time.sleep(0.05)
        raise AssertionError("".join(self.said))

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        self.client.close()
        self.process.kill()
        self.process.wait(60)
        self._reader.join(10)


@contextmanager
def service(
    index_dir: Path, api: SlackApi, program: tuple[str, ...] = ("-m", "qa"), **settings: str
) -> Iterator[Service]:
    running = Service(index_dir, api, program, **settings)
    try:
        yield running
    finally:
        running.kill()
