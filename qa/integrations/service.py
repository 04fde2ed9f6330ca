"""The HTTP service as a program elsewhere sees it: one request, one answer, its errors as exceptions."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final

import httpx

from qa.errors import CiteqaError
from qa.types import Citation

SEARCH: Final = "/v1/search"
MAX_ERROR: Final = 500

Json = dict[str, Any]


class ServiceError(CiteqaError):
    """The service cannot be reached, or refuses; ``status`` is that of its answer, 503 where there was none."""

    code, status = "service_failed", 503


@dataclass(frozen=True, slots=True)
class Service:
    """A citeqa service. ``timeout`` in seconds. The key never shows in ``repr``."""

    base_url: str
    api_key: str = field(default="", repr=False)
    timeout: float = 60.0

    def post(self, path: str, body: Json) -> Json:
        """Raises ServiceError."""
        try:
            with httpx.Client(**self._options()) as client:
                return _read(client.post(path, json=body))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from error

    async def apost(self, path: str, body: Json) -> Json:
        """Raises ServiceError."""
        try:
            async with httpx.AsyncClient(**self._options()) as client:
                return _read(await client.post(path, json=body))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from error

    def _options(self) -> Json:
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        return {"base_url": self.base_url, "headers": headers, "timeout": self.timeout}

    def _unreachable(self, error: Exception) -> ServiceError:
        return ServiceError(
            f"{self.base_url} does not answer: {error or type(error).__name__}", "Check the address; start `qa serve`."
        )


def citation_of(sent: Json) -> Citation:
    """A citation as the service sends it; fields that a later version may add are ignored."""
    known = {each.name: sent[each.name] for each in fields(Citation) if each.name in sent}
    return Citation(**known | {"highlights": (), "also_in": ()})


def _read(response: httpx.Response) -> Json:
    try:
        body = response.json()
    except ValueError:
        body = None
    if response.is_success and isinstance(body, dict):
        return body
    raise _refused(response.status_code, body)


def _refused(status: int, body: object) -> ServiceError:
    told = body.get("error") if isinstance(body, dict) else None
    if not isinstance(told, dict):
        return ServiceError(f"The address answered {status}, and not as citeqa does.", "Check the address.")
    error = ServiceError(
        str(told.get("message", ""))[:MAX_ERROR],
        str(told.get("hint", ""))[:MAX_ERROR],
        code=str(told.get("code", "service_failed"))[:100],
    )
    error.status = status
    return error
