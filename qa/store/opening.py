"""Opening the database of an index: finding its build, making or upgrading its tables, knowing its encoder.

An index has its records in its directory (SQLite) or in a PostgreSQL database: ``Location`` says which.
"""

from __future__ import annotations

import logging
import os
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import sqlalchemy as sa
from pydantic import SecretStr

from qa.errors import DamagedIndexError, EncoderMismatchError, IndexError_, NoIndexError
from qa.store import builds, migrations, records, schemas
from qa.store.database import RESTORE, Database, SqliteDatabase
from qa.store.location import Build, Location, at
from qa.store.lock import locked
from qa.store.manifest import NAME as MANIFEST
from qa.store.manifest import Identity

log = logging.getLogger(__name__)

DATABASE = "citeqa.sqlite"
IDENTITY = "_index"
"""The note of how a build was made."""


def open_index(where: Location, wanted: Identity, create: bool) -> tuple[Build, Database, Identity]:
    """The current build of an index, its database, and how it was made; made as is ``wanted`` where there is none and
    ``create``.

    Raises NoIndexError, EncoderMismatchError, DamagedIndexError, FormatError, IndexError_; BusyError where PostgreSQL
    cannot be reached.
    """
    build, database = _opened(where, wanted, create)
    try:
        identity = read_identity(database)
        check_identity(identity, wanted)
    except BaseException:
        database.close()
        raise
    return build, database, identity


def _opened(where: Location, identity: Identity, create: bool) -> tuple[Build, Database]:
    if where.url is None:
        build = Build(builds.current(where.root))
        return build, _open_file(build.directory, create, identity)
    build = (
        _beside(where, identity) or _shared_build(where.root, where.url) or _made(where, where.url, identity, create)
    )
    _make_directory(build.directory)
    return build, open_build(build)


def open_existing(where: Path | Location) -> Database:
    """The database of an index, whatever encoder it was made with. Raises NoIndexError, DamagedIndexError."""
    return open_build(current_build(where))


def current_build(where: Path | Location) -> Build:
    """Raises NoIndexError where a shared database holds none, DamagedIndexError."""
    location = at(where)
    if location.url is None:
        return Build(builds.current(location.root))
    build = _shared_build(location.root, location.url)
    if build is None:
        raise _nothing_shared()
    return build


def open_build(build: Path | Build) -> Database:
    """The same of one build, current or not."""
    if isinstance(build, Build) and build.url is not None:
        return _open_schema(build.url, build.schema)
    directory = build.directory if isinstance(build, Build) else build
    if not (directory / DATABASE).exists():
        _refuse_missing(directory, create=False)
    return _open_file(directory, create=False, identity=None)


def is_current(build: Build, root: Path, connection: sa.Connection) -> bool:
    """Whether a build still is what the index consists of; ``connection``: to its database."""
    if build.url is not None:
        return schemas.current(connection) == build.schema
    return builds.current(root) == build.directory


def _beside(where: Location, identity: Identity) -> Build | None:
    """The build that is made beside the current one, if that is meant; its schema is filled when it is new."""
    from qa.store.postgres import PostgresDatabase

    if where.url is None or not where.schema:
        return None
    with closing(PostgresDatabase(where.url, where.schema)) as database, database.exclusive() as connection:
        if migrations.standing(connection) is None:
            _fill(connection, identity)
    return Build.shared(where.root, where.url, where.schema)


def _shared_build(root: Path, url: SecretStr) -> Build | None:
    from qa.store.postgres import connected

    with connected(url) as connection:
        place = schemas.read_place(connection)
    return None if place is None else Build.shared(root, url, place.build)


def _made(where: Location, url: SecretStr, identity: Identity, create: bool) -> Build:
    """The first build of a shared database; somebody else may have made it meanwhile."""
    from qa.store.postgres import connected

    if not create:
        raise _nothing_shared()
    with connected(url) as connection:
        schemas.prepare(connection)
        place = schemas.read_place(connection)
        if place is None:
            place = schemas.Place(schemas.new_schema(connection))
            _fill(connection, identity)
            schemas.switch(connection, place)
    return Build.shared(where.root, url, place.build)


def _nothing_shared() -> NoIndexError:
    return NoIndexError(
        "There is no index in the database that QA_DATABASE_URL names.",
        "Make one with `qa ingest PATH`, or move one there with `qa migrate`.",
    )


def _fill(connection: sa.Connection, identity: Identity) -> None:
    migrations.create(connection)
    records.write_note(connection, IDENTITY, asdict(identity))


def _open_schema(url: SecretStr, schema: str) -> Database:
    from qa.store.postgres import PostgresDatabase

    database = PostgresDatabase(url, schema)
    try:
        with database.reading() as connection:
            standing = migrations.standing(connection)
        if standing != migrations.HEAD:
            with database.exclusive() as connection:
                migrations.upgrade(connection)
    except BaseException:
        database.close()
        raise
    return database


def _open_file(path: Path, create: bool, identity: Identity | None) -> Database:
    """The SQLite database of one build, made where that is wanted."""
    file = path / DATABASE
    if not file.exists():
        _refuse_missing(path, create)
        _make_directory(path)
    read_only = not (os.access(path, os.W_OK) and (not file.exists() or os.access(file, os.W_OK)))
    database = SqliteDatabase(file, read_only=read_only, create=create)
    try:
        _bring_up_to_date(database, path, create, identity)
    except BaseException:
        database.close()
        raise
    return database


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
            _fill(connection, identity)


def read_identity(database: Database) -> Identity:
    """How the index was made. Raises DamagedIndexError where it does not say."""
    with database.reading() as connection:
        note = records.get_meta(connection, IDENTITY)
    try:
        return Identity(**note)
    except TypeError as error:
        raise DamagedIndexError(f"{database.name} does not say how it was made.", RESTORE) from error


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
