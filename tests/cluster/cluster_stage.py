"""The whole stage: PostgreSQL, etcd, S3, broker and the eight processes of Milvus."""

from __future__ import annotations

from pathlib import Path

from cluster_milvus import PROXY_PORT, Milvus, unpacked
from cluster_postgres import Postgres
from cluster_standins import StandIns

URI = f"http://127.0.0.1:{PROXY_PORT}"


class Stage:
    """``tools``: the environment of the stand-ins; ``cache``: where programs are unpacked."""

    def __init__(self, directory: Path, tools: Path, cache: Path) -> None:
        self._directory = directory
        self._programs = unpacked(cache, tools)
        self.standins = StandIns(tools, directory)
        self.postgres = Postgres(directory / "postgres")

    def start(self) -> None:
        """Everything; returns when everything can be used."""
        self.postgres.start()
        self.standins.start()
        self.milvus = Milvus(self._programs, self._directory, self.standins.address)
        self.milvus.start()

    def restart(self) -> None:
        """``kill -9`` of PostgreSQL, etcd and all of Milvus, and all of them again.

        S3 and the broker go on: their stand-ins keep all in memory, where real ones keep it on disks.
        """
        self.milvus.kill()
        self.postgres.kill()
        self.standins.etcd.kill()
        self.postgres.start()
        self.standins.etcd.start()
        self.standins.etcd.wait()
        self.milvus.start()
