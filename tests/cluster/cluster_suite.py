"""The cluster suite: citeqa on PostgreSQL and a Milvus of eight processes, under load, while processes are killed.

    python tests/cluster/cluster_suite.py [--json] [--every-role] [--keep DIRECTORY] [--store local]

Three ``qa serve`` processes, two replicas. ``kill -9`` of a querynode, of a service, of the service that ingests, then
of everything, during load. Nothing that was acknowledged may be lost, nothing deleted may come back, and every answer
is compared with the one from before. Ends with 1 where that is not so; error rates and times are told, not judged.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cluster_enclosure import enclose, place
from cluster_load import questions
from cluster_losses import Losses
from cluster_postgres import ADDRESS
from cluster_report import as_json, table
from cluster_scene import Scene, say
from cluster_services import ROOT, Services
from cluster_stage import URI, Stage

SERVICES: Final = 3
MEGABYTES: Final = 4000


def main() -> int:
    given = arguments()
    enclose()
    logging.disable(logging.ERROR)
    directory = place(given.keep, MEGABYTES)
    shared = environment(given.cache, given.store)
    stage = Stage(directory, given.tools.resolve(), given.cache, given.store == "milvus")
    say("starting PostgreSQL, etcd, S3, broker and Milvus" if stage.whole else "starting PostgreSQL")
    stage.start()
    say("starting services")
    services = Services(SERVICES, directory, shared)
    services.start()
    scene = Scene(services, questions(given.questions), lambda: doctor(shared, directory))
    Losses(stage, services, scene, given.every_role).play()
    print(told_as_json(scene) if given.json else told_as_text(scene))
    return int(bool(scene.faults))


def environment(cache: Path, store: str) -> Mapping[str, str]:
    """What the services share."""
    shared = {"QA_DATABASE_URL": ADDRESS, "QA_CACHE_DIR": str(cache), "OMP_NUM_THREADS": "1"}
    milvus = {"QA_STORE": "milvus", "QA_MILVUS_URI": URI, "QA_MILVUS_SHARDS": "2", "QA_MILVUS_REPLICAS": "2"}
    return shared | milvus if store == "milvus" else shared


def doctor(shared: Mapping[str, str], directory: Path) -> list[str]:
    """What ``qa doctor`` finds."""
    known = os.environ | shared | {"QA_INDEX_DIR": str(directory / "doctor")}
    command = [sys.executable, "-m", "qa", "doctor", "--json"]
    done = subprocess.run(command, env=known, cwd=ROOT, capture_output=True, text=True)
    try:
        return [f"{one['where']}: {one['message']}" for one in json.loads(done.stdout)["found"]]
    except ValueError:
        return [f"ended with {done.returncode}: {done.stdout} {done.stderr}"[-1000:]]


def told_as_json(scene: Scene) -> str:
    return json.dumps({"events": as_json(scene.events)} | scene.told(), ensure_ascii=False, indent=1)


def told_as_text(scene: Scene) -> str:
    figures = "\n".join(f"{name}: {value}" for name, value in scene.told().items() if name != "faults")
    failures = "\n".join(f"failures, {event.name}: {event.kinds}" for event in scene.events if event.kinds)
    faults = [f"FAULT {fault}"[:500] for fault in scene.faults[:20]]
    return "\n\n".join([table(scene.events), failures, figures, *faults])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="figures for programs")
    parser.add_argument("--store", choices=("milvus", "local"), default="milvus", help="local: no Milvus is started")
    parser.add_argument("--every-role", action="store_true", help="lose each of the other roles of Milvus too")
    parser.add_argument("--keep", type=Path, help="directory for data and logs; else they go with the run")
    parser.add_argument("--tools", type=Path, default=ROOT / ".venv-cluster", help="environment of the stand-ins")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "citeqa")
    parser.add_argument("--questions", type=Path, default=ROOT / "evals" / "questions.jsonl")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
