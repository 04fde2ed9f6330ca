"""What an event cost: requests that failed, how long, and when everything was as before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from cluster_records import RIGHT, WRONG, Seen


@dataclass(frozen=True, slots=True)
class Event:
    """``seconds`` is what was waited for after the blow until all was as before, e.g. until two replicas were there."""

    name: str
    requests: int
    failed: int
    wrong: int
    kinds: dict[str, int]
    passed_over: int
    p50_ms: float
    slowest_s: float
    last_failure_s: float
    """After the blow."""
    seconds: float

    @property
    def rate(self) -> float:
        return self.failed / self.requests if self.requests else 0.0


def event(name: str, struck: float, restored: float, seen: Iterable[Seen]) -> Event:
    """``struck``, ``restored``: on the clock of ``Seen.moment``. Polls of jobs are no requests of users."""
    asked = [one for one in seen if one.kind != "job"]
    failed = [one for one in asked if one.told not in (RIGHT, WRONG)]
    seconds = [one.seconds for one in asked if one.told == RIGHT]
    return Event(
        name=name,
        requests=len(asked),
        failed=len(failed),
        wrong=sum(one.told == WRONG for one in asked),
        kinds=dict(Counter(f"{one.kind} {one.told}" for one in failed)),
        passed_over=sum(one.passed_over > 0 for one in asked),
        p50_ms=round(median(seconds) * 1000, 1) if seconds else 0.0,
        slowest_s=round(max((one.seconds for one in asked), default=0.0), 1),
        last_failure_s=round(max((one.moment - struck for one in failed), default=0.0), 1),
        seconds=round(restored - struck, 1),
    )


COLUMNS = (
    "event",
    "requests",
    "failed",
    "rate",
    "wrong",
    "passed over",
    "p50 ms",
    "slowest s",
    "last failure s",
    "as before s",
)


def table(events: Sequence[Event]) -> str:
    """Markdown."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(_row(one) for one in events)]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


def _row(one: Event) -> tuple[object, ...]:
    figures = (one.wrong, one.passed_over, one.p50_ms, one.slowest_s, one.last_failure_s, one.seconds)
    return (one.name, one.requests, one.failed, f"{one.rate:.2%}", *figures)


def as_json(events: Sequence[Event]) -> list[dict[str, Any]]:
    return [asdict(one) | {"rate": round(one.rate, 5)} for one in events]
