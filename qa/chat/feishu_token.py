"""The tenant access token of a Feishu or Lark app: fetched when it is needed, kept until shortly before it expires."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import httpx
from pydantic import SecretStr

from qa.chat.payload import read, text
from qa.chat.push import Pusher, PushError
from qa.errors import InputError

PATH: Final = "/open-apis/auth/v3/tenant_access_token/internal"
MARGIN: Final = 600.0
"""Seconds before its end that a token is no longer used."""
SHORTEST: Final = 60.0
"""Seconds that a token is used at least, whatever the platform says."""


class TenantToken:
    """``domain``: origin of the platform's API."""

    def __init__(
        self, domain: str, app_id: str, secret: SecretStr, pusher: Pusher, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._domain = domain
        self._app_id = app_id
        self._secret = secret
        self._pusher = pusher
        self._now = now
        self._one_fetches = asyncio.Lock()
        self._token = ""
        self._ends = 0.0

    async def get(self, refused: str = "") -> str:
        """A token other than ``refused``. Raises PushError where the app is not let in."""
        async with self._one_fetches:
            if self._token in ("", refused) or self._now() >= self._ends:
                await self._fetch()
            return self._token

    async def _fetch(self) -> None:
        body = {"app_id": self._app_id, "app_secret": self._secret.get_secret_value()}
        answer = await self._pusher.post(self._domain + PATH, body, allowed=[self._domain])
        self._token, lifetime = _granted(answer)
        self._ends = self._now() + max(lifetime - MARGIN, SHORTEST)


def _granted(answer: httpx.Response) -> tuple[str, float]:
    """(token, seconds that it is valid)."""
    try:
        granted = read(answer.content)
        token, lifetime = text(granted, "tenant_access_token"), float(text(granted, "expire") or 0)
    except (InputError, ValueError):
        raise PushError("The platform's answer to the request for a token cannot be read.") from None
    if text(granted, "code") not in ("0", "") or not token:
        raise PushError(f"The platform refused the id or the secret of the app (code {text(granted, 'code')[:20]}).")
    return token, lifetime
