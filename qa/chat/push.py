"""Replies on their way to a vendor: allowed hosts, retries with backoff, no redirects."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from qa.errors import CiteqaError

ATTEMPTS: Final = 5
FIRST_WAIT: Final = 1.0
"""Seconds before the second attempt; doubled before each further one, with up to half as much again at random."""
LONGEST_WAIT: Final = 120.0
"""Seconds: what a vendor asks for beyond this is not waited for."""
TIMEOUT: Final = 15.0
"""Seconds that one attempt may take."""


class PushError(CiteqaError):
    """A vendor did not take a reply: it refused it, or failed at every attempt."""

    code = "not_pushed"


class UnclearError(PushError):
    """A vendor may or may not have taken a reply: it did not answer in time. Trying again could repeat the reply."""


class RetryError(PushError):
    """A vendor asks to try again. ``after``: seconds, None where it does not say."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


Judge = Callable[[httpx.Response], None]
"""Raises PushError or RetryError where the body of a vendor's answer says that it is not a success. It sees every
answer, before its status is looked at."""


def origin(address: str) -> str:
    """``scheme://host[:port]`` of an address, in lower case. Empty for what is not http(s), or carries a password."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return ""
    standard = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port not in (None, standard) else "")


class Pusher:
    """Posts to the vendors. One for all adapters; made before the event loop runs, used inside it."""

    def __init__(self, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._sleep = sleep
        self._client: httpx.AsyncClient | None = None

    async def post(
        self,
        address: str,
        body: Mapping[str, Any],
        *,
        allowed: Collection[str],
        headers: Mapping[str, str] | None = None,
        judge: Judge | None = None,
        repeatable: bool = False,
    ) -> httpx.Response:
        """Send JSON; the vendor's answer. ``allowed``: origins (`https://host`) that the address may have.
        ``repeatable``: the vendor carries out a request that comes twice once, so an unclear one is sent again.

        Raises PushError, UnclearError. No error shows the address or the headers: they may be secrets.
        """
        if not origin(address) or origin(address) not in {origin(one) for one in allowed}:
            raise PushError("The address to reply to is not on a host of the vendor.")
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._once(address, body, headers, judge)
            except UnclearError:
                if attempt == ATTEMPTS or not repeatable:
                    raise
                await self._sleep(_wait(None, attempt))
            except RetryError as error:
                wait = _wait(error.after, attempt)
                if attempt == ATTEMPTS or wait > LONGEST_WAIT:
                    raise
                await self._sleep(wait)
        raise AssertionError("unreachable")

    async def _once(
        self, address: str, body: Mapping[str, Any], headers: Mapping[str, str] | None, judge: Judge | None
    ) -> httpx.Response:
        answer = await self._sent(address, body, headers)
        if judge is not None:
            judge(answer)
        _check_status(answer)
        return answer

    async def _sent(self, address: str, body: Mapping[str, Any], headers: Mapping[str, str] | None) -> httpx.Response:
        try:
            return await self._opened().post(address, json=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise RetryError("The vendor cannot be reached.") from None
        except httpx.TransportError as error:
            raise UnclearError(f"The vendor did not answer ({type(error).__name__}).") from None
        except (httpx.InvalidURL, UnicodeError):
            raise PushError("The address to reply to cannot be used.") from None

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            # At level INFO it logs addresses, and those to reply to are secrets.
            logging.getLogger("httpx").setLevel(logging.WARNING)
            self._client = httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False)
        return self._client

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None


def retry_after(answer: httpx.Response) -> float | None:
    """Seconds that the vendor asks to wait for, where it says so in seconds (RFC 9110, 10.2.3)."""
    given = answer.headers.get("retry-after", "").strip()
    try:
        seconds = float(given)
    except ValueError:
        return None
    return seconds if seconds >= 0 else None


def _check_status(answer: httpx.Response) -> None:
    if answer.status_code == 429 or answer.status_code >= 500:
        raise RetryError(f"The vendor answered {answer.status_code}.", retry_after(answer))
    if not answer.is_success:
        raise PushError(f"The vendor answered {answer.status_code}.")


def _wait(asked: float | None, attempt: int) -> float:
    """Seconds: what the vendor asks for, else twice as long each time."""
    if asked is not None:
        return asked
    base: float = FIRST_WAIT * 2.0 ** (attempt - 1)
    return base * (1 + random.random() / 2)
