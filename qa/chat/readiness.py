"""Whether each platform is set up, and what it lacks. Names of settings are told, never their values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from qa.chat.platforms import Platform, platforms
from qa.chat.settings import read
from qa.config import Settings
from qa.errors import CiteqaError, ConfigError
from qa.messages import say

State = Literal["off", "incomplete", "ready"]


@dataclass(frozen=True, slots=True)
class Readiness:
    """``problems``: what keeps it from answering; ``notes``: what it does without."""

    platform: str
    state: State
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def readiness(settings: Settings) -> list[Readiness]:
    """Every platform, in the order they are listed to people."""
    return [_one(platform, settings) for platform in platforms()]


def _one(platform: Platform[Any], settings: Settings) -> Readiness:
    try:
        chosen = read(platform.settings)
    except ConfigError as error:
        return Readiness(platform.name, "incomplete", (error.message,))
    if not platform.wanted(chosen):
        return Readiness(platform.name, "off")
    problems = [say("chat.missing", name=name) for name in platform.missing(chosen)]
    if absent := platform.absent():
        problems.append(say("chat.absent", names=", ".join(absent), extra=platform.extra))
    collections = _collections(settings)
    if collections is None:
        problems.append(say("chat.no_index"))
    elif chosen.collection not in collections:
        problems.append(say("chat.collection", name=platform.variable("collection"), collection=chosen.collection))
    notes = () if settings.public_url else (say("chat.public_url"),)
    return Readiness(platform.name, "incomplete" if problems else "ready", tuple(problems), notes)


def _collections(settings: Settings) -> Collection[str] | None:
    """The collections of the index, None where there is none to be read."""
    from qa.store import records
    from qa.store.location import location
    from qa.store.opening import open_existing

    try:
        database = open_existing(location(settings))
    except CiteqaError:
        return None
    try:
        with database.reading() as connection:
            return {info.name for info in records.list_collections(connection)}
    finally:
        database.close()
