"""What is lost, in order, and how one sees that it is made good."""

from __future__ import annotations

import time
from typing import Final

import httpx
from cluster_milvus import Milvus, sessions
from cluster_processes import Server, until
from cluster_replicas import replicas
from cluster_scene import Scene
from cluster_services import Services
from cluster_stage import Stage

BASELINE: Final = 200
"""Answers without any loss."""
BATCH: Final = 60
"""Articles in the upload during which the service that ingests is killed."""


class Losses:
    def __init__(self, stage: Stage, services: Services, scene: Scene, every_role: bool) -> None:
        self._stage = stage
        self._every_role = every_role
        self._services = services
        self._scene = scene

    def play(self) -> None:
        scene, service = self._scene, self._services["service2"]
        with scene.loaded():
            scene.event("none", lambda: None, lambda: scene.settle(0, BASELINE))
            if milvus := self._stage.milvus:
                querynode = milvus["querynode2"]
                scene.event("a querynode", querynode.kill, lambda: self._two_replicas(querynode))
                for server in self._roles(milvus):
                    scene.event(
                        f"the {server.name}", lambda server=server: lose(server), lambda server=server: up(server)
                    )
            scene.event("a service", service.kill, lambda: self._again(service))
            scene.event("the service that ingests", self._lose_worker, self._taken_over)
        scene.look("before the restart")
        with scene.loaded(writing=False):
            scene.event("everything", self._lose_everything, self._everything_again)
        scene.look("after the restart")

    def _again(self, server: Server) -> None:
        """Once answers are right without it, it is started again."""
        self._scene.settle(time.monotonic())
        up(server)

    def _roles(self, milvus: Milvus) -> list[Server]:
        """Those of which there is one: nothing stands in for them, so they are started again as soon as they can be."""
        return [server for server in milvus.servers if self._every_role and not server.name.startswith("querynode")]

    def _two_replicas(self, querynode: Server) -> None:
        self._again(querynode)
        until(lambda: replicas() == 2, "two replicas")

    def _lose_worker(self) -> None:
        """A large upload; the service that has it in hand is killed."""
        while (sent := self._scene.load.send(self._scene.client, BATCH)) is None:
            time.sleep(1)
        self._job, self._articles = sent
        self._worker = self._ingesting(self._job)
        self._worker.kill()

    def _ingesting(self, job: str) -> Server:
        """The service that does a job. Those of one collection are done one at a time, so no other has one in hand."""
        found: list[Server] = []

        def seen() -> bool:
            if self._scene.state(job) == "running":
                found.extend(server for server in self._services if at_work(self._services.address(server)))
            return bool(found)

        until(seen, "a service has the upload in hand", pause=0.02)
        return found[0]

    def _taken_over(self) -> None:
        scene = self._scene
        scene.load.follow(scene.client, self._job, self._articles)
        if scene.ledger.attempts.get(self._job, 0) < 2:
            scene.load.faults.append(f"{self._worker.name} was killed and nobody took its job over")
        self._again(self._worker)

    def _lose_everything(self) -> None:
        for server in self._services:
            server.kill()
        self._stage.kill()

    def _everything_again(self) -> None:
        self._stage.start_again()
        self._services.start()


def lose(server: Server) -> None:
    """``kill -9``; returns when etcd has forgotten it: none starts in the place of a role that seems to be there."""
    before = sessions()
    server.kill()
    until(lambda: sessions() < before, f"etcd has forgotten {server.name}")


def up(server: Server) -> None:
    server.start()
    server.wait()


def at_work(address: str) -> bool:
    """Whether a service has an ingest job in hand."""
    try:
        told = httpx.get(f"{address}/metrics", timeout=10).text
    except httpx.HTTPError:
        return False
    return "\nqa_jobs_running 1.0\n" in told
