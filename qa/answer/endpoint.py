"""Any OpenAI-compatible endpoint as a stream of text: vLLM, Ollama, llama.cpp, and what vendors offer.

Only the text of the first choice is read. All waiting together is bounded by one deadline; what fails before the first
text is tried again a few times.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
from pydantic import SecretStr

from qa import tracing
from qa.answer import departure
from qa.answer.departure import Departure
from qa.answer.phrases import Reason
from qa.errors import ModelError

ATTEMPTS: Final = 3
BACKOFF: Final = 0.5
"""Seconds before the second attempt; doubled before each further one."""
MAX_RETRY_AFTER: Final = 5.0
MAX_CHARS: Final = 12_000
"""Of a longer answer the rest is not read."""
MAX_LINE: Final = 1_000_000
MAX_TOKENS: Final = 1024
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})

Messages = Sequence[Mapping[str, str]]


class _Again(Exception):
    """A failure that may pass. ``after``: seconds that the endpoint asks to wait."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the model is. ``timeout``: seconds for a whole answer, all attempts together."""

    base_url: str
    model: str
    key: SecretStr
    timeout: float

    def complete(self, messages: Messages) -> Iterator[str]:
        """The answer, piece by piece. Raises ModelError."""
        return tracing.over("model", self._complete(messages), model=self.model)

    def _complete(self, messages: Messages) -> Iterator[str]:
        end = time.monotonic() + self.timeout
        asker = departure.current()
        for attempt in range(ATTEMPTS):
            started = False
            try:
                for piece in self._attempt(messages, end, asker):
                    started = True
                    yield piece
                return
            except (httpx.TransportError, _Again) as failure:
                wait = max(BACKOFF * 2**attempt, getattr(failure, "after", 0.0))
                if asker.left or started or attempt + 1 == ATTEMPTS or time.monotonic() + wait >= end:
                    raise ModelError(_reason(failure), "Check QA_MODEL_BASE_URL, or try again later.") from failure
                time.sleep(wait)

    def _attempt(self, messages: Messages, end: float, asker: Departure) -> Iterator[str]:
        body = {
            "model": self.model,
            "messages": list(messages),
            "stream": True,
            "temperature": 0,
            "max_tokens": MAX_TOKENS,
        }
        address = f"{self.base_url.rstrip('/')}/chat/completions"
        left = max(0.05, end - time.monotonic())
        with (
            asker.closing() as watched,
            httpx.Client(timeout=httpx.Timeout(left, connect=min(left, 10.0)), trust_env=False) as client,
            client.stream(
                "POST", address, json=body, headers=self._headers(), extensions={"trace": watched.trace}
            ) as response,
        ):
            _check(response)
            yield from _texts(response, end)

    def _headers(self) -> dict[str, str]:
        key = self.key.get_secret_value()
        return {"Authorization": f"Bearer {key}"} if key else {}


def _check(response: httpx.Response) -> None:
    if response.is_success:
        return
    if response.status_code in _AGAIN:
        after = response.headers.get("retry-after", "0")
        raise _Again(f"HTTP {response.status_code}", min(float(after), MAX_RETRY_AFTER) if after.isdecimal() else 0.0)
    raise ModelError(f"HTTP {response.status_code}", "Check QA_MODEL_BASE_URL, QA_MODEL_NAME and QA_MODEL_API_KEY.")


def _texts(response: httpx.Response, end: float) -> Iterator[str]:
    given = 0
    for line in _lines(response, end):
        if line == "data: [DONE]" or given > MAX_CHARS:
            break
        text = _text(line.removeprefix("data:").strip()) if line.startswith(("data:", "{")) else ""
        given += len(text)
        if text:
            yield text
    if not given:
        raise _Again(Reason.EMPTY)


def _lines(response: httpx.Response, end: float) -> Iterator[str]:
    """Lines as they come. A server that drips keep-alives still has to end in time."""
    rest = ""
    for part in response.iter_text():
        if time.monotonic() > end:
            raise ModelError(Reason.SLOW, "Raise QA_MODEL_TIMEOUT, or take a faster model.")
        *lines, rest = (rest + part).split("\n")
        if len(rest) > MAX_LINE:
            raise ModelError(Reason.MALFORMED, "Check QA_MODEL_BASE_URL.")
        yield from (line.strip() for line in lines)
    yield rest.strip()


def _text(chunk: str) -> str:
    """The text in one chunk of a stream, or in the whole answer of an endpoint that does not stream."""
    try:
        sent = json.loads(chunk)
    except (ValueError, RecursionError) as error:
        raise ModelError(Reason.MALFORMED, "Check QA_MODEL_BASE_URL.") from error
    choice = _first_choice(sent)
    part = choice.get("delta") or choice.get("message") or {}
    content = part.get("content") if isinstance(part, dict) else None
    return content if isinstance(content, str) else ""


def _first_choice(sent: object) -> dict[str, Any]:
    if isinstance(sent, dict) and "error" in sent:
        raise ModelError(Reason.REPORTED, "See the log of the model's server.")
    choices = sent.get("choices") if isinstance(sent, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else {}
    return first if isinstance(first, dict) else {}


def _reason(failure: Exception) -> str:
    if isinstance(failure, httpx.TimeoutException):
        return Reason.SLOW
    if isinstance(failure, _Again):
        return str(failure)
    return Reason.UNREACHABLE
