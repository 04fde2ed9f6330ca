"""Reading what a platform sent: JSON of a foreign shape, checked field by field."""

from __future__ import annotations

import json
from typing import Final

import httpx

from qa.errors import InputError

Json = dict[str, object]

_HINT: Final = "Send it as the platform does."


def read(raw: bytes | str) -> Json:
    """A JSON object. Raises InputError for anything else, however deeply nested."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise InputError("The body is not JSON.", _HINT) from None
    if not isinstance(found, dict):
        raise InputError("The body is not a JSON object.", _HINT)
    return found


def inner(found: Json, *path: str) -> Json:
    """The object at ``path``, empty where there is none."""
    for name in path:
        below = found.get(name)
        found = below if isinstance(below, dict) else {}
    return found


def items(found: Json, name: str) -> list[Json]:
    """The objects of a list, none where there is no list."""
    below = found.get(name)
    return [one for one in below if isinstance(one, dict)] if isinstance(below, list) else []


def text(found: Json, name: str) -> str:
    """A string, or a number as one; empty where there is neither."""
    below = found.get(name)
    if isinstance(below, str):
        return below
    return str(below) if isinstance(below, int) and not isinstance(below, bool) else ""


def code_of(answer: httpx.Response, name: str) -> str | None:
    """The code by which a vendor tells what it made of a request, whatever the status says; None where its server
    failed or said nothing readable, so that the status has to do."""
    if answer.is_server_error:
        return None
    try:
        return text(read(answer.content), name)
    except InputError:
        return None
