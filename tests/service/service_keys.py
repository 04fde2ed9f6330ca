"""A service with two keys, for the tests of its doors: one for everything, one for the collection ``mine`` alone."""

from __future__ import annotations

from starlette.types import Scope

from qa.errors import UnauthorizedError
from qa.service.access import NOBODY, OWNER, Caller

ALL, MINE = "key-for-all", "key-for-mine"
_READER = Caller("k1", "reader", frozenset({"read"}), frozenset({"mine"}))


async def identify(_scope: Scope, token: str | None) -> Caller:
    if token is None:
        return NOBODY
    if token not in (ALL, MINE):
        raise UnauthorizedError("This key is not good.", "Use another.")
    return OWNER if token == ALL else _READER


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
