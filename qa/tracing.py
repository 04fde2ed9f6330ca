"""OpenTelemetry spans of what takes time: requests, searches and their stages, answers, model calls, ingestion.

Off, and nothing of OpenTelemetry imported, until ``start`` finds a destination in the standard ``OTEL_*`` variables.
Spans hold counts, names of stages and classes of errors: never a question, an article, an address or a key.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from types import TracebackType
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

T = TypeVar("T")
Fact = str | int | float | bool

NAME: Final = "citeqa"
LAST_SECONDS: Final = 3.0
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_log = logging.getLogger(__name__)


class _Off:
    """A span where nothing is traced."""

    def set(self, **facts: Fact) -> None:
        """Forget the facts."""

    def over(self, happening: Iterator[T]) -> Iterator[T]:
        """The same iterator."""
        return happening

    def __enter__(self) -> _Off:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was begun."""


class _On:
    """A span that is current inside ``with``, and ends there; or with the iterator that ``over`` was given."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._current: AbstractContextManager[Span] = nullcontext(span)
        self._goes_on = False

    def set(self, **facts: Fact) -> None:
        """Add attributes, ``qa.`` before their names."""
        self._span.set_attributes(_named(facts))

    def over(self, happening: Iterator[T]) -> Iterator[T]:
        """The iterator, with the span current whenever it is advanced, in whatever thread, and ended with it."""
        self._goes_on = True
        return self._advanced(happening)

    def _advanced(self, happening: Iterator[T]) -> Iterator[T]:
        try:
            while True:
                with _current(self._span):
                    try:
                        event = next(happening)
                    except StopIteration:
                        return
                yield event
        except Exception as error:
            self._fail(error)
            raise
        finally:
            self._span.end()

    def __enter__(self) -> _On:
        self._current = _current(self._span)
        self._current.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._current.__exit__(None, None, None)
        if isinstance(error, Exception):
            self._fail(error)
        if error is not None or not self._goes_on:
            self._span.end()

    def _fail(self, error: Exception) -> None:
        """A message may quote what was asked: the class has to do."""
        from opentelemetry.trace import StatusCode

        self._span.set_status(StatusCode.ERROR)
        self._span.set_attribute("error.type", type(error).__name__)


Traced = _Off | _On
_OFF: Final = _Off()
_tracer: Tracer | None = None


def span(name: str, **facts: Fact) -> Traced:
    """A span below the current one. ``facts``: its attributes, ``qa.`` before their names."""
    if _tracer is None:
        return _OFF
    return _On(_tracer.start_span(name, attributes=_named(facts)))


def over(name: str, happening: Iterator[T], **facts: Fact) -> Iterator[T]:
    """A span for as long as an iterator goes on."""
    return span(name, **facts).over(happening)


@contextmanager
def request(method: str, headers: Mapping[str, str]) -> Iterator[Traced]:
    """The span of an HTTP request, below the one that its ``traceparent`` header names, if any."""
    if _tracer is None:
        yield _OFF
        return
    from opentelemetry.propagate import extract
    from opentelemetry.trace import SpanKind

    started = _tracer.start_span(
        method, context=extract(dict(headers)), kind=SpanKind.SERVER, attributes={"http.request.method": method}
    )
    with _On(started) as traced:
        yield traced


def answered(traced: Traced, method: str, route: str, status: int) -> None:
    """Name a request's span when its route and status are known (OpenTelemetry's conventions for HTTP)."""
    if isinstance(traced, _On):
        from opentelemetry.trace import StatusCode

        traced._span.update_name(f"{method} {route}")
        traced._span.set_attributes({"http.route": route, "http.response.status_code": status})
        if status >= 500:
            traced._span.set_status(StatusCode.ERROR)


def wanted(environment: Mapping[str, str] = os.environ) -> str | None:
    """The exporter that the environment asks for: ``otlp`` or ``console``; None where it asks for none."""
    named = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or named == "none":
        return None
    return named or ("otlp" if any(environment.get(name) for name in _ENDPOINTS) else None)


def start(exporter: SpanExporter | None = None) -> TracerProvider | None:
    """Trace from now on, where the environment asks for it, to ``exporter`` or the one that it names.

    Returns what sends the spans, None where none are sent; what is asked for and cannot be had is logged.
    """
    global _tracer
    if (kind := wanted()) is None and exporter is None:
        return None
    try:
        provider = _provider(exporter or _exporter(str(kind)))
    except (ImportError, ValueError) as error:
        _log.warning("No traces are sent: %s", error)
        return None
    _tracer = provider.get_tracer(NAME, version(NAME))
    return provider


def stop(provider: TracerProvider | None) -> None:
    """Send what is left, and trace no more. A collector that does not answer is waited for ``LAST_SECONDS``."""
    global _tracer
    if provider is not None:
        _tracer = None
        ending = threading.Thread(target=provider.shutdown, daemon=True)
        ending.start()
        ending.join(LAST_SECONDS)


def _provider(exporter: SpanExporter) -> TracerProvider:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    chosen = Resource.create()
    named = not str(chosen.attributes.get("service.name", "unknown_service")).startswith("unknown_service")
    about = {"service.version": version(NAME)} | ({} if named else {"service.name": NAME})
    provider = TracerProvider(resource=chosen.merge(Resource(about)))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _exporter(kind: str) -> SpanExporter:
    """Raises ImportError without the extra ``otel``, ValueError for one that is not here."""
    if kind == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter()
    if kind != "otlp":
        raise ValueError(f"OTEL_TRACES_EXPORTER is {kind[:40]!r}; `otlp`, `console` and `none` are known here.")
    protocol = next((os.environ[name] for name in _PROTOCOLS if os.environ.get(name)), "http/protobuf")
    if protocol != "http/protobuf":
        raise ValueError(f"the OTLP protocol is {protocol[:40]!r}; `http/protobuf` is known here.")
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise ImportError("OpenTelemetry is not installed; `pip install 'citeqa[otel]'` does that.") from error
    return OTLPSpanExporter()


def _current(span: Span) -> AbstractContextManager[Span]:
    from opentelemetry.trace import use_span

    return use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False)


def _named(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {f"qa.{name}": value for name, value in facts.items()}
