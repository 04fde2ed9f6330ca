"""API keys, kept as hashes.

A key is ``citeqa_<id>_<secret>`` with 256 random bits in the secret. One round of SHA-256 is the right hash for it:
slow hashes make guessing *passwords* costly, and nobody guesses 256 random bits. Rows are never removed, so that the
first key closes the service for good to whoever has none, also after that key was revoked.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, Literal

import sqlalchemy as sa

from qa.errors import InputError, NotFoundError
from qa.store.database import Database
from qa.store.tables import keys

Right = Literal["read", "write", "admin"]

PREFIX: Final = "citeqa_"
MAX_LABEL: Final = 200
MAX_LIMITS: Final = 100
"""Collections, and origins, that one key may be limited to."""
MAX_DAYS: Final = 36_500
_NO_DIGEST: Final = "0" * 64
_MARKS: Final = ("created", "expires", "revoked", "used")


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key without its secret. Times are ISO, UTC, to the second. ``collections``: None means all."""

    id: str
    label: str
    scope: Right
    collections: tuple[str, ...] | None
    origins: tuple[str, ...]
    """Where not empty: web origins that alone may send it."""
    created: str
    expires: str | None = None
    revoked: str | None = None
    used: str | None = None

    def good(self, now: str) -> bool:
        """Neither revoked nor expired."""
        return self.revoked is None and (self.expires is None or now < self.expires)


class Keys:
    """The keys of an index. Every call reads or writes the database: other processes see it at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        label: str,
        scope: Right = "read",
        *,
        collections: Sequence[str] | None = None,
        origins: Sequence[str] = (),
        days: int | None = None,
    ) -> tuple[KeyInfo, str]:
        """A new key, and the token that is shown this once. Raises InputError."""
        _check(label, collections, origins, days)
        moment = datetime.now(UTC)
        expires = None if days is None else timestamp(moment + timedelta(days=days))
        limits = None if collections is None else tuple(dict.fromkeys(collections))
        made = KeyInfo(
            secrets.token_hex(6), label, scope, limits, tuple(dict.fromkeys(origins)), timestamp(moment), expires
        )
        token = f"{PREFIX}{made.id}_{secrets.token_urlsafe(32)}"
        values = {name: getattr(made, name) for name in ("id", "label", "scope", "created", "expires")}
        values |= {"digest": _digest(token), "collections": limits and list(limits), "origins": list(made.origins)}
        with self._database.writing() as connection:
            connection.execute(keys.insert().values(values))
        return made, token

    def list(self) -> list[KeyInfo]:
        """In the order in which they were made, the revoked ones among them."""
        with self._database.reading() as connection:
            found = connection.execute(sa.select(keys).order_by(keys.c.created, keys.c.id)).mappings().all()
        return [_info(row) for row in found]

    def revoke(self, identity: str) -> None:
        """Nobody gets in with it from now on. Raises NotFoundError."""
        values = {"revoked": timestamp(datetime.now(UTC))}
        with self._database.writing() as connection:
            change = sa.update(keys).where(keys.c.id == identity, keys.c.revoked.is_(None)).values(values)
            if connection.execute(change).rowcount == 0:
                raise NotFoundError(f"There is no key {identity[:80]!r} to revoke.", "`qa keys list` shows them.")

    def find(self, token: str) -> KeyInfo | None:
        """The key of a token, if it is the right one; it may be revoked or expired."""
        identity = token.removeprefix(PREFIX).partition("_")[0]
        if not identity.isalnum() or not token.isascii():
            return None
        with self._database.reading() as connection:
            row = connection.execute(sa.select(keys).where(keys.c.id == identity)).mappings().first()
        kept = _NO_DIGEST if row is None else str(row["digest"])
        return _info(row) if hmac.compare_digest(kept, _digest(token)) and row is not None else None

    def any(self) -> bool:
        """Whether a key was ever made."""
        with self._database.reading() as connection:
            return connection.execute(sa.select(keys.c.id).limit(1)).first() is not None

    def origins(self) -> frozenset[str]:
        """The web origins of all good keys."""
        now = timestamp(datetime.now(UTC))
        return frozenset(origin for key in self.list() if key.good(now) for origin in key.origins)

    def note_used(self, used: Mapping[str, str]) -> None:
        """Keep when keys (by id) were last used."""
        with self._database.writing() as connection:
            for identity, moment in used.items():
                connection.execute(sa.update(keys).where(keys.c.id == identity).values({"used": moment}))


def timestamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _digest(token: str) -> str:
    return sha256(token.encode("ascii")).hexdigest()


def _info(row: sa.RowMapping) -> KeyInfo:
    limits = row["collections"]
    return KeyInfo(
        id=row["id"],
        label=row["label"],
        scope=row["scope"],
        collections=None if limits is None else tuple(limits),
        origins=tuple(row["origins"]),
        **{name: row[name] for name in _MARKS},
    )


def _check(label: str, collections: Sequence[str] | None, origins: Sequence[str], days: int | None) -> None:
    if not label.strip() or len(label) > MAX_LABEL or not label.isprintable():
        raise InputError(f"A label has 1 to {MAX_LABEL} characters that can be shown.", "Say who will use the key.")
    if max(len(collections or ()), len(origins)) > MAX_LIMITS:
        raise InputError(f"A key can be limited to {MAX_LIMITS} of a kind.", "Make several keys.")
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise InputError(f"{days} days is not a time that a key can last.", f"Say 1 to {MAX_DAYS}, or nothing.")
