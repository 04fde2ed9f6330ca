"""Addresses of platforms in settings: only private installations, Lark instead of Feishu, and tests change them."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator

from qa.chat.push import origin

_THIS_MACHINE: Final = ("127.0.0.1", "localhost", "::1")


def _checked(value: str) -> str:
    """Secrets go there: https, or http on this machine."""
    found = origin(value)
    parts = urlsplit(value) if found else None
    if parts is None or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("not an address of the form https://host")
    if parts.scheme != "https" and parts.hostname not in _THIS_MACHINE:
        raise ValueError("not https")
    return found


Domain = Annotated[str, AfterValidator(_checked)]
"""`https://host[:port]`."""
