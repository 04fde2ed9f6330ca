"""What Milvus stands on: etcd itself; moto in the place of S3; a mock broker in the place of Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cluster_milvus import ETCD_PORT, S3_PORT
from cluster_processes import Server, healthy, listening

_BROKER = Path(__file__).with_name("cluster_broker.py")


class StandIns:
    """``tools`` is the environment that has moto and confluent-kafka."""

    def __init__(self, tools: Path, directory: Path) -> None:
        self._address = directory / "broker" / "address"
        self.etcd = Server("etcd", _etcd(directory / "etcd"), directory / "etcd", _etcd_healthy)
        s3 = [str(tools / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(S3_PORT)]
        self.s3 = Server("s3", s3, directory / "s3", lambda: listening(S3_PORT))
        broker = [str(tools / "bin" / "python"), str(_BROKER), str(self._address)]
        self.broker = Server("broker", broker, directory / "broker", lambda: bool(self.address))

    def start(self) -> None:
        for server in self:
            server.start()
        for server in self:
            server.wait()

    def __iter__(self) -> Iterator[Server]:
        return iter((self.etcd, self.s3, self.broker))

    @property
    def address(self) -> str:
        """Host and port of the broker; empty until it runs."""
        with suppress(FileNotFoundError):
            return self._address.read_text()
        return ""


def _etcd(directory: Path) -> list[str]:
    client, peer = f"http://127.0.0.1:{ETCD_PORT}", f"http://127.0.0.1:{ETCD_PORT + 1}"
    listening = ["--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer]
    ring = ["--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"]
    return ["etcd", "--data-dir", str(directory / "data"), *listening, *ring]


def _etcd_healthy() -> bool:
    return healthy(f"http://127.0.0.1:{ETCD_PORT}/health")
