"""Jobs as earlier versions kept them, taken into the queue: notes, and uploads in a directory of the index.

    <index>/uploads/<job id>/request.json   what was sent, and where its bytes are
    <index>/uploads/<job id>/0, 1, …        the bytes of uploaded files

Each is removed from its old place when it is in the new one; what is interrupted in between is done again.
"""

from __future__ import annotations

import json
import logging
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from qa.store import records
from qa.store.database import Database
from qa.store.jobs import Batch, Job, Queue, insert, is_known, new_job, read_batch
from qa.store.lock import locked
from qa.store.tables import meta

UPLOADS: Final = "uploads"
_LIST: Final = "jobs"
_NOTE: Final = "job."
_REQUEST: Final = "request.json"

log = logging.getLogger(__name__)


def take_in(database: Database, queue: Queue, root: Path) -> None:
    """Nothing is done where nothing is left of an earlier version. Raises ConflictError, IndexError_."""
    if not _notes(database) and not _folders(root):
        return
    with locked(root, "uploads.lock"):
        for folder in _folders(root):
            _take_batch(database, queue, folder)
        _take_notes(database)
    if not _folders(root):
        shutil.rmtree(root / UPLOADS, ignore_errors=True)


def _folders(root: Path) -> list[Path]:
    """Of batches, the oldest first; what an interrupted request left half written was never acknowledged."""
    directory = root / UPLOADS
    if not directory.is_dir():
        return []
    found = [path for path in directory.iterdir() if (path / _REQUEST).is_file() and not path.name.startswith(".")]
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def _take_batch(database: Database, queue: Queue, folder: Path) -> None:
    batch = _batch(folder)
    if batch is not None and queue.find(folder.name) is None:
        job = _noted(database, folder.name) or new_job(folder.name, batch)
        if job.state in ("queued", "running"):
            _put(queue, folder, job, batch)
    shutil.rmtree(folder, ignore_errors=True)


def _batch(folder: Path) -> Batch | None:
    try:
        return read_batch(json.loads((folder / _REQUEST).read_bytes()))
    except (ValueError, KeyError, TypeError) as error:
        log.warning("%s is damaged, its job is given up: %s", folder, error)
        return None


def _put(queue: Queue, folder: Path, job: Job, batch: Batch) -> None:
    named = [item.file for item in batch.items if item.file is not None]
    with ExitStack() as opened:
        queue.keep(job, batch, [opened.enter_context((folder / name).open("rb")) for name in named])


def _notes(database: Database) -> list[str]:
    found = sa.select(meta.c.key).where(meta.c.key.like(f"{_NOTE}%") | (meta.c.key == _LIST))
    with database.reading() as connection:
        return list(connection.scalars(found))


def _noted(database: Database, identity: str) -> Job | None:
    with database.reading() as connection:
        return _job(records.get_meta(connection, f"{_NOTE}{identity}"))


def _job(note: Any) -> Job | None:
    return None if note is None else Job(**(note | {"items": tuple(note["items"])}))


def _take_notes(database: Database) -> None:
    """The jobs that have ended, in one transaction. The others are in the queue, or nothing is left of their bytes."""
    keys = _notes(database)
    with database.writing() as connection:
        noted = [_job(records.get_meta(connection, key)) for key in keys if key != _LIST]
        for job in sorted((job for job in noted if job is not None), key=lambda job: job.created):
            if job.state in ("done", "failed") and not is_known(connection, job.id):
                insert(connection, job, job.state, None)
        for key in keys:
            records.write_note(connection, key, None)
