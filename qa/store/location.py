"""Where an index is: its directory and, where its records are shared, the PostgreSQL database that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from qa.config import Settings
from qa.errors import InputError

DERIVED: Final = "postgresql"
"""Folder of an index directory for the files that are derived from a shared database."""


@dataclass(frozen=True, slots=True)
class Location:
    """``root``: the index directory. ``url``: of the PostgreSQL database; None: SQLite, inside the directory.

    With a database, the directory belongs to the processes of one machine: what is in it can be made anew. ``schema``:
    of a build in the database that is made beside the current one; empty: the current one is meant.
    """

    root: Path
    url: SecretStr | None = None
    schema: str = ""

    def __str__(self) -> str:
        return str(self.root)


@dataclass(frozen=True, slots=True)
class Build:
    """One build of an index. ``directory``: of its derived files, and of its database if that is SQLite; ``schema``:
    of its tables in PostgreSQL."""

    directory: Path
    url: SecretStr | None = None
    schema: str = ""

    @classmethod
    def shared(cls, root: Path, url: SecretStr, schema: str) -> Build:
        return cls(root / DERIVED / schema, url, schema)


def location(settings: Settings, path: Path | str | Location | None = None) -> Location:
    """The index that the settings name. A ``path`` that is not their ``index_dir`` names an index of its own, whose
    records are inside."""
    if isinstance(path, Location):
        return path
    root = settings.index_dir if path is None else Path(path)
    url = settings.database_url
    shared = bool(url.get_secret_value()) and root.absolute() == settings.index_dir.absolute()
    return Location(root, url if shared else None)


def own_directory(settings: Settings, instead: str) -> Path:
    """The index directory, for what works on its files. Raises InputError, with what to do ``instead``, where the
    records are not in it."""
    if location(settings).url is not None:
        raise InputError("The records of this index are in PostgreSQL (QA_DATABASE_URL).", instead)
    return settings.index_dir


def at(where: Path | Location) -> Location:
    return where if isinstance(where, Location) else Location(where)
