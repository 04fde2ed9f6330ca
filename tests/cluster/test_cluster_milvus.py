"""The configuration of the eight Milvus processes."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml
from cluster_milvus import ROLES, Milvus, alive, configuration


def test_every_process_has_its_own_port_and_its_own_health(tmp_path: Path) -> None:
    cluster = Milvus(tmp_path / "programs", tmp_path, "127.0.0.1:9999")

    written = {name: yaml.safe_load((tmp_path / name / "configs" / "milvus.yaml").read_text()) for name in ROLES}
    ports = [written[name][section]["port"] for name, (section, _, _) in ROLES.items()]
    health = [server.environment["METRICS_PORT"] for server in cluster.servers]
    assert len({*ports, *map(int, health)}) == 2 * len(ROLES) == 16


def test_both_querynodes_are_of_one_role() -> None:
    assert [name for name, (section, _, _) in ROLES.items() if section == "queryNode"] == ["querynode1", "querynode2"]


def test_a_cluster_is_not_configured_to_keep_anything_to_itself(tmp_path: Path) -> None:
    chosen = configuration(tmp_path, "127.0.0.1:9999")

    assert chosen["mq"] == {"type": "kafka"}
    assert chosen["kafka"]["brokerList"] == "127.0.0.1:9999"
    assert chosen["common"]["storageType"] == "minio"
    assert chosen["etcd"]["use"] == {"embed": False}


def test_the_counter_of_sessions_is_no_session() -> None:
    keys = ("by-dev/meta/session/id", "by-dev/meta/session/proxy-7")

    assert alive({"kvs": [{"key": base64.b64encode(key.encode()).decode()} for key in keys]}) == 1
    assert alive({"header": {}}) == 0
