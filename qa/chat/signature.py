"""Checks of who sent a request, over its raw bytes and in constant time."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Final

from qa.errors import SignatureError

WINDOW_SECONDS: Final = 300
"""How far a signed time stamp may be from now: a recorded request cannot be replayed later."""
MAX_STAMP_DIGITS: Final = 16


def hmac_sha256(secret: str, *parts: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) of the parts joined, in hex."""
    return hmac.new(secret.encode(), b"".join(parts), hashlib.sha256).hexdigest()


def check_same(given: str, expected: str) -> None:
    """Raises SignatureError unless the two are equal; the time it takes does not tell where they differ."""
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode()):
        raise SignatureError("The signature does not match.", "Compare the signing secret here with the vendor's.")


def check_time(stamp: str, now: Callable[[], float] = time.time, *, window: int = WINDOW_SECONDS) -> None:
    """Raises SignatureError unless ``stamp``, seconds since 1970, is at most ``window`` seconds from now."""
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= MAX_STAMP_DIGITS):
        raise SignatureError("The request carries no time stamp.", "Send it as the vendor does.")
    if abs(now() - int(stamp)) > window:
        raise SignatureError("The request is too old.", "Check that the clock of this machine is right.")
