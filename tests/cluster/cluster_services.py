"""``qa serve`` as processes that can be killed; each has nothing on disk that another could see."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from cluster_processes import Server, healthy

ROOT: Final = Path(__file__).parents[2]
FIRST_PORT: Final = 8001


class Services:
    """``environment``: what they share, as the database and Milvus."""

    def __init__(
        self, number: int, directory: Path, environment: Mapping[str, str], first_port: int = FIRST_PORT
    ) -> None:
        ports = range(first_port, first_port + number)
        self._servers = [service(f"service{n}", port, directory, environment) for n, port in enumerate(ports, 1)]
        self.addresses = [f"http://127.0.0.1:{port}" for port in ports]

    def start(self) -> None:
        """All at once; on first use one of them takes in the shipped articles."""
        for server in self._servers:
            server.start()
        for server in self._servers:
            server.wait()

    def address(self, server: Server) -> str:
        return self.addresses[self._servers.index(server)]

    def __iter__(self) -> Iterator[Server]:
        return iter(self._servers)

    def __getitem__(self, name: str) -> Server:
        return next(server for server in self._servers if server.name == name)


def service(name: str, port: int, directory: Path, environment: Mapping[str, str]) -> Server:
    own = {
        "QA_INDEX_DIR": str(directory / name / "index"),
        "QA_CORPUS_DIR": str(ROOT / "corpus" / "articles"),
        "QA_RATE": "0",
        "QA_THREADS": "1",
        "QA_LANGUAGE": "en",
        "PGAPPNAME": name,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    command = [sys.executable, "-m", "qa", "serve", "--port", str(port)]
    return Server(
        name, command, directory / name, lambda: healthy(f"http://127.0.0.1:{port}/readyz"), own | environment
    )
