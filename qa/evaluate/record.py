"""What an eval is remembered by: which questions, articles, encoder and code its figures belong to."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from qa.evaluate.detail import detail
from qa.evaluate.outcome import Trial
from qa.evaluate.scorecard import scorecard
from qa.store import history
from qa.store.database import Database

Json = dict[str, Any]

GIT_SECONDS = 5


def about(
    name: str, sha256: str, *, collection: str | None, part: str | None = None, sample: int | None = None
) -> Json:
    """What is known before an eval runs. ``collection``: of the index that keeps the history; None for another index.

    ``sha256`` is of the question set, ``commit`` of the checkout that runs (None where it is no checkout).
    """
    return {
        "set": name,
        "sha256": sha256,
        "collection": collection,
        "part": part,
        "sample": sample,
        "version": version("citeqa"),
        "commit": commit(),
    }


def outcome_of(trial: Trial, seconds: float) -> Json:
    """What is known afterwards, and belongs beside the figures."""
    return {
        "encoder": trial.encoder,
        "documents": trial.documents,
        "passages": trial.passages,
        "seconds": round(seconds, 1),
    }


def keep(database: Database, trial: Trial, known: Json, seconds: float) -> str:
    """Add an eval that has ended to the history; returns its id."""
    identity = history.begin(database, known)
    finish(database, identity, trial, known, seconds)
    return identity


def finish(database: Database, identity: str, trial: Trial, known: Json, seconds: float) -> None:
    """Note what came of an eval that ``history.begin`` was told of."""
    history.finish(database, identity, known | outcome_of(trial, seconds), scorecard(trial), detail(trial))


def commit() -> str | None:
    """The commit of the checkout that this code is run from; None where there is none."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    try:
        asked = ["git", "-C", str(root), "rev-parse", "HEAD"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=GIT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
