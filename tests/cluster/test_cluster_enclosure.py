"""What the servers of the cluster suite stand in: whom they reach, and what is left of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAM = """
import pathlib, socket, subprocess, sys, time
from cluster_enclosure import enclose, place
enclose()
print(sorted(name for _, name in socket.if_nameindex()), flush=True)
(place(None, 8) / "written").write_text("x")
subprocess.Popen(["sleep", sys.argv[1]], start_new_session=True)
print("started", flush=True)
time.sleep(600)
"""


def possible() -> bool:
    if not shutil.which("unshare") or not shutil.which("ip") or os.geteuid() != 0:
        return False
    return subprocess.run(["unshare", "--net", "--pid", "--fork", "true"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not possible(), reason="needs root, unshare and ip: namespaces cannot be made here")


def sleepers(seconds: str) -> list[str]:
    """Process ids of ``sleep SECONDS``, anywhere on this machine."""
    lines = {path.parent.name: path for path in Path("/proc").glob("[0-9]*/cmdline")}
    return [pid for pid, path in lines.items() if said(path) == f"sleep\0{seconds}\0"]


def said(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


@pytest.fixture
def seconds() -> str:
    """A length of sleep that no other process has."""
    return f"6{os.getpid()}"


@pytest.fixture
def enclosed(seconds: str, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    command = [sys.executable, str(program), seconds]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_suite_that_is_killed_leaves_no_process_and_no_file(
    enclosed: subprocess.Popen[str], seconds: str, tmp_path: Path
) -> None:
    assert enclosed.stdout is not None
    assert enclosed.stdout.readline() == "['lo']\n", "servers listen on all addresses: there must be no other"
    assert enclosed.stdout.readline() == "started\n"
    while not sleepers(seconds):  # between its start and its name; the time-out of the test ends it
        time.sleep(0.01)

    enclosed.kill()
    enclosed.wait()

    while sleepers(seconds):
        time.sleep(0.01)
    assert not list((Path(os.environ.get("TMPDIR", "/tmp")) / "citeqa-cluster").iterdir())
