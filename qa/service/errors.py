"""Every error as ``{"error": {"code", "message", "hint"}}``: ours, the framework's, and the unexpected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Scope, Send

from qa.errors import CiteqaError
from qa.service import shape
from qa.service.rate import RateError

RETRY_SECONDS = 1
_DOCS = "What each route takes is described at /docs."
_SOURCES = (("body",), ("query",), ("path",))
_NO_OBJECT = ("model_attributes_type", "model_type", "missing")

_HTTP: dict[int, tuple[str, str, str]] = {
    400: ("bad_request", "The body of the request cannot be read.", "Send a JSON object in UTF-8. " + _DOCS),
    404: ("no_route", "There is nothing at this address.", "The routes are listed at /docs."),
    405: ("method_not_allowed", "This address does not take this method.", "The routes are listed at /docs."),
}


Voice = Callable[[CiteqaError], Response]
"""How a door tells of an error: those of foreign protocols have shapes of their own."""
VOICE = "qa.voice"


class TooLargeError(CiteqaError):
    """A body or a file above a bound."""

    code, status, exit_code = "too_large", 413, 2


class TooSlowError(CiteqaError):
    """A body that does not come."""

    code, status = "too_slow", 408


class ForeignOriginError(CiteqaError):
    """A browser sends a change on behalf of another site."""

    code, status = "foreign_origin", 403


def install(app: FastAPI) -> None:
    """Register the handlers; what they do not handle, ``Doorman`` answers with ``internal``."""
    app.add_exception_handler(CiteqaError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def response(error: CiteqaError) -> Response:
    return answer(shape.error(error.code, error.message, error.hint), error.status, headers(error))


def headers(error: CiteqaError) -> dict[str, str]:
    """What goes with an error's status: when to come back (RFC 9110), what to send (RFC 6750)."""
    if error.status == 503:
        return {"Retry-After": str(RETRY_SECONDS)}
    if isinstance(error, RateError):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, TooSlowError):
        return {"Connection": "close"}
    return {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}


def told(scope: Scope, error: CiteqaError) -> Response:
    """The error in the shape of the door that was knocked at."""
    voice: Voice = scope.get(VOICE, response)
    return voice(error)


def answer(body: shape.Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(shape.dumps(body).encode(), status, headers, "application/json")


def internal() -> Response:
    body = shape.error("internal", "The service failed to answer this.", "The reason is in the log of the service.")
    return answer(body, 500)


async def send(reply: Response, send: Send) -> None:
    """Send a response from outside of any route."""
    await send({"type": "http.response.start", "status": reply.status_code, "headers": reply.raw_headers})
    await send({"type": "http.response.body", "body": bytes(reply.body)})


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, CiteqaError)
    return told(request.scope, error)


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, message, hint = _HTTP.get(error.status_code, ("http_error", str(error.detail), ""))
    return answer(shape.error(code, message, hint), error.status_code, error.headers)


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return invalid(error.errors())


def invalid(problems: Sequence[Mapping[str, Any]]) -> Response:
    """400 for what a model refused. What was sent is not repeated: it may be large, or secret."""
    if any(
        problem["type"] in ("model_attributes_type", "missing") and problem["loc"] == ("body",) for problem in problems
    ):
        hint = "Send one, with the header Content-Type: application/json. " + _DOCS
        return answer(shape.error("bad_request", "The body is not a JSON object.", hint), 400)
    message = "; ".join(_describe(problem) for problem in problems[:5])
    return answer(shape.error("bad_request", message, _DOCS), 400)


def _describe(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "json_invalid":
        return f"The body is not JSON: {problem['ctx']['error']}"
    steps = problem["loc"][1:] if problem["loc"][:1] in _SOURCES else problem["loc"]
    place = ".".join(str(step)[:80] for step in steps)
    reason = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        reason = "there is no such field"
    return f"{place}: {reason}" if place else reason
