"""Milvus 2.3.5 as eight processes, configured by hand: the wheel's own start-up knows standalone only."""

from __future__ import annotations

import base64
import json
import lzma
import os
import shutil
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from cluster_processes import Server, healthy, until

PROXY_PORT: Final = 19530
ETCD_PORT: Final = 2379
S3_PORT: Final = 9000
ROLES: Final[Mapping[str, tuple[str, int, int]]] = {
    "rootcoord": ("rootCoord", 53100, 9101),
    "datacoord": ("dataCoord", 13333, 9102),
    "querycoord": ("queryCoord", 19531, 9103),
    "indexnode": ("indexNode", 21121, 9104),
    "datanode": ("dataNode", 21124, 9105),
    "querynode1": ("queryNode", 21123, 9106),
    "querynode2": ("queryNode", 21223, 9107),
    "proxy": ("proxy", PROXY_PORT, 9108),
}
"""Process: its section of the configuration, its port, the port on which it tells of its health."""
SESSION_SECONDS: Final = 5
"""After this silence a process counts as lost. Milvus ships 30, which only makes a trial longer."""


def unpacked(cache: Path, tools: Path) -> Path:
    """The programs of the wheel ``milvus`` in the environment ``tools``, unpacked once into ``cache``: a directory."""
    target = cache / "milvus-2.3.5"
    if not target.exists():
        partial = cache / f"milvus-2.3.5.{os.getpid()}"
        partial.mkdir(parents=True)
        for packed in sorted(tools.glob("lib/python3*/site-packages/milvus/data/bin/*.lzma")):
            with lzma.open(packed) as source, (partial / packed.stem).open("wb") as program:
                shutil.copyfileobj(source, program)
            (partial / packed.stem).chmod(0o755)
        partial.rename(target)
    return target


def configuration(directory: Path, broker: str) -> dict[str, Any]:
    """What differs from what Milvus has built in. Every role reads the same."""
    sections: dict[str, Any] = {section: {"ip": "127.0.0.1"} for section, _, _ in ROLES.values()}
    return sections | {
        "etcd": {"endpoints": f"127.0.0.1:{ETCD_PORT}", "use": {"embed": False}},
        "minio": {
            "address": "127.0.0.1",
            "port": S3_PORT,
            "accessKeyID": "minioadmin",
            "secretAccessKey": "minioadmin",
            "useSSL": False,
            "bucketName": "citeqa",
        },
        "mq": {"type": "kafka"},
        "kafka": {"brokerList": broker, "readTimeout": 10},
        "localStorage": {"path": str(directory / "local")},
        "log": {"level": "info", "stdout": True, "file": {"rootPath": ""}},
        "common": {
            "storageType": "minio",
            "gracefulStopTimeout": 1,
            "session": {"ttl": SESSION_SECONDS, "retryTimes": 30},
        },
    }


class Milvus:
    """The eight processes over etcd, S3 and a broker that run already."""

    def __init__(self, programs: Path, directory: Path, broker: str) -> None:
        self.servers = [self._server(name, programs, directory, broker) for name in ROLES]

    def __getitem__(self, name: str) -> Server:
        return next(server for server in self.servers if server.name == name)

    def start(self) -> None:
        """All of them; returns when every one is healthy."""
        for server in self.servers:
            server.start()
        for server in self.servers:
            server.wait()

    def kill(self) -> None:
        """``kill -9`` of all; returns when etcd has forgotten them, since no coordinator starts beside its ghost."""
        for server in self.servers:
            server.kill()
        until(lambda: sessions() == 0, "etcd has forgotten the processes that were killed")

    def _server(self, name: str, programs: Path, directory: Path, broker: str) -> Server:
        section, port, health = ROLES[name]
        own = directory / name
        chosen = configuration(own, broker)
        chosen[section]["port"] = port
        (own / "configs").mkdir(parents=True)
        (own / "configs" / "milvus.yaml").write_text(yaml.safe_dump(chosen))
        (own / "configs" / "glog.conf").write_text("--logtostderr=true\n--minloglevel=1\n")
        environment = {
            "MILVUSCONF": str(own / "configs"),
            "LD_LIBRARY_PATH": str(programs),
            "DEPLOY_MODE": "DISTRIBUTED",
            "METRICS_PORT": str(health),
            "MILVUS_RUN_DIR": str(own / "run"),
        }
        command = [str(programs / "milvus"), "run", name.rstrip("12"), "-alias", name]
        return Server(name, command, own, lambda: healthy(f"http://127.0.0.1:{health}/healthz"), environment)


def sessions() -> int:
    """How many Milvus processes etcd believes alive."""
    body = {"key": _key("by-dev/meta/session/"), "range_end": _key("by-dev/meta/session0"), "keys_only": True}
    request = urllib.request.Request(f"http://127.0.0.1:{ETCD_PORT}/v3/kv/range", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as response:
        return alive(json.load(response))


def alive(told: Mapping[str, Any]) -> int:
    """Sessions in etcd's answer to a range of keys. The number of the next session lies among them."""
    keys = [base64.b64decode(found["key"]).decode() for found in told.get("kvs", [])]
    return sum(not key.endswith("/id") for key in keys)


def _key(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
