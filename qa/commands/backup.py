"""`qa backup` and `qa restore`: neither needs the encoder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qa.commands.output import json, note, out
from qa.config import settings as read_settings
from qa.messages import say

if TYPE_CHECKING:
    from qa.store.backup import Backup


def backup(file: str, as_json: bool) -> None:
    """Raises what :func:`qa.store.backup.write_backup` raises."""
    from qa.store.backup import write_backup
    from qa.store.location import own_directory

    root = own_directory(
        read_settings(), 'Use PostgreSQL\'s own: pg_dump --format=custom --file FILE "$QA_DATABASE_URL".'
    )
    _tell("backup.done", file, as_json, write_backup(root, Path(file)))


def restore(file: str, force: bool, as_json: bool) -> None:
    """Raises what :func:`qa.store.backup.restore_backup` raises."""
    from qa.store.backup import restore_backup
    from qa.store.builds import previous
    from qa.store.location import own_directory

    root = own_directory(read_settings(), 'Use PostgreSQL\'s own: pg_restore --dbname "$QA_DATABASE_URL" FILE.')
    _tell("restore.done", file, as_json, restore_backup(Path(file), root, force=force))
    if previous(root) is not None:
        note(say("restore.kept"))


def _tell(message: str, file: str, as_json: bool, made: Backup) -> None:
    counts: dict[str, object] = {
        name: getattr(made, name) for name in ("collections", "documents", "passages", "bytes")
    }
    if as_json:
        files = {name: {"bytes": entry.bytes, "sha256": entry.sha256} for name, entry in made.files.items()}
        json({"file": file, "created": made.created} | counts | {"files": files})
        return
    index = read_settings().index_dir
    out(say(message, file=file, index=index, size=made.bytes / 1e6, **counts))
