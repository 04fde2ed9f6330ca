"""Asks several services in turn, as a load balancer would: one that is away, or not ready, is passed over."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx
from cluster_records import RIGHT, Kind, Records

TIMEOUT = httpx.Timeout(120)
"""Seconds after which a request counts as failed: nothing that is served takes so long."""

REFUSED = "refused"
"""No service took the request: none took the connection, or said that it was ready."""


def plain(response: httpx.Response) -> str:
    """Right, or the status that tells of a failure."""
    return RIGHT if response.status_code < 400 else str(response.status_code)


def gone(response: httpx.Response) -> str:
    """For a delete that is sent again: an earlier one may have been carried out, unheard."""
    return RIGHT if response.status_code == 404 else plain(response)


def attempt(
    request: httpx.Request, client: httpx.Client, judge: Callable[[httpx.Response], str]
) -> tuple[httpx.Response | None, str]:
    """The answer and what is to be said of it."""
    try:
        response = client.send(request)
    except httpx.ConnectError:
        return None, REFUSED
    except httpx.HTTPError as error:
        return None, type(error).__name__
    return (None, REFUSED) if starting(response) else (response, judge(response))


def starting(response: httpx.Response) -> bool:
    """Whether a service gets ready still: a load balancer that asks ``/readyz`` would not have sent it the request."""
    return response.status_code == 503 and response.json()["error"]["code"] == "starting"


class Client:
    """For one thread. Requests that no service took, or that broke, end with None and are recorded."""

    def __init__(self, addresses: Sequence[str], records: Records, first: int = 0) -> None:
        self._clients = [httpx.Client(base_url=address, timeout=TIMEOUT) for address in addresses]
        self._turn = itertools.count(first)
        self._records = records
        self.told = RIGHT
        """Of the last request."""

    def send(
        self,
        kind: Kind,
        method: str,
        path: str,
        judge: Callable[[httpx.Response], str] = plain,
        **body: Any,
    ) -> httpx.Response | None:
        """The answer of the service whose turn it is, where ``judge`` calls it right."""
        began, refused = time.monotonic(), 0
        for client in self._order():
            response, self.told = attempt(client.build_request(method, path, **body), client, judge)
            if self.told != REFUSED:
                break
            refused += 1
        self._records.add(kind, self.told, began, refused)
        return response if self.told == RIGHT else None

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def _order(self) -> list[httpx.Client]:
        start = next(self._turn) % len(self._clients)
        return self._clients[start:] + self._clients[:start]
