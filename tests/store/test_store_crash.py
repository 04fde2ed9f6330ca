"""A writer killed at any moment loses nothing that it said was done, and leaves nothing half done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROUNDS = 30
HERE = Path(__file__).parent


def test_killed_at_random_moments(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": f"{HERE.parents[1]}:{HERE}", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, str(HERE / "store_killing.py"), str(tmp_path / "index"), str(ROUNDS), "1"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    rounds = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(rounds) == ROUNDS
    held: dict[str, int] = {}
    done = interrupted = 0
    for number, found in enumerate(rounds):
        assert found["wrong"] == [], (number, found)
        said = [line.split(" ", 1) for line in found["said"]]
        for word, wanted in said:
            if word == "done":
                held = applied(held, json.loads(wanted))
                done += 1
        begun = json.loads(said[-1][1]) if said and said[-1][0] == "begin" else {}
        interrupted += bool(begun)
        assert found["versions"] in (held, applied(held, begun)), number
        held = found["versions"]
    assert done > 3
    assert interrupted > 3


def applied(held: dict[str, int], wanted: dict[str, int]) -> dict[str, int]:
    return {identity: number for identity, number in (held | wanted).items() if number}
