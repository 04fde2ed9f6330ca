"""Traces: of what, below what, with what in them, and nothing where nobody asks for them."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from qa import tracing
from qa.errors import ModelError
from qa.index import Index
from qa.ingest.read import read_text

Serving = Callable[..., AbstractContextManager[httpx.Client]]
QUESTION = "昌平区有多少家医药健康企业？"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@contextmanager
def traced(exporter: SpanExporter | None = None) -> Iterator[Callable[[], dict[str, ReadableSpan]]]:
    """Gives the spans that have ended, by name; of several with one name the last."""
    kept = exporter or InMemorySpanExporter()
    provider = tracing.start(kept)
    assert provider is not None

    def ended() -> dict[str, ReadableSpan]:
        provider.force_flush()
        assert isinstance(kept, InMemorySpanExporter)
        return {span.name: span for span in kept.get_finished_spans()}

    try:
        yield ended
    finally:
        tracing.stop(provider)


def parent(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


def below(spans: dict[str, ReadableSpan], name: str, over: str) -> None:
    context = spans[over].get_span_context()
    assert context is not None
    assert parent(spans[name]) == context.span_id, f"{name} is not below {over}"


def test_a_search_is_a_span_with_its_stages_below(corpus_index: Index) -> None:
    with traced() as ended:
        corpus_index.search(QUESTION, top_k=3)
        spans = ended()
    for stage in ("encode", "candidates", "rerank"):
        below(spans, stage, "search")
    facts = spans["search"].attributes
    assert facts is not None
    assert (facts["qa.top_k"], facts["qa.hits"]) == (3, 3)


def test_an_answer_lasts_until_it_is_written_and_its_model_is_below(corpus_index: Index) -> None:
    """The model cannot be reached: its span says so by the class of the error."""
    lane, chosen = corpus_index.lane, corpus_index.settings
    update = {"model_base_url": "http://127.0.0.1:9", "model_name": "small", "model_timeout": 0.2}
    index = Index(corpus_index.store, corpus_index.encoder, lane.statistics, chosen.model_copy(update=update))
    with traced() as ended:
        events = index.ask_events(QUESTION, generator="model")
        assert "ask" not in ended()
        list(events)
        spans = ended()
    below(spans, "model", "ask")
    below(spans, "encode", "ask")
    failed = spans["model"].attributes
    assert failed is not None
    assert (failed["qa.model"], failed["error.type"]) == ("small", ModelError.__name__)
    assert not spans["model"].status.is_ok
    assert spans["ask"].status.is_unset


def test_ingestion_is_a_span_with_its_stages_below(own_index: Index) -> None:
    with traced() as ended:
        own_index.ingest_sources([read_text("鹤", "丹顶鹤在扎龙湿地过冬，刘海每天投喂玉米。" * 9)])
        spans = ended()
    for stage in ("encode", "write", "publish"):
        below(spans, stage, "ingest")
    assert (spans["ingest"].attributes or {})["qa.documents"] == 1


class Receiver(HTTPServer):
    """A collector on loopback that keeps what it is sent, by OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Keep)
        self.sent: list[ExportTraceServiceRequest] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def spans(self) -> dict[str, Span]:
        return {
            span.name: span
            for request in self.sent
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }


class _Keep(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Receiver)
        self.server.sent.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with Receiver() as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        yield server
        server.shutdown()


def test_requests_reach_a_collector_and_tell_it_nothing_that_was_asked(
    receiver: Receiver, serving: Serving, corpus_index: Index
) -> None:
    """Request, answer and stages in one trace, which goes on from the caller's; no question, text or key in it."""
    provider = tracing.start()
    with serving(corpus_index, corpus_index.settings) as client:
        headers = {"traceparent": PARENT, "Authorization": "Bearer secret-token"}
        assert client.post("/v1/ask", json={"query": QUESTION}, headers=headers).status_code in (200, 401)
        assert client.post("/v1/ask?query=secret-query", json={"query": QUESTION}).status_code == 200
        client.post("/v1/search", json={"query": "", "top_k": 3})
        assert client.post("/v1/ask", json={"query": QUESTION, "stream": True}, headers={"traceparent": PARENT}).text
    tracing.stop(provider)
    spans = receiver.spans()
    assert spans["POST /v1/ask"].trace_id.hex() == PARENT.split("-")[1]
    assert spans["POST /v1/ask"].parent_span_id.hex() == PARENT.split("-")[2]
    assert spans["ask"].parent_span_id == spans["POST /v1/ask"].span_id
    assert spans["rerank"].parent_span_id == spans["ask"].span_id
    status = {fact.key: fact.value.int_value for fact in spans["POST /v1/search"].attributes}
    assert status["http.response.status_code"] == 400
    told = b"".join(request.SerializeToString() for request in receiver.sent)
    for secret in (QUESTION, "昌平", "secret-token", "secret-query", "health"):
        assert secret.encode() not in told, secret
    assert b"citeqa" in told


@pytest.mark.parametrize(
    ("variables", "exporter"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, "otlp"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "console"),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, None),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, None),
    ],
)
def test_the_standard_variables_choose(variables: dict[str, str], exporter: str | None) -> None:
    assert tracing.wanted(variables) == exporter


def test_what_cannot_be_had_is_said_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    assert tracing.start() is None
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    assert tracing.start() is None
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_PROTOCOL")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    assert tracing.start() is None
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert ["zipkin" in said[0], "grpc" in said[1], "citeqa[otel]" in said[2]] == [True] * 3


def test_nothing_is_imported_and_no_span_is_made_where_nobody_asks() -> None:
    code = (
        "import sys; from qa import tracing; import qa.index, qa.retrieve.search, qa.answer.endpoint;"
        "assert tracing.start() is None; assert tracing.span('a') is tracing.span('b');"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"
