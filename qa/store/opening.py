"""Opening the database of an index: finding its build, making or upgrading its tables, knowing its encoder."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict
from pathlib import Path

from qa.errors import DamagedIndexError, EncoderMismatchError, IndexError_, NoIndexError
from qa.store import builds, migrations, records
from qa.store.database import RESTORE, Database
from qa.store.lock import locked
from qa.store.manifest import NAME as MANIFEST
from qa.store.manifest import Identity

log = logging.getLogger(__name__)

DATABASE = "citeqa.sqlite"
IDENTITY = "_index"
"""The note of how a build was made."""


def open_database(path: Path, create: bool, identity: Identity | None) -> Database:
    """The database of one build, made where that is wanted. Raises NoIndexError, DamagedIndexError, FormatError."""
    file = path / DATABASE
    if not file.exists():
        _refuse_missing(path, create)
        _make_directory(path)
    read_only = not (os.access(path, os.W_OK) and (not file.exists() or os.access(file, os.W_OK)))
    database = Database(file, read_only=read_only, create=create)
    try:
        _bring_up_to_date(database, path, create, identity)
    except BaseException:
        database.close()
        raise
    return database


def open_existing(path: Path) -> Database:
    """The database of an index, whatever encoder it was made with. Raises NoIndexError, DamagedIndexError."""
    return open_build(builds.current(path))


def open_build(directory: Path) -> Database:
    """The same of one build, current or not."""
    if not (directory / DATABASE).exists():
        _refuse_missing(directory, create=False)
    return open_database(directory, create=False, identity=None)


def _refuse_missing(path: Path, create: bool) -> None:
    if (path / MANIFEST).exists():
        raise DamagedIndexError(
            f"{path / DATABASE} is missing, though derived files are there.",
            "Restore a backup: `qa restore FILE --force`; or delete the directory to begin anew.",
        )
    if not create:
        raise _no_index(path)


def _no_index(path: Path) -> NoIndexError:
    return NoIndexError(f"There is no index in {path}.", "Make one with `qa ingest PATH`, or set QA_INDEX_DIR.")


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IndexError_(
            f"{path} cannot be made: {error.strerror}.", "Choose another index directory.", code="index_read_only"
        ) from error


def _bring_up_to_date(database: Database, path: Path, create: bool, identity: Identity | None) -> None:
    """Make or upgrade the tables, where that is needed and wanted."""
    with database.reading() as connection:
        standing = migrations.standing(connection)
    if standing == migrations.HEAD:
        return
    if standing is None and not create:
        raise _no_index(path)
    with locked(path), database.writing() as connection:
        # Whoever had the lock before may have done it.
        standing = migrations.standing(connection)
        if standing is not None:
            migrations.upgrade(connection)
        elif identity is not None:
            migrations.create(connection)
            records.write_note(connection, IDENTITY, asdict(identity))


def read_identity(database: Database) -> Identity:
    """How the index was made. Raises DamagedIndexError where it does not say."""
    with database.reading() as connection:
        note = records.get_meta(connection, IDENTITY)
    try:
        return Identity(**note)
    except TypeError as error:
        raise DamagedIndexError(f"{database.path} does not say how it was made.", RESTORE) from error


def check_identity(identity: Identity, wanted: Identity) -> None:
    """Raises EncoderMismatchError where vectors of the two cannot be compared."""
    made = (identity.fingerprint, identity.dims, identity.codec)
    if made != (wanted.fingerprint, wanted.dims, wanted.codec):
        raise EncoderMismatchError(
            f"The index was made with another encoder ({identity.fingerprint[:60]}, {identity.dims} dimensions), "
            f"not with {wanted.fingerprint[:60]}, {wanted.dims} dimensions.",
            "Set QA_ENCODER to the encoder that made it, or encode everything anew with `qa doctor --reencode`.",
        )
    if identity.versions != wanted.versions:
        log.warning(
            "The index was made with %s, this is %s: run `qa doctor --reencode` to make them one.",
            identity.versions,
            wanted.versions,
        )
