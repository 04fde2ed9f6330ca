"""What deploy/ says of the service is so: settings, paths, and what every container is bounded by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from qa.config import Settings
from qa.service import pages

DEPLOY = Path(__file__).parents[1] / "deploy"
COMPOSE = sorted(DEPLOY.glob("compose*.yaml"))
MANIFESTS = sorted([DEPLOY / "kubernetes.yaml", *DEPLOY.glob("kubernetes/*.yaml")])
SETTINGS = {f"QA_{name.upper()}" for name in Settings.model_fields}


def composed() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in COMPOSE:
        for name, service in yaml.safe_load(path.read_text())["services"].items():
            yield f"{path.name} {name}", service


def containers() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in MANIFESTS:
        for manifest in yaml.safe_load_all(path.read_text()):
            template = manifest.get("spec", {}).get("template", {})
            for container in template.get("spec", {}).get("containers", []):
                yield f"{path.name} {container['name']}", container


services = pytest.mark.parametrize("service", [pytest.param(one, id=name) for name, one in composed()])
pods = pytest.mark.parametrize("container", [pytest.param(one, id=name) for name, one in containers()])


@pytest.mark.parametrize("path", [*COMPOSE, *MANIFESTS, DEPLOY / "Containerfile"], ids=lambda path: path.name)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    assert set(re.findall(r"\bQA_[A-Z_]+\b", path.read_text())) <= SETTINGS


@services
def test_a_composed_service_is_bounded_and_its_image_is_pinned(service: dict[str, Any]) -> None:
    assert "mem_limit" in service
    assert service["image"] == "citeqa" or re.search(r":v?[A-Z\d]", service["image"])


@services
def test_only_citeqa_can_be_reached_from_outside_and_only_from_this_machine(service: dict[str, Any]) -> None:
    ports = service.get("ports", [])
    assert service["image"] == "citeqa" or not ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@services
def test_no_password_is_written_down(service: dict[str, Any]) -> None:
    for name, value in service.get("environment", {}).items():
        assert "PASSWORD" not in name or re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), name


@pods
def test_a_container_is_bounded_locked_down_and_asked_how_it_is(container: dict[str, Any]) -> None:
    assert {"cpu", "memory"} == set(container["resources"]["limits"])
    assert container["securityContext"]["readOnlyRootFilesystem"]
    asked = {container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")}
    assert asked == {"/healthz", "/readyz"}
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert all(f'"{path}"' in Path(pages.__file__).read_text() for path in asked)


@pods
def test_what_is_secret_comes_from_a_secret(container: dict[str, Any]) -> None:
    for one in container.get("env", []):
        if re.search("TOKEN|KEY|URL$", one["name"]):
            assert "secretKeyRef" in one["valueFrom"], one["name"]
