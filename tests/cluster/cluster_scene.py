"""Load over services, and losses one after the other, each until all is as before."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from cluster_client import Client
from cluster_holdings import checksum, differences, held
from cluster_load import Load, reference
from cluster_processes import until
from cluster_records import Ledger, Records
from cluster_report import Event, event
from cluster_services import Services

SETTLED: Final = 60
"""So many right searches and answers in a row, and an event is over."""


class Scene:
    """``doctor`` tells what ``qa doctor`` finds wrong; ``asked`` are the questions whose answers are compared."""

    def __init__(self, services: Services, asked: Sequence[str], doctor: Callable[[], list[str]]) -> None:
        self._services = services
        self._doctor = doctor
        self._records = Records()
        self.ledger = Ledger()
        self.client = Client(services.addresses, self._records)
        self.load = Load(services.addresses, reference(self.client, asked), self._records, self.ledger)
        self.events: list[Event] = []
        self.figures: dict[str, Any] = {}
        self._faults: list[str] = []

    @property
    def faults(self) -> list[str]:
        """What was acknowledged and is not so."""
        return [*self._faults, *self.load.faults]

    @contextmanager
    def loaded(self, writing: bool = True) -> Iterator[None]:
        with self.load.running(writing):
            yield
            say("waiting for what was accepted")

    def event(self, name: str, strike: Callable[[], None], restored: Callable[[], None]) -> None:
        """``restored`` returns when what ``strike`` took away is back; then answers have to be right again."""
        say(name)
        struck = time.monotonic()
        strike()
        restored()
        back = time.monotonic()
        self.settle(back)
        self.events.append(event(name, struck, back, self._records.since(struck)))

    def state(self, job: str) -> str | None:
        """None where no service tells."""
        response = self.client.send("job", "GET", f"/v1/jobs/{job}")
        return None if response is None else str(response.json()["state"])

    def settle(self, since: float, number: int = SETTLED) -> None:
        until(lambda: self._records.settled(number, since), f"{number} right answers in a row")

    def look(self, when: str) -> None:
        """What every service holds against what was acknowledged, and what ``qa doctor`` says."""
        say(f"looking at what is held, {when}")
        holdings = [held(address) for address in self._services.addresses]
        wrong = differences(holdings[0], self.ledger)
        if any(other != holdings[0] for other in holdings):
            wrong.append("services hold different documents")
        self._faults += [f"{when}: {one}" for one in (*wrong, *(f"qa doctor: {found}" for found in self._doctor()))]
        figures = {"documents": len(holdings[0]), "sha256": checksum(holdings[0])}
        if (known := self.figures.setdefault("held", figures)) != figures:
            self._faults.append(f"{when}: {figures} instead of {known}")

    def told(self) -> dict[str, Any]:
        """Beside the events."""
        ledger = self.ledger
        return self.figures | {
            "acknowledged_ingests": len(ledger.present) + len(ledger.deleted),
            "acknowledged_deletes": len(ledger.deleted),
            "sent_unheard": len(ledger.unclear),
            "jobs_taken_over": sum(attempts > 1 for attempts in ledger.attempts.values()),
            "compared": sum(one.requests for one in self.events),
            "faults": self.faults,
        }


def say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)
