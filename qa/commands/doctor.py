"""`qa doctor`: needs no encoder, and works on an index that cannot be opened."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from qa.commands.output import json, note, out
from qa.config import Settings
from qa.config import settings as read_settings
from qa.messages import say

if TYPE_CHECKING:
    from qa.store.milvus.place import Place


def reencode() -> int:
    from qa.commands import reencode as command

    return command.reencode(read_settings())


def rollback(yes: bool) -> int:
    from qa.commands import reencode as command

    return command.rollback(read_settings(), yes)


def drop_previous() -> int:
    from qa.commands import reencode as command

    return command.drop_previous(read_settings())


def doctor(repair: bool, as_json: bool) -> int:
    """Exit code 1 while something is wrong."""
    from qa.store.check import check
    from qa.store.check import repair as mend
    from qa.store.location import location

    settings = read_settings()
    where, place = location(settings), _milvus(settings) if settings.store == "milvus" else None
    found = check(where, place)
    left = mend(where, place) if repair else found
    if as_json:
        json({"found": [asdict(one) for one in found], "left": [asdict(one) for one in left]})
        return bool(left)
    for one in left:
        out(f"- {one.where}: {one.message}")
    if repair and len(left) < len(found):
        out(say("doctor.repaired", count=len(found) - len(left)))
    out(say("doctor.problems", count=len(left)) if left else say("doctor.clean"))
    if not repair and any(one.repairable for one in left):
        note(say("doctor.hint"))
    return bool(left)


def _milvus(settings: Settings) -> Place:
    from qa.store.milvus.place import place_from

    return place_from(settings)


def chat(as_json: bool) -> int:
    """Exit code 1 while a platform that somebody began to set up lacks something."""
    from qa.chat.readiness import readiness

    found = readiness(read_settings())
    if as_json:
        json({"platforms": [asdict(one) for one in found]})
    else:
        for one in found:
            out(f"{one.platform}: {say(f'chat.{one.state}')}")
            for line in (*one.problems, *one.notes):
                out(f"  - {line}")
    return int(any(one.state == "incomplete" for one in found))
