"""Builds of an index, whichever kind its records are: making one beside the current, changing places, going back.

In a directory they are folders (builds.py), in PostgreSQL schemas (schemas.py). The commands know this interface.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from pydantic import SecretStr

from qa.errors import CiteqaError
from qa.store import builds, schemas
from qa.store.builds import Origin
from qa.store.location import DERIVED, Build, Location


@dataclass(frozen=True, slots=True)
class Pair:
    """The current build and the one before it; ``origin``: how the current one came about."""

    now: Build
    before: Build
    origin: Origin | None


class Builds(Protocol):
    """The builds of one index."""

    def rebuilding(self) -> AbstractContextManager[None]:
        """Hold the right to make and to remove builds. Raises ConflictError where another process does."""

    def new(self) -> Location:
        """An empty place for a build; what an interrupted attempt left is removed. Only while ``rebuilding``."""

    def adopt(self, connection: sa.Connection, made: Build) -> None:
        """Make a new build current and keep the one before; ``connection``: in a write transaction of that."""

    def pair(self) -> Pair:
        """Raises ConflictError where no earlier build is kept."""

    def go_back(self, connection: sa.Connection, pair: Pair) -> None:
        """Let the two change places."""

    def every(self) -> list[Build]:
        """All builds that are there, those that are given up but still read among them."""

    def tidy(self) -> None:
        """Remove builds that are neither current nor the one before. Only while ``rebuilding``."""

    def drop_previous(self) -> None:
        """Delete the build before the current one. Raises ConflictError where there is none."""


def builds_of(where: Location) -> Builds:
    return _Folders(where.root) if where.url is None else _Schemas(where.root, where.url)


class _Folders:
    """``root``: the index directory."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def rebuilding(self) -> AbstractContextManager[None]:
        return builds.rebuilding(self._root)

    def new(self) -> Location:
        return Location(builds.new_build(self._root))

    def adopt(self, connection: sa.Connection, made: Build) -> None:
        builds.adopt(self._root, made.directory, "reencode")

    def pair(self) -> Pair:
        place = builds.read_place(self._root)
        if place.previous is None:
            raise builds.no_previous(self._root)
        return Pair(Build(self._root / place.build), Build(self._root / place.previous), place.origin)

    def go_back(self, connection: sa.Connection, pair: Pair) -> None:
        now, before = (builds.name_of(self._root, build.directory) for build in (pair.now, pair.before))
        builds.switch(self._root, builds.Place(before, now, pair.origin))

    def every(self) -> list[Build]:
        return [Build(directory) for directory in builds.every(self._root)]

    def tidy(self) -> None:
        builds.remove_abandoned(self._root)

    def drop_previous(self) -> None:
        builds.drop_previous(self._root)


class _Schemas:
    """``root``: the directory of this machine's derived files."""

    def __init__(self, root: Path, url: SecretStr) -> None:
        self._root = root
        self._url = url

    @contextmanager
    def rebuilding(self) -> Iterator[None]:
        from qa.store.postgres import connected

        with connected(self._url) as connection:
            connection.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            schemas.hold(connection)
            yield

    def new(self) -> Location:
        from qa.store.postgres import connected

        self.tidy()
        with connected(self._url) as connection:
            return Location(self._root, self._url, schemas.new_schema(connection))

    def adopt(self, connection: sa.Connection, made: Build) -> None:
        before = schemas.current(connection)
        schemas.switch(connection, schemas.Place(made.schema, before, "reencode"))

    def pair(self) -> Pair:
        place = self._place()
        if place is None or place.previous is None:
            raise builds.no_previous(self._root)
        now, before = (Build.shared(self._root, self._url, name) for name in (place.build, place.previous))
        return Pair(now, before, place.origin)

    def _place(self) -> schemas.Place | None:
        from qa.store.postgres import connected

        with connected(self._url) as connection:
            return schemas.read_place(connection)

    def go_back(self, connection: sa.Connection, pair: Pair) -> None:
        schemas.switch(connection, schemas.Place(pair.before.schema, pair.now.schema, pair.origin))

    def every(self) -> list[Build]:
        from qa.store.postgres import connected

        with connected(self._url) as connection:
            return [Build.shared(self._root, self._url, name) for name in schemas.every(connection)]

    def tidy(self) -> None:
        """A schema that somebody reads from stays until the next time."""
        from qa.store.postgres import connected

        with connected(self._url) as connection:
            left = schemas.abandoned(connection)
        for name in left:
            try:
                with connected(self._url) as connection:
                    schemas.drop(connection, name)
            except CiteqaError:
                continue
            shutil.rmtree(self._root / DERIVED / name, ignore_errors=True)

    def drop_previous(self) -> None:
        from qa.store.postgres import connected

        with self.rebuilding():
            pair = self.pair()
            with connected(self._url) as connection:
                schemas.switch(connection, schemas.Place(pair.now.schema, None, pair.origin))
            self.tidy()
