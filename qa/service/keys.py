"""Who sends a request, found out from its key; and what is allowed without one."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime
from typing import Final

import anyio
from anyio import CapacityLimiter
from starlette.datastructures import Headers
from starlette.types import Scope

from qa.config import Settings
from qa.errors import CiteqaError, UnauthorizedError
from qa.service.access import NOBODY, OWNER, RIGHTS, Caller
from qa.service.errors import ForeignOriginError
from qa.service.hosts import is_loopback
from qa.store.database import Database
from qa.store.keys import PREFIX, KeyInfo, Keys, Right, timestamp
from qa.store.opening import open_build
from qa.store.record_store import RecordStore

THREADS: Final = 4
NOTE_SECONDS: Final = 60.0
"""Least time between two notes of when keys were last used."""

_log = logging.getLogger(__name__)


class Keyring:
    """The keys of the build that is current: there they are revoked, also while a service reads an earlier build."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._build, self._keys = store.build, store.keys
        self._opened: Database | None = None

    @property
    def keys(self) -> Keys:
        build = self._store.current_build()
        with self._lock:
            if build != self._build:
                self.close()
                self._opened = open_build(build)
                self._build, self._keys = build, Keys(self._opened)
            return self._keys

    def origins(self) -> frozenset[str]:
        return self.keys.origins()

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()


class Gate:
    """Looks up each request's key anew, so that a key revoked by any process is refused from then on."""

    def __init__(self, keyring: Keyring, settings: Settings) -> None:
        self._keyring = keyring
        self._settings = settings
        self._threads = CapacityLimiter(THREADS)
        self._locked = False
        self._used: dict[str, str] = {}
        self._noted = time.monotonic()
        self._noting = threading.Lock()

    async def identify(self, scope: Scope, token: str | None) -> Caller:
        """Raises UnauthorizedError for a key that is not good, ForeignOriginError for one sent from another site."""
        origin = Headers(scope=scope).get("origin")
        return await anyio.to_thread.run_sync(self._caller, token, origin, limiter=self._threads)

    def _caller(self, token: str | None, origin: str | None) -> Caller:
        # Clients of OpenAI's protocol have to send some token where none is needed: it is not one of ours.
        if token is None or not token.startswith(PREFIX):
            return self._anonymous()
        key = self._keyring.keys.find(token)
        now = timestamp(datetime.now(UTC))
        if key is None or not key.good(now):
            raise UnauthorizedError("The key is not good: unknown, revoked or expired.", code="invalid_key")
        if key.origins and origin not in key.origins:
            raise ForeignOriginError("This key may be sent from some web pages only.", "Use it on those pages.")
        self._note(key.id, now)
        return caller(key)

    def _anonymous(self) -> Caller:
        if self._settings.anonymous != "auto":
            return Caller(scopes=rights(self._settings.anonymous))
        return OWNER if is_loopback(self._settings.host) and not self._closed() else NOBODY

    def _closed(self) -> bool:
        """Whether a key was ever made; once it was, that stays so."""
        self._locked = self._locked or self._keyring.keys.any()
        return self._locked

    def close(self) -> None:
        self.write_notes()
        self._keyring.close()

    def _note(self, identity: str, now: str) -> None:
        self._used[identity] = now
        if time.monotonic() - self._noted >= NOTE_SECONDS:
            threading.Thread(target=self.write_notes, name="qa-keys", daemon=True).start()

    def write_notes(self) -> None:
        """Write when keys were last used: seldom, and not in the way of any request."""
        if not self._noting.acquire(blocking=False):
            return
        try:
            self._noted = time.monotonic()
            used, self._used = self._used, {}
            if used:
                self._keyring.keys.note_used(used)
        except CiteqaError as error:
            _log.warning("when keys were last used cannot be noted: %s", error.message)
        finally:
            self._noting.release()


def rights(highest: str) -> frozenset[Right]:
    """A right and those that it includes; none for a word that is not a right."""
    return frozenset(RIGHTS[: RIGHTS.index(highest) + 1]) if highest in RIGHTS else frozenset()


def caller(key: KeyInfo) -> Caller:
    limits = None if key.collections is None else frozenset(key.collections)
    return Caller(key.id, key.label, rights(key.scope), limits)
