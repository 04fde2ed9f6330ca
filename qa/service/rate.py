"""How often one caller may ask: a token bucket for each key, or for the address of whoever sends none.

Where processes share a PostgreSQL database they count there, all together; otherwise each counts in its memory, and
with `qa serve --workers N` the limit holds for each of the N processes.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

import anyio.to_thread
import sqlalchemy as sa

from qa.errors import CiteqaError
from qa.store.database import Database
from qa.store.owner import NOW
from qa.store.tables import rates

_T = TypeVar("_T")

MOST: Final = 10_000
"""Callers remembered; the one not seen for longest is forgotten first."""
BURST_SECONDS: Final = 10.0
"""What a caller may save up: the requests of so many seconds, at once."""
SHARE_SECONDS: Final = 0.5
"""A process draws the requests of so many seconds from the database at a time, at least one."""
TIDY_SECONDS: Final = 60.0


class RateError(CiteqaError):
    """One caller asks too often. ``retry_after``: seconds until the next request will be answered."""

    code, status = "too_many_requests", 429

    def __init__(self, seconds: float) -> None:
        super().__init__("Too many requests.", "Wait as long as Retry-After says; QA_RATE sets the limit.")
        self.retry_after = max(1, math.ceil(seconds))


class Rate(Protocol):
    """A limit for each caller."""

    async def take(self, who: str) -> None:
        """One request of a caller. Raises RateError."""


def rate(per_minute: int, database: Database) -> Rate:
    """``per_minute`` requests for each caller; 0 means no limit."""
    return SharedRate(per_minute, database) if per_minute and database.shared else LocalRate(per_minute)


class LocalRate:
    """Counts in this process's memory."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_minute / 60
        self._most = max(1.0, self._per_second * BURST_SECONDS)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def take(self, who: str) -> None:
        if not self._per_second:
            return
        now = self._clock()
        left, seen = self._buckets.pop(who, (self._most, now))
        left = min(self._most, left + (now - seen) * self._per_second)
        taken = left >= 1
        self._buckets[who] = (left - taken, now)
        if len(self._buckets) > MOST:
            self._buckets.popitem(last=False)
        if not taken:
            raise RateError((1 - left) / self._per_second)


class SharedRate:
    """Counts in the database, in shares, so that not every request asks it.

    The bucket is kept as the moment until which its requests are used up (the generic cell rate algorithm, ITU-T
    I.371): one statement draws a share, or none. All processes together let through what the limit says, and each up
    to one share more, which it drew before.
    """

    def __init__(self, per_minute: int, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._gap = 60 / per_minute
        self._burst = max(1.0, BURST_SECONDS / self._gap) * self._gap
        self._share = max(1, int(SHARE_SECONDS / self._gap))
        self._clock = clock
        self._left: OrderedDict[str, int] = OrderedDict()
        self._refused: OrderedDict[str, float] = OrderedDict()
        self._tidied = clock()

    async def take(self, who: str) -> None:
        left = self._left.get(who, 0)
        if left:
            _remember(self._left, who, left - 1)
            return
        refused = self._refused.get(who, 0.0) - self._clock()
        if refused > 0:
            raise RateError(refused)
        drawn, wait = await anyio.to_thread.run_sync(self._draw, who)
        if not drawn:
            _remember(self._refused, who, self._clock() + wait)
            raise RateError(wait)
        _remember(self._left, who, self._left.get(who, 0) + drawn - 1)

    def _draw(self, who: str) -> tuple[int, float]:
        """(requests drawn, seconds until there is one where there is none)"""
        with self._database.alongside() as connection:
            self._tidy(connection)
            for count in dict.fromkeys((self._share, 1)):
                if connection.execute(self._drawing(who, count)).first() is not None:
                    return count, 0.0
            spent = connection.execute(sa.select(rates.c.spent - NOW).where(rates.c.who == who)).scalar() or 0.0
        return 0, float(spent) + self._gap - self._burst

    def _drawing(self, who: str, count: int) -> sa.Insert:
        from sqlalchemy.dialects.postgresql import insert

        spent = sa.func.greatest(rates.c.spent, NOW) + count * self._gap
        row = insert(rates).values(who=who, spent=NOW + count * self._gap)
        return row.on_conflict_do_update(
            index_elements=[rates.c.who], set_={"spent": spent}, where=spent <= NOW + self._burst
        ).returning(rates.c.spent)

    def _tidy(self, connection: sa.Connection) -> None:
        """Whoever has asked for nothing lately has all its requests left."""
        if self._clock() - self._tidied >= TIDY_SECONDS:
            self._tidied = self._clock()
            connection.execute(rates.delete().where(rates.c.spent < NOW - TIDY_SECONDS))


def _remember(kept: OrderedDict[str, _T], who: str, value: _T) -> None:
    kept[who] = value
    kept.move_to_end(who)
    if len(kept) > MOST:
        kept.popitem(last=False)
