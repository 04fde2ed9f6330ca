"""`qa keys`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from qa.commands.output import cell, json, note, opened, out, show, table, typed
from qa.config import settings as read_settings
from qa.errors import NoIndexError
from qa.messages import say
from qa.service.hosts import check_origin
from qa.service.shape import Json
from qa.store.keys import KeyInfo, Keys, Right
from qa.store.location import location
from qa.store.opening import open_existing


@contextmanager
def _keys(*, create: bool = False) -> Iterator[Keys]:
    """The keys of the index; the encoder is not needed, unless the index has to be made first."""
    try:
        database = open_existing(location(read_settings()))
    except NoIndexError:
        if not create:
            raise
        with opened(create=True) as index:
            yield index.store.keys
        return
    with closing(database):
        yield Keys(database)


def create(
    label: str, scope: Right, collections: list[str], origins: list[str], days: int | None, as_json: bool
) -> None:
    for origin in origins:
        check_origin(origin)
    limits = [typed(name) for name in collections] or None
    with _keys(create=True) as keys:
        made, token = keys.create(typed(label), scope, collections=limits, origins=origins, days=days)
    if as_json:
        json(_json(made) | {"key": token})
        return
    note(say("keys.once"))
    out(token)


def list_keys(as_json: bool) -> None:
    with _keys() as keys:
        found = keys.list()
    if as_json:
        json({"keys": [_json(key) for key in found]})
    elif not found:
        out(say("keys.none"))
    else:
        _print(found)


def _print(found: list[KeyInfo]) -> None:
    made = table("id", "label", "scope", "collections", "origins", "created", "expires", "revoked", "used")
    for key in found:
        limits = say("keys.all") if key.collections is None else " ".join(key.collections)
        times = (key.created, key.expires, key.revoked, key.used)
        made.add_row(*map(cell, (key.id, key.label, key.scope, limits, " ".join(key.origins), *times)))
    show(made)


def revoke(identity: str) -> None:
    with _keys() as keys:
        keys.revoke(identity)
    out(say("keys.revoked", id=identity))


def _json(key: KeyInfo) -> Json:
    return {
        "id": key.id,
        "label": key.label,
        "scope": key.scope,
        "collections": None if key.collections is None else list(key.collections),
        "origins": list(key.origins),
        "created": key.created,
        "expires": key.expires,
        "revoked": key.revoked,
        "used": key.used,
    }
