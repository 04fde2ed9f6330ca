"""A small sample of the crash trial; `make crash` runs the whole of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


ROUNDS = 8


def test_nothing_is_lost() -> None:
    environment = os.environ | {
        "PYTHONPATH": f"{HERE.parents[1]}:{HERE}",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    command = [sys.executable, str(HERE / "crash_trial.py"), "--rounds", str(ROUNDS), "--seed", "5"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    summary = json.loads(ran.stdout[ran.stdout.index("\n{\n") :])
    assert sum(count for name, count in summary.items() if name.startswith("round ")) == ROUNDS
    assert summary["wrong"] == []
