"""Prometheus metrics of the service: one set for each app, or shared by the workers of `qa serve --workers`.

Labels are route templates (`/v1/documents/{document_id}`), never paths, so that their number is bounded.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from qa.retrieve.coverage import cached_words
from qa.retrieve.names import cached_names
from qa.types import Answer, SearchResult

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Names the directory through which worker processes share their counts (a convention of prometheus-client)."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_STAGES = ("encode", "candidates", "rerank", "total")
_LEVELS = tuple(step / 10 for step in range(1, 11))


class Metrics:
    """What is counted; ``text`` gives it in the exposition format."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter("qa_requests_total", "Requests answered", labels, registry=registry)
        self._seconds = Histogram(
            "qa_request_seconds", "Time to answer", ("route",), registry=registry, buckets=_SECONDS
        )
        self._stages = Histogram(
            "qa_search_seconds", "Time of each stage of a search", ("stage",), registry=registry, buckets=_SECONDS
        )
        self._confidence = Histogram(
            "qa_search_confidence", "Confidence of answers", registry=registry, buckets=_LEVELS
        )
        self._refused = Counter("qa_searches_refused_total", "Searches refused: the queue was full", registry=registry)
        self._waiting = _gauge("qa_searches_waiting", "Searches that wait for a thread", registry, mode="livesum")
        self._writing = _gauge("qa_answers_waiting", "Answers that wait for a model", registry, mode="livesum")
        self._jobs = Counter("qa_jobs_total", "Ingest jobs finished", ("state",), registry=registry)
        self._running = _gauge("qa_jobs_running", "Ingest jobs in hand", registry, mode="livesum")
        self._documents = _gauge("qa_documents", "Documents in the index", registry)
        self._generation = _gauge("qa_index_generation", "Generations published so far", registry)
        self._cached = Gauge(
            "qa_cache_lookups",
            "Look-ups in a cache since the start",
            ("cache", "found"),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._passages = _gauge("qa_passages", "Passages in the index", registry)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def searched(self, result: SearchResult | Answer) -> None:
        for stage in _STAGES:
            self._stages.labels(stage).observe(getattr(result.took_ms, stage) / 1000)
        self._confidence.observe(result.confidence)

    def refused(self) -> None:
        self._refused.inc()

    def waiting(self, count: int) -> None:
        self._waiting.set(count)

    def writing(self, waiting: int) -> None:
        self._writing.set(waiting)

    def job_running(self) -> AbstractContextManager[object]:
        """To be held while this process has a job in hand."""
        return self._running.track_inprogress()

    def job_ended(self, state: str) -> None:
        self._jobs.labels(state).inc()

    def text(self, documents: int, passages: int, generation: int) -> bytes:
        """Everything counted so far, with the index as it is now."""
        self._generation.set(generation)
        for cache, looked_up in (("names", cached_names()), ("words", cached_words())):
            for found, times in zip(("yes", "no"), looked_up, strict=True):
                self._cached.labels(cache, found).set(times)
        self._documents.set(documents)
        self._passages.set(passages)
        return generate_latest(self._readable())

    def _readable(self) -> CollectorRegistry:
        if SHARED not in os.environ:
            return self._registry
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return registry


def _gauge(name: str, about: str, registry: CollectorRegistry, mode: str = "mostrecent") -> Gauge:
    return Gauge(name, about, registry=registry, multiprocess_mode=mode)  # type: ignore[arg-type]
