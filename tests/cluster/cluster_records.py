"""What clients saw, request by request, and what the services acknowledged."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from cluster_articles import Article

Kind = Literal["search", "ask", "ingest", "delete", "job"]
RIGHT: Final = "right"
WRONG: Final = "wrong"


@dataclass(frozen=True, slots=True)
class Seen:
    """One request. ``told``: RIGHT, WRONG, or how it failed. ``moment``: when it ended, on the monotonic clock."""

    moment: float
    kind: Kind
    told: str
    seconds: float
    passed_over: int
    """Services that took no connection, so that another was asked."""


class Records:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: list[Seen] = []

    def add(self, kind: Kind, told: str, began: float, passed_over: int = 0) -> None:
        moment = time.monotonic()
        with self._lock:
            self._seen.append(Seen(moment, kind, told, moment - began, passed_over))

    def since(self, moment: float) -> list[Seen]:
        with self._lock:
            return [seen for seen in self._seen if seen.moment >= moment]

    def settled(self, number: int, since: float) -> bool:
        """Whether the last ``number`` searches and answers are younger than ``since`` and all right."""
        asked = [seen for seen in self.since(since) if seen.kind in ("search", "ask")][-number:]
        return len(asked) == number and all(seen.told == RIGHT for seen in asked)


@dataclass
class Ledger:
    """Every article that was sent, where it stands. What was acknowledged must be so, from then on."""

    accepted: dict[str, list[Article]] = field(default_factory=dict)
    """By job: the service said that it will be there."""
    unclear: list[Article] = field(default_factory=list)
    """Sent, and the connection broke before an answer: it may be there or not, but not in part."""
    present: dict[str, Article] = field(default_factory=dict)
    """By document: the job was done."""
    leaving: dict[str, Article] = field(default_factory=dict)
    """A delete was sent and not acknowledged yet."""
    deleted: dict[str, Article] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    """By job that is done: how many processes took it up."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def done(self, job: str, added: Mapping[str, Article], attempts: int) -> None:
        with self.lock:
            del self.accepted[job]
            self.present |= added
            self.attempts[job] = attempts

    @contextmanager
    def deleting(self, document: str) -> Iterator[None]:
        """Ends when the delete is acknowledged."""
        with self.lock:
            self.leaving[document] = self.present.pop(document)
        yield
        with self.lock:
            self.deleted[document] = self.leaving.pop(document)
