"""`qa bench`: what this machine gives. Encoding by both paths in turns, searches one by one and under load, memory.

The articles go into an index of their own in a temporary directory. Questions are the passages' own first words, each
asked once, so that nothing answers from a cache.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from qa.commands.output import encoder_note, json, note, out, watched
from qa.config import Settings
from qa.config import settings as read_settings
from qa.errors import InputError
from qa.messages import say

if TYPE_CHECKING:
    from qa.encode.encoder import Encoder, Floats
    from qa.index import Index

ROUNDS: Final = 3
"""Turns of each path; the best turn counts, as the machine is shared."""
MAX_PASSAGES: Final = 200
"""Passages encoded in each turn."""
QUESTIONS: Final = 200
QUESTION_CHARS: Final = 24
STAGES: Final = ("encode", "candidates", "rerank", "total")


@dataclass(frozen=True, slots=True)
class Pace:
    """One encoder: bulk rate, and the time of one question (median, ms)."""

    passages_per_second: float
    query_ms: float


@dataclass(frozen=True, slots=True)
class Cosine:
    """Agreement of the fast path's passage vectors with those of the torch path (fp32)."""

    mean: float
    least: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Load:
    threads: int
    seconds: float
    searches_per_second: float
    latency_ms: Latency


@dataclass(frozen=True, slots=True)
class Figures:
    """All that was measured. ``memory_mb``: resident set of the process with the fast path alone, after the load."""

    passages: int
    characters: int
    ingest_seconds: float
    search_ms: dict[str, Latency]
    load: Load
    memory_mb: float
    fast: Pace
    torch: Pace
    speedup: float
    query_share: float
    cosine: Cosine


def bench(folder: str | None, threads: int, seconds: float, as_json: bool) -> None:
    settings = read_settings()
    figures = measure(Path(folder) if folder else settings.corpus_dir, settings, threads, seconds)
    if as_json:
        json(asdict(figures))
    else:
        _print(figures)


def measure(folder: Path, settings: Settings, threads: int, seconds: float) -> Figures:
    """Everything about the fast path first, in a process that has not loaded torch. Raises InputError, ReadError."""
    with _scratch(folder, settings) as (index, took):
        texts = _texts(index)
        note(say("bench.search", count=min(QUESTIONS, len(texts))))
        latencies = _latencies(index, texts)
        note(say("bench.load", threads=threads, seconds=seconds))
        load = _load(index, texts, threads, seconds)
        memory = _resident_mb()
        fast, torch, cosine = _race(index.encoder, settings, texts[:MAX_PASSAGES])
    return Figures(
        passages=len(texts),
        characters=sum(map(len, texts)),
        ingest_seconds=round(took, 2),
        search_ms=latencies,
        load=load,
        memory_mb=round(memory, 1),
        fast=fast,
        torch=torch,
        speedup=round(fast.passages_per_second / torch.passages_per_second, 2),
        query_share=round(fast.query_ms / torch.query_ms, 3),
        cosine=cosine,
    )


@contextmanager
def _scratch(folder: Path, settings: Settings) -> Iterator[tuple[Index, float]]:
    """An index of ``folder`` by the fast path, and the seconds that the ingest took."""
    from qa.index import Index

    with TemporaryDirectory(prefix="qa-bench-") as directory:
        chosen = settings.model_copy(
            update={"engine": "fast", "index_dir": Path(directory), "database_url": SecretStr("")}
        )
        with Index.open(settings=chosen, progress=encoder_note) as index:
            began = time.perf_counter()
            with watched() as watch:
                report = index.ingest(folder, progress=watch)
            took = time.perf_counter() - began
            if not report.passages:
                raise InputError(f"There is nothing to measure with in {folder}.", "Name a folder of articles.")
            yield index, took


def _texts(index: Index) -> list[str]:
    documents = index.documents(limit=1000)
    return [passage.search_text for one in documents for passage in index.passages(one.id)]


def _questions(texts: Sequence[str]) -> list[str]:
    return [text[:QUESTION_CHARS] for text in texts]


