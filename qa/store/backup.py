"""Backups: one file that holds all that cannot be rebuilt, and making an index from it.

A backup is a ZIP archive of ``backup.json`` (format, counts, and for every other member its size and SHA-256), the
database as of one moment, and the uploads that were accepted and not ingested yet. Derived files are made anew from
the database. Everything acknowledged before the backup began is in it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from qa.errors import CiteqaError, ConflictError, DamagedIndexError, FormatError, IndexError_, InputError
from qa.store import builds, migrations, records
from qa.store.check import check, repair
from qa.store.opening import DATABASE, open_build, open_existing
from qa.store.segment import FileEntry, hash_file, sync_directory

FORMAT = 1
CONTENTS = "backup.json"
UPLOADS = "uploads"
_CHUNK = 1 << 20
_MOST_CONTENTS = 10_000_000
_MOST_FILES = 100_000


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds. ``created``: ISO, UTC; ``bytes``: of the backup file."""

    created: str
    collections: int
    documents: int
    passages: int
    bytes: int
    files: dict[str, FileEntry]


def write_backup(root: Path, file: Path) -> Backup:
    """Back up the index in ``root``, which may be in use, to ``file``; on disk, and read back, when it returns.

    ``file`` appears complete or not at all. Raises NoIndexError, DamagedIndexError where what is in the index does not
    agree with its checksums, IndexError_ (``code="disk"``), ConflictError where another backup to it is being made.
    """
    try:
        with _staging(file) as staged:
            _stage_uploads(root, staged)
            _copy_database(root, staged / DATABASE)
            _stage_uploads(root, staged)
            _refuse_damaged(staged)
            backup = _described(staged)
            fresh = staged / "archive"
            _pack(staged, backup, fresh)
            verify(fresh)
            os.replace(fresh, file)
            sync_directory(file.parent)
    except OSError as error:
        raise _disk(error, file) from error
    return _sized(backup, file)


@contextmanager
def _staging(file: Path) -> Iterator[Path]:
    """A directory beside the file, for one backup at a time; what an interrupted one left in it is removed."""
    path = file.with_name(f".{file.name}.partial")
    path.mkdir(exist_ok=True)
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _empty(path)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
    except BlockingIOError as error:
        raise ConflictError(f"Another backup to {file} is being made.", "Wait until it is done.") from error
    finally:
        os.close(handle)


def _empty(directory: Path) -> None:
    for path in directory.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _stage_uploads(root: Path, staged: Path) -> None:
    """Copy the batches that wait. Called before and after the database is copied: a batch that is gone by the time it
    is copied was ingested, and is in the database copied after that."""
    for batch in _batches(root / UPLOADS):
        target = staged / UPLOADS / batch.name
        if not target.exists():
            try:
                shutil.copytree(batch, target)
            except (FileNotFoundError, shutil.Error):
                shutil.rmtree(target, ignore_errors=True)
                if batch.exists():
                    raise


def _batches(uploads: Path) -> list[Path]:
    if not uploads.is_dir():
        return []
    return sorted(path for path in uploads.iterdir() if path.is_dir() and not path.name.startswith("."))


def _copy_database(root: Path, target: Path) -> None:
    """One state of the database, in one read transaction: writers go on meanwhile."""
    source = open_existing(root)
    try:
        with source.reading() as connection, closing(sqlite3.connect(target)) as writing:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            raw.backup(writing)
    finally:
        source.close()


def _refuse_damaged(staged: Path) -> None:
    """A backup of what is damaged would be found out when it is needed."""
    damaged = [problem for problem in check(staged) if not problem.repairable]
    if damaged:
        raise DamagedIndexError(
            f"No backup was made: {damaged[0].where}: {damaged[0].message}",
            "`qa doctor` names all that is damaged; ingest those documents again, or restore an earlier backup.",
        )


def _described(staged: Path) -> Backup:
    database = open_build(staged)
    try:
        with database.reading() as connection:
            infos = records.list_collections(connection)
    finally:
        database.close()
    _to_one_file(staged / DATABASE)
    files = {name: FileEntry(path.stat().st_size, hash_file(path)) for name, path in _members(staged)}
    counts = (len(infos), sum(info.documents for info in infos), sum(info.passages for info in infos))
    return Backup(records.now(), *counts, bytes=0, files=files)


