"""Namespaces of their own for the servers: they reach only each other, and end with the program that made them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

_MARK: Final = "CITEQA_ENCLOSED"
_ENTER: Final = ("unshare", "--net", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc")
_SCRATCH: Final = Path("/tmp/milvus")
"""Fixed in Milvus, for files named by process id; process ids begin anew in each namespace."""


def enclose() -> None:
    """Runs this program anew in namespaces of its own; returns where it is already there.

    The network is a loopback device alone, so that servers which listen everywhere are heard by nobody else. In the new
    process namespace this program is the first process: when it ends, however it ends, the kernel ends all others.
    """
    if _MARK not in os.environ:
        os.environ[_MARK] = "1"
        os.execvp(_ENTER[0], [*_ENTER, sys.executable, *sys.orig_argv[1:]])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    _mount(_SCRATCH, "size=64m")
    signal.signal(signal.SIGTERM, _leave)


def place(keep: Path | None, megabytes: int) -> Path:
    """A directory for data and logs: ``keep``, or memory that the end of the namespace gives back."""
    if keep:
        keep.mkdir(parents=True)
        keep.chmod(0o711)
        return keep.resolve()
    directory = Path(tempfile.gettempdir()) / "citeqa-cluster"
    _mount(directory, f"size={megabytes}m,mode=711")
    return directory


def _mount(directory: Path, options: str) -> None:
    """Memory as a directory, which nobody outside of the namespace sees."""
    directory.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "citeqa-cluster", directory], check=True)


def _leave(number: int, frame: object) -> None:
    sys.exit(128 + number)