def _latencies(index: Index, texts: Sequence[str]) -> dict[str, Latency]:
    results = [index.search(question) for question in _questions(texts)[:QUESTIONS]]
    return {stage: _latency([getattr(result.took_ms, stage) for result in results]) for stage in STAGES}


def _load(index: Index, texts: Sequence[str], threads: int, seconds: float) -> Load:
    questions = _questions(texts)
    took: list[list[float]] = [[] for _ in range(threads)]
    end = time.perf_counter() + seconds

    def ask(number: int) -> None:
        turn = number
        while (began := time.perf_counter()) < end:
            index.search(questions[turn % len(questions)])
            took[number].append((time.perf_counter() - began) * 1000)
            turn += threads

    workers = [threading.Thread(target=ask, args=(number,)) for number in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    passed = time.perf_counter() - began
    every = [one for each in took for one in each]
    return Load(threads, round(passed, 2), round(len(every) / passed, 1), _latency(every))


def _race(fast: Encoder, settings: Settings, texts: Sequence[str]) -> tuple[Pace, Pace, Cosine]:
    """Both paths encode the same texts in turns, so that other work on the machine slows both."""
    from qa.encode.load import load

    torch = load(settings.model_copy(update={"engine": "torch"}), progress=encoder_note)
    note(say("bench.encode", count=len(texts)))
    encoders = (fast, torch)
    bulk = [min(turn) for turn in zip(*(_bulk_turn(encoders, texts) for _ in range(ROUNDS)), strict=True)]
    single = [_single(encoder, texts) for encoder in encoders]
    paces = [Pace(round(len(texts) / took, 1), round(ms, 2)) for took, ms in zip(bulk, single, strict=True)]
    return paces[0], paces[1], _agreement(*(_vectors(encoder, texts) for encoder in encoders))


def _bulk_turn(encoders: Sequence[Encoder], texts: Sequence[str]) -> list[float]:
    return [_seconds(lambda encoder=encoder: encoder.encode_passages(texts)) for encoder in encoders]  # type: ignore[misc]


def _single(encoder: Encoder, texts: Sequence[str]) -> float:
    """Median milliseconds of encoding one question."""
    questions = _questions(texts)[:50]
    encoder.encode_queries(questions[:2])
    return _latency([_seconds(lambda: encoder.encode_queries([question])) * 1000 for question in questions]).p50  # noqa: B023


def _vectors(encoder: Encoder, texts: Sequence[str]) -> Floats:
    import numpy as np

    return np.stack([encoded.vector for encoded in encoder.encode_passages(texts)])


def _agreement(one: Floats, other: Floats) -> Cosine:
    cosines = (one * other).sum(axis=1)
    return Cosine(round(float(cosines.mean()), 4), round(float(cosines.min()), 4))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _latency(milliseconds: Sequence[float]) -> Latency:
    import numpy as np

    p50, p95 = np.percentile(milliseconds, (50, 95))
    return Latency(round(float(p50), 2), round(float(p95), 2))


def _resident_mb() -> float:
    """Resident memory of this process now; where the system does not say, the most it ever had. MB are 10^6 bytes."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        import resource
        import sys

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / (1e6 if sys.platform == "darwin" else 1e3)
    import os

    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _print(figures: Figures) -> None:
    for name, pace in (("fast", figures.fast), ("torch", figures.torch)):
        rate, query = say("bench.rate", rate=pace.passages_per_second), say("bench.query", ms=pace.query_ms)
        out(f"{say(f'bench.{name}')}: {rate}, {query}")
    out(f"× {figures.speedup:.2f}; {say('bench.cosine', mean=figures.cosine.mean, least=figures.cosine.least)}")
    for stage, latency in figures.search_ms.items():
        out(f"{stage:<12} p50 {latency.p50:7.2f} ms   p95 {latency.p95:7.2f} ms")
    load = figures.load
    out(say("bench.load", threads=load.threads, seconds=load.seconds))
    out("  " + say("bench.rates", rate=load.searches_per_second, p95=load.latency_ms.p95))
    out(say("bench.memory", rss=figures.memory_mb))
