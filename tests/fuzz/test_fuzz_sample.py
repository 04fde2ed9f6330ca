"""A few seconds of the fuzzing; `make fuzz` goes on for ten minutes."""

from __future__ import annotations

import random
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "ingest")]

from fuzz_parsers import NAMES, mutated, seeds, tried  # noqa: E402


def test_a_sample() -> None:
    rng, kinds = random.Random(7), seeds()
    outcomes = {tried(rng.choice(NAMES), mutated(rng, rng.choice(kinds), kinds)) for _ in range(60)}
    assert len(outcomes) > 3