def _to_one_file(database: Path) -> None:
    """Without a log beside it."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")


def _members(staged: Path) -> Iterator[tuple[str, Path]]:
    yield DATABASE, staged / DATABASE
    for batch in _batches(staged / UPLOADS):
        for path in sorted(batch.iterdir()):
            yield f"{UPLOADS}/{batch.name}/{path.name}", path


def _pack(staged: Path, backup: Backup, target: Path) -> None:
    body = {"format": FORMAT, "schema": migrations.HEAD} | asdict(backup)
    with target.open("wb") as raw:
        with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(CONTENTS, json.dumps(body, ensure_ascii=False, indent=1))
            for name in backup.files:
                archive.write(staged / name, name)
        raw.flush()
        os.fsync(raw.fileno())


def verify(file: Path) -> None:
    """Read a backup through. Raises DamagedIndexError, FormatError, InputError where there is none."""
    with _opened(file) as archive:
        for name, entry in read_contents(archive, file).files.items():
            with archive.open(name) as member:
                _compare(member, entry, f"{file}: {name}")


def read_contents(archive: zipfile.ZipFile, file: Path) -> Backup:
    """What an archive says it holds. Raises DamagedIndexError, FormatError."""
    try:
        with archive.open(CONTENTS) as member:
            body: dict[str, Any] = json.loads(member.read(_MOST_CONTENTS))
        made, schema = body.pop("format"), body.pop("schema")
        if made != FORMAT or not isinstance(schema, str):
            raise FormatError(f"{file} is a backup of format {made}.", "Install a newer citeqa.")
        backup = Backup(**body | {"files": {name: FileEntry(**entry) for name, entry in body["files"].items()}})
    except (KeyError, ValueError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise _damaged(file, f"its list of contents cannot be read ({type(error).__name__})") from error
    strange = [name for name in backup.files if name != DATABASE and not _is_upload(name)]
    if strange or DATABASE not in backup.files or len(backup.files) > _MOST_FILES:
        raise _damaged(file, f"it lists {strange[0][:80]!r}" if strange else "it lists no database")
    return backup


def _is_upload(name: str) -> bool:
    """``uploads/<job>/<file>``, nothing that leads elsewhere."""
    parts = name.split("/")
    plain = all(part.replace(".", "").isalnum() and part.isascii() and not part.startswith(".") for part in parts)
    return len(parts) == 3 and parts[0] == UPLOADS and plain


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except FileNotFoundError as error:
        raise InputError(f"There is no file {file}.", "Name a file that `qa backup` wrote.") from error
    except zipfile.BadZipFile as error:
        raise _damaged(file, "it is no backup, or cut short") from error
    except (zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _damaged(file, str(error) or type(error).__name__) from error


def _compare(member: IO[bytes], entry: FileEntry, what: str, target: IO[bytes] | None = None) -> None:
    """Read a member to its end and no further than it should be. Raises DamagedIndexError where it is another."""
    digest, left = sha256(), entry.bytes
    while left >= 0 and (data := member.read(min(_CHUNK, left + 1))):
        left -= len(data)
        digest.update(data)
        if target is not None:
            target.write(data)
    if left != 0 or digest.hexdigest() != entry.sha256:
        raise DamagedIndexError(f"{what} is not what was written.", "Use another backup.")


def restore_backup(file: Path, root: Path, *, force: bool = False) -> Backup:
    """Make the index in ``root`` from a backup. Nothing becomes visible before all of it is there and sound.

    Raises ConflictError where there is an index already and not ``force``; with it the index that was there is kept
    for ``qa doctor --rollback``. Raises InputError, DamagedIndexError or FormatError for the file, IndexError_.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        _refuse_existing(root, force)
        with _opened(file) as archive, builds.rebuilding(root):
            backup = read_contents(archive, file)
            _refuse_existing(root, force)
            build = builds.new_build(root)
            try:
                _unpack(archive, file, backup, build)
                _complete(build, file)
                builds.adopt(root, build, "restore")
            except BaseException:
                builds.remove_abandoned(root)
                raise
            _return_uploads(build, root)
    except OSError as error:
        raise _disk(error, root) from error
    return _sized(backup, file)


def _refuse_existing(root: Path, force: bool) -> None:
    if not force and ((root / builds.CURRENT).exists() or (root / DATABASE).exists()):
        raise ConflictError(f"There is an index in {root}.", "Name another with QA_INDEX_DIR, or add --force.")


def _unpack(archive: zipfile.ZipFile, file: Path, backup: Backup, build: Path) -> None:
    for name, entry in backup.files.items():
        path = build / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with archive.open(name) as member, path.open("wb") as target:
                _compare(member, entry, f"{file}: {name}", target)
                target.flush()
                os.fsync(target.fileno())
        except KeyError as error:
            raise _damaged(file, f"{name} is missing") from error
        sync_directory(path.parent)


def _complete(build: Path, file: Path) -> None:
    """Bring the tables up to date, make the derived files, and look at all of it."""
    open_build(build).close()
    repair(build)
    if left := check(build):
        raise _damaged(file, f"{left[0].where}: {left[0].message}")


def _return_uploads(build: Path, root: Path) -> None:
    """Batches that waited wait again, those that wait here already excepted."""
    for batch in _batches(build / UPLOADS):
        target = root / UPLOADS / batch.name
        if not target.exists():
            target.parent.mkdir(exist_ok=True)
            batch.rename(target)
            sync_directory(target.parent)
    shutil.rmtree(build / UPLOADS, ignore_errors=True)


def _sized(backup: Backup, file: Path) -> Backup:
    return Backup(**{**{name: getattr(backup, name) for name in Backup.__slots__}, "bytes": file.stat().st_size})


def _damaged(file: Path, why: str) -> CiteqaError:
    return DamagedIndexError(f"{file} cannot be used: {why}.", "Use another backup.")


def _disk(error: OSError, path: Path) -> IndexError_:
    return IndexError_(
        f"{path} could not be written or read: {error.strerror or error}.",
        "Free disk space, or check the path and its permissions; the index is as it was.",
        code="disk",
    )
