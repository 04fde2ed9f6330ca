"""An index in a directory that may only be read: searches work, writes are refused in words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_samples import document, open_store

HERE = Path(__file__).parent


@pytest.fixture
def public() -> Iterator[Path]:
    """Not below pytest's own directory, which nobody else may enter."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    for directory, _, _ in os.walk(path):
        Path(directory).chmod(0o755)
    shutil.rmtree(path)


def make(path: Path) -> None:
    store = open_store(path)
    store.create_collection("default")
    store.add("default", [document("a", ["one two", "three"])])
    store.publish("default")
    store.add("default", [document("b", ["two four"])])
    store.close()


def lock_up(path: Path) -> None:
    for directory, _, names in os.walk(path):
        Path(directory).chmod(0o555)
        for name in names:
            (Path(directory) / name).chmod(0o444)


def look(path: Path) -> dict[str, object]:
    environment = os.environ | {"PYTHONPATH": f"{HERE.parents[1]}:{HERE}"}
    make(path.parent / "other")
    command = [sys.executable, str(HERE / "store_reading.py"), str(path), str(path.parent / "other")]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, object] = json.loads(ran.stdout)
    return found


def test_searches_work_and_writes_are_refused(public: Path) -> None:
    make(public / "index")
    lock_up(public / "index")
    assert look(public / "index") == {
        "size": 3,
        "first": "one two",
        "lexical": 2,
        "write": ["index_read_only"] * 3,
        "problems": [],
    }


def test_a_log_that_was_not_merged_is_said(public: Path) -> None:
    """As after a crash: the database alone would be an old state, so it is not read."""
    make(public / "made")
    store = open_store(public / "made")
    store.add("default", [document("c", ["five"])])
    shutil.copytree(public / "made", public / "index", ignore=shutil.ignore_patterns("*-shm"))
    store.close()
    lock_up(public / "index")
    found = look(public / "index")
    assert found["open"] == "index_read_only"
    assert "permissions" in str(found["hint"])


def test_nothing_there_is_said(public: Path) -> None:
    (public / "index").mkdir()
    lock_up(public / "index")
    assert look(public / "index")["open"] == "index_read_only"
