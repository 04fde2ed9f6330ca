"""Logs: one line a record, as text or as JSON, each with the id of the request that it belongs to.

A request's line holds its route (`/v1/documents/{document_id}`), status, time and the id of its key: never its query,
its body, its address or the key.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, Literal

Form = Literal["quiet", "text", "json"]

REQUEST_ID: Final[ContextVar[str]] = ContextVar("request_id", default="-")
_GIVEN: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_STEERING: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LINE: Final = "%(asctime)s %(levelname)s %(name)s [%(request)s]: %(message)s"
_FACTS: Final = ("method", "route", "status", "ms", "key")

_requests = logging.getLogger("qa.requests")


def request_id(given: str | None) -> str:
    """The id that a client or proxy gave, if it is one; else a new one."""
    return given if given is not None and _GIVEN.fullmatch(given) else secrets.token_hex(8)


def answered(method: str, route: str, status: int, seconds: float, key: str | None) -> None:
    """Note a request that was answered."""
    facts = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1), "key": key}
    _requests.info("%s %s %d %.1f ms", method, route, status, seconds * 1000, extra=facts)


class JsonFormatter(logging.Formatter):
    """A JSON object a line: line breaks and control characters of a message cannot forge another."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "request": getattr(record, "request", "-"),
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in _FACTS if hasattr(record, name)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        first, *rest = super().format(record).splitlines() or [""]
        return "\n".join([_inert(first), *(f"  {_inert(line)}" for line in rest)])


def _inert(line: str) -> str:
    """What would steer the terminal that shows the log, or reverse its text, written as an escape."""
    return _STEERING.sub(lambda found: ascii(found[0])[1:-1], line)


def _with_request(record: logging.LogRecord) -> bool:
    record.request = REQUEST_ID.get()
    return True


def to_stderr(form: Form) -> None:
    """Write this process's logs to stderr: ``quiet`` warnings alone, else a line for each request too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else _TextFormatter(_LINE))
    handler.addFilter(_with_request)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    _requests.setLevel(logging.WARNING if form == "quiet" else logging.INFO)
    # It logs bytes of broken forms as warnings; those forms are answered with 400.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
