"""What the services hold, compared with what they acknowledged."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import httpx
from cluster_load import COLLECTION
from cluster_records import Ledger

PAGE: Final = 1000


def held(address: str) -> dict[str, str]:
    """SHA-256 of the source of every document of the generated collection, by id, as one service tells it."""
    with httpx.Client(base_url=address, timeout=120) as client:
        return {one["id"]: _digest(client, one["id"]) for one in _listed(client)}


def checksum(holdings: dict[str, str]) -> str:
    """Of all ids and sources."""
    return hashlib.sha256("".join(f"{key}{digest}" for key, digest in sorted(holdings.items())).encode()).hexdigest()


def differences(holdings: dict[str, str], ledger: Ledger) -> list[str]:
    """Where what is held is not what was acknowledged. What was sent unheard may be there or not."""
    lost = [f"{one.name} ({key}) is lost" for key, one in ledger.present.items() if key not in holdings]
    back = [f"{one.name} ({key}) came back" for key, one in ledger.deleted.items() if key in holdings]
    known = {one.digest for one in [*ledger.present.values(), *ledger.unclear]}
    alien = [f"{key} is not as it was sent" for key, found in holdings.items() if found not in known]
    undone = [f"{job} was accepted and not done" for job in ledger.accepted]
    return lost + back + alien + undone


def _digest(client: httpx.Client, document: str) -> str:
    response = client.get(f"/v1/documents/{document}/source", params={"collection": COLLECTION})
    return hashlib.sha256(response.raise_for_status().content).hexdigest()


def _listed(client: httpx.Client) -> Iterator[dict[str, Any]]:
    offset, total = 0, 1
    while offset < total:
        page = client.get("/v1/documents", params={"collection": COLLECTION, "offset": offset, "limit": PAGE})
        body = page.raise_for_status().json()
        yield from body["documents"]
        offset, total = offset + PAGE, body["total"]
