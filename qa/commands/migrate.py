"""`qa migrate`: the same index on another store or in another database, without encoding anything again."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr

from qa.commands.output import encoder_note, json, note, out, warn
from qa.config import Settings, changed
from qa.config import settings as read_settings
from qa.errors import InputError
from qa.messages import say

if TYPE_CHECKING:
    from qa.evaluate.agreement import Agreement
    from qa.store.migrate import Moved

ENOUGH: Final = 0.95
"""The part of the searches that have to agree."""
_IN_DIRECTORY: Final = "sqlite"


def migrate(to: str, database_url: str, index_dir: str, force: bool, as_json: bool) -> int:
    """Exit code 1 where searches of the two do not agree. Raises what :func:`qa.store.migrate.migrate` raises."""
    began, chosen = perf_counter(), read_settings()
    target = _target(chosen, to, database_url, index_dir)
    moved = None if _is_same_place(chosen, target) else _moved(chosen, target, force)
    agreed = _derived(chosen, target)
    _tell(target, moved, agreed, perf_counter() - began, as_json)
    return int(agreed.agreed < ENOUGH * agreed.asked)


def _database(named: str, now: SecretStr) -> SecretStr:
    """``-``: from standard input, so that a password is in no list of processes."""
    if named == "-":
        return SecretStr(sys.stdin.readline().strip())
    return SecretStr("" if named == _IN_DIRECTORY else named) if named else now


def _target(chosen: Settings, to: str, database_url: str, index_dir: str) -> Settings:
    """Raises ConfigError, InputError where nothing would be moved."""
    place = Path(index_dir) if index_dir else chosen.index_dir
    target = changed(chosen, store=to, database_url=_database(database_url, chosen.database_url), index_dir=place)
    if target.store == chosen.store and _is_same_place(chosen, target):
        raise InputError(say("migrate.same"), say("migrate.same.hint"))
    return target


def _is_same_place(one: Settings, other: Settings) -> bool:
    if one.database_url.get_secret_value() or other.database_url.get_secret_value():
        return one.database_url == other.database_url
    return one.index_dir.absolute() == other.index_dir.absolute()


def _moved(chosen: Settings, target: Settings, force: bool) -> Moved:
    from qa.store.location import location
    from qa.store.migrate import migrate as move
    from qa.store.opening import open_existing

    def told(table: str, done: int, total: int) -> None:
        if done == total:
            note(say("migrate.copied", table=table, rows=total))

    with closing(open_existing(location(chosen))) as source:
        return move(source, location(target), force=force, told=told)


def _derived(chosen: Settings, target: Settings) -> Agreement:
    """Have the target make what it searches, and compare."""
    from qa.evaluate.agreement import agreement
    from qa.index import Index

    with (
        Index.open(settings=chosen, create=False, progress=encoder_note) as before,
        Index.open(settings=target, create=False) as after,
    ):
        after.repair()
        for collection in after.collections():
            after.store.publish(collection.name)
        note(say("migrate.comparing"))
        return agreement(before, after)


def _tell(target: Settings, moved: Moved | None, agreed: Agreement, seconds: float, as_json: bool) -> None:
    if as_json:
        records: dict[str, Any] | None = None if moved is None else asdict(moved)
        json({"to": target.store, "records": records, "searches": asdict(agreed), "seconds": round(seconds, 1)})
        return
    if moved is not None:
        rows = sum(table.rows for table in moved.tables.values())
        out(say("migrate.records", tables=len(moved.tables), rows=rows, resumed=moved.resumed))
    counts = {"agreed": agreed.agreed, "asked": agreed.asked, "difference": agreed.difference}
    out(say("migrate.searches", **counts))
    for question in agreed.apart:
        warn(say("migrate.apart", question=question))
    out(say("migrate.use", store=target.store, index=target.index_dir))
