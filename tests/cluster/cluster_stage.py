"""The whole stage: PostgreSQL, etcd, S3, broker and the eight processes of Milvus."""

from __future__ import annotations

from pathlib import Path

from cluster_milvus import PROXY_PORT, Milvus, unpacked
from cluster_postgres import Postgres
from cluster_standins import StandIns

URI = f"http://127.0.0.1:{PROXY_PORT}"


class Stage:
    """``tools``: the environment of the stand-ins; ``cache``: where programs are unpacked. ``whole``: Milvus too."""

    def __init__(self, directory: Path, tools: Path, cache: Path, whole: bool = True) -> None:
        self._directory = directory
        self.whole = whole
        self._programs = unpacked(cache, tools) if whole else None
        self._standins = StandIns(tools, directory)
        self.postgres = Postgres(directory / "postgres")
        self.milvus: Milvus | None = None

    def start(self) -> None:
        """Everything; returns when everything can be used."""
        self.postgres.start()
        if self._programs:
            self._standins.start()
            self.milvus = Milvus(self._programs, self._directory, self._standins.address)
            self.milvus.start()

    def kill(self) -> None:
        """``kill -9`` of PostgreSQL, etcd and all of Milvus.

        S3 and the broker go on: their stand-ins keep all in memory, where real ones keep it on disks.
        """
        self.postgres.kill()
        if self.milvus:
            self.milvus.kill()
            self._standins.etcd.kill()

    def start_again(self) -> None:
        """What was killed."""
        self.postgres.start()
        if self.milvus:
            self._standins.etcd.start()
            self._standins.etcd.wait()
            self.milvus.start()
