"""How often one caller may ask: a token bucket for each key, or for the address of whoever sends none.

Buckets are in memory, one set a process: with `qa serve --workers N` the limit holds for each of the N processes.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from qa.errors import CiteqaError

MOST: Final = 10_000
"""Callers remembered; the one not seen for longest is forgotten first."""
BURST_SECONDS: Final = 10.0
"""What a caller may save up: the requests of so many seconds, at once."""


class RateError(CiteqaError):
    """One caller asks too often. ``retry_after``: seconds until the next request will be answered."""

    code, status = "too_many_requests", 429

    def __init__(self, seconds: float) -> None:
        super().__init__("Too many requests.", "Wait as long as Retry-After says; QA_RATE sets the limit.")
        self.retry_after = max(1, math.ceil(seconds))


class Rate:
    """``per_minute`` requests for each caller; 0 means no limit."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_minute / 60
        self._most = max(1.0, self._per_second * BURST_SECONDS)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> None:
        """One request of a caller. Raises RateError."""
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
