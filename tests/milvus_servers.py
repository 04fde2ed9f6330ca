"""Real Milvus servers for tests, from packages of the registry: milvus-lite over gRPC, and Milvus 2.3.5 standalone.

Milvus 2.3.5 comes as a wheel for Linux on x86-64. It is run by a configuration of our own (its defaults take 30 minutes
to stop and 60 s to start again), inside a network namespace (milvus_loopback.py).
"""

from __future__ import annotations

import importlib.util
import lzma
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
from dataclasses import dataclass
from pathlib import Path

LITE_READY, STANDALONE_READY = 60.0, 180.0
"""Seconds until a server has to answer, on a machine that is busy."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers at ``uri``."""

    uri: str
    process: subprocess.Popen[bytes]
    log: Path

    def seal(self) -> None:
        """Moves what was written from the log into files. milvus-lite 3.2.2 writes about one log in twenty so that
        it cannot be read again ("Offset invariant failure"), and comes back empty after a kill."""
        from pymilvus import MilvusClient

        client = MilvusClient(uri=self.uri, timeout=10)
        for name in client.list_collections(timeout=10):
            client.flush(name, timeout=10)
        client.close()

    def stop(self) -> None:
        """Ends it and everything it started, without notice: it has to bear that."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)


def lite_missing() -> str | None:
    """Why milvus-lite cannot be run here; None where it can."""
    return None if importlib.util.find_spec("milvus_lite") else "milvus-lite is not installed (extra `dev`)"


def start_lite(directory: Path, port: int = 0) -> Running:
    """A milvus-lite server over gRPC; its data are in ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    port, log = port or free_port(), directory / "server.log"
    command = [sys.executable, "-m", "milvus_lite", "server", "--data-dir", str(directory / "data")]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with log.open("ab") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    running = Running(f"http://127.0.0.1:{port}", process, log)
    _wait(running, LITE_READY)
    return running


def standalone_missing() -> str | None:
    """Why Milvus 2.3.5 cannot be run here; None where it can."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return "Milvus 2.3.5 is for Linux on x86-64"
    if _wheel() is None:
        return "the package milvus 2.3.5 is not installed (extra `dev`)"
    tried = subprocess.run([*_apart(), "true"], capture_output=True, check=False)
    return None if tried.returncode == 0 else f"no network namespace can be made: {tried.stderr.decode().strip()}"


def start_standalone(directory: Path, port: int = 0) -> Running:
    """Milvus 2.3.5, all its parts in one process; its data are in ``directory``, where it may be started again."""
    binary = _unpacked(directory.parent / "milvus-2.3.5") / "milvus"
    (directory / "configs").mkdir(parents=True, exist_ok=True)
    (directory / "configs" / "milvus.yaml").write_text(_configuration(directory))
    (directory / "configs" / "glog.conf").write_text("--logtostdout=false\n--logtostderr=false\n--minloglevel=2\n")
    log = directory / "server.log"
    listening = socket.create_server(("127.0.0.1", port), backlog=128)
    with listening:
        os.set_inheritable(listening.fileno(), True)
        loopback = [sys.executable, str(Path(__file__).with_name("milvus_loopback.py"))]
        command = [*_apart(), *loopback, str(listening.fileno()), "19530", str(log)]
        process = subprocess.Popen(
            [*command, str(binary), "run", "standalone"],
            cwd=directory,
            env=os.environ | _environment(binary.parent, directory),
            pass_fds=[listening.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        running = Running(f"http://127.0.0.1:{listening.getsockname()[1]}", process, log)
    _wait(running, STANDALONE_READY)
    return running


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _apart() -> list[str]:
    return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]


def _wheel() -> Path | None:
    found = importlib.util.find_spec("milvus")
    data = Path(found.origin).with_name("data") if found is not None and found.origin is not None else None
    return data if data is not None and (data / "bin").is_dir() else None


def _unpacked(directory: Path) -> Path:
    """The programs of the wheel, unpacked once."""
    wheel = _wheel()
    assert wheel is not None, standalone_missing()
    directory.mkdir(parents=True, exist_ok=True)
    for packed in sorted((wheel / "bin").glob("*.lzma")):
        target = directory / packed.stem
        if not target.exists():
            fresh = target.with_suffix(f".{os.getpid()}")
            fresh.write_bytes(lzma.decompress(packed.read_bytes()))
            fresh.chmod(0o755)
            fresh.rename(target)
    return directory


def _configuration(directory: Path) -> str:
    """The wheel's own template filled in, and what makes it stop and start again quickly."""
    wheel = _wheel()
    assert wheel is not None
    text = (wheel / "config.yaml.template").read_text()
    places = {
        "etcd_data_dir": "etcd",
        "local_storage_dir": "data",
        "rocksmq_data_dir": "rdb",
        "system_log_path": "logs",
    }

    def filled(match: re.Match[str]) -> str:
        name, _, default = match.group(1).partition(":")
        name = name.split("(")[0].strip()
        return str(directory / places[name]) if name in places else default.strip()

    text = re.sub(r"\{\{(.*?)\}\}", filled, text)
    text = re.sub(r"gracefulStopTimeout: \d+", "gracefulStopTimeout: 1", text)
    text = re.sub(r"(session:\n\s+ttl:) \d+", r"\1 5", text)
    # Else segments without their graph are searched by an IVF index that misses much (docs/cluster.md).
    text = re.sub(r"(interimIndex:.*\n\s+enableIndex:) true", r"\1 false", text)
    return text.replace("  level: info", "  level: error")


def _environment(programs: Path, directory: Path) -> dict[str, str]:
    return {"LD_LIBRARY_PATH": str(programs), "MILVUS_RUN_DIR": str(directory / "run"), "DEPLOY_MODE": "STANDALONE"}


def _wait(running: Running, seconds: float) -> None:
    """Until it answers. Raises RuntimeError with the end of its log."""
    from pymilvus import MilvusClient
    from pymilvus.exceptions import MilvusException

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and running.process.poll() is None:
        try:
            client = MilvusClient(uri=running.uri, timeout=2)
            client.list_collections(timeout=2)
            client.close()
            return
        except (MilvusException, urllib.error.URLError, OSError):
            time.sleep(0.2)
    running.stop()
    raise RuntimeError(f"{running.log} ends:\n{running.log.read_text(errors='replace')[-2000:]}")
