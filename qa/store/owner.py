"""Which process does what: what a process has in hand carries its id, and others can tell whether it lives.

Where all processes are on one machine, each holds a file lock that the system takes away with it, however it ends.
Where they share a PostgreSQL database, each says there again and again that it lives, by the database's clock.
"""

from __future__ import annotations

import fcntl
import logging
import threading
import uuid
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import sqlalchemy as sa

from qa.errors import CiteqaError
from qa.store.database import Database
from qa.store.tables import owners

LEASE_SECONDS: Final = 20.0
"""A process that has said nothing for so long is taken for gone."""
RENEW_SECONDS: Final = 5.0
KEPT_SECONDS: Final = 3600.0
"""After which the row of a process that is gone is removed: to have no row means the same."""
NOW: Final = sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Float)
"""PostgreSQL's clock: that of each machine may be another. Seconds since 1970."""

_log = logging.getLogger(__name__)


class Owner(Protocol):
    """This process."""

    id: str

    def take(self) -> None:
        """From now on this process is known to live. Before this it owns nothing. Raises what the database raises."""

    def is_gone(self, other: str) -> bool:
        """Whether the process that calls itself ``other`` has ended."""

    def close(self) -> None:
        """Others may take over what is left, from now on."""


def this_process(database: Database, root: Path) -> Owner:
    """``root``: of the index."""
    return RowOwner(database) if database.shared else FileOwner(root / "owners")


class FileOwner:
    """``directory`` is shared by all processes that serve one index."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: BinaryIO | None = None
        self.id = uuid.uuid4().hex

    def take(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._file = self._path(self.id).open("ab")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def is_gone(self, other: str) -> bool:
        if not self._directory.is_dir():
            return True
        try:
            with self._path(other).open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._path(other).unlink(missing_ok=True)
        return True

    def close(self) -> None:
        self._path(self.id).unlink(missing_ok=True)
        if self._file is not None:
            self._file.close()
            self._file = None

    def _path(self, identity: str) -> Path:
        return self._directory / f"{identity}.lock"


class RowOwner:
    """A row in a PostgreSQL database, good for ``lease`` seconds and renewed by a thread every ``renew`` seconds.

    A process that was cut off from the database for longer is taken for gone, and what it had in hand is another's;
    it lives again when it can say so.
    """

    def __init__(self, database: Database, lease: float = LEASE_SECONDS, renew: float = RENEW_SECONDS) -> None:
        self._database = database
        self._lease = lease
        self._renewing = renew
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="qa-owner", daemon=True)
        self.id = uuid.uuid4().hex

    def take(self) -> None:
        self._renew()
        self._thread.start()

    def _keep(self) -> None:
        while not self._ended.wait(self._renewing):
            try:
                self._renew()
            except CiteqaError as error:
                _log.warning("this process cannot say that it lives: %s", error.message)

    def _renew(self) -> None:
        from sqlalchemy.dialects.postgresql import insert

        until = NOW + self._lease
        row = insert(owners).values(id=self.id, until=until)
        with self._database.alongside() as connection:
            connection.execute(row.on_conflict_do_update(index_elements=[owners.c.id], set_={"until": until}))

    def is_gone(self, other: str) -> bool:
        lives = sa.select(owners.c.id).where(owners.c.id == other, owners.c.until >= NOW)
        with self._database.reading() as connection:
            return connection.execute(lives).first() is None

    def close(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(self._lease)
        left = (owners.c.id == self.id) | (owners.c.until < NOW - KEPT_SECONDS)
        try:
            with self._database.alongside() as connection:
                connection.execute(owners.delete().where(left))
        except CiteqaError as error:
            _log.warning("that this process ends is known in %.0f s: %s", self._lease, error.message)
