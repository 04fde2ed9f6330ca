"""What an index of many passages costs: `python evals/scale.py DIR --passages 10000 100000 1000000`.

For each number the index in DIR grows to so many synthetic passages (`synthetic.py`), through the store's own `add`,
as an ingest would write them; then a fresh process measures it: disk, memory, searches with late interaction, recall of
the ANN stage against brute force. A build that was stopped goes on where it was. The store is the one that the settings
name (`QA_STORE`, `QA_DATABASE_URL`, …). One JSON object a number goes to DIR/figures.jsonl and to the screen.

Searches run in one thread, one after the other. Times are of the wall clock; `cpu` are seconds of the processor, which
other work on the machine does not lengthen as much.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from synthetic import BATCH, Synthetic, exact, load, questions

from qa.config import settings as read_settings
from qa.encode.load import statistics_for
from qa.index import Index
from qa.store.store import NewDocument, Snapshot
from qa.types import Filters, Language

ROOT = Path(__file__).parent
ARTICLES = ROOT / "training" / "articles.jsonl"
QUESTIONS, WARMING = 100, 20
LIMIT = 50
"""Of the ANN stage, as the lane asks for them."""
FILTERED = 15
QUIET = 5
"""Seconds for which a server has to have nothing left to index."""
LANGUAGES: tuple[Language, ...] = ("zh", "en")
COLLECTION = "scale"
_KEPT: list[Synthetic] = []
"""What the process that makes documents works with."""
STAGES = ("encode", "candidates", "rerank", "total")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--passages", type=int, nargs="+", default=[10_000])
    parser.add_argument("--only", choices=("build", "measure"), help="the one or the other, of what is there")
    parser.add_argument("--disk", type=Path, nargs="*", default=[], help="folders of servers, to be weighed too")
    parser.add_argument("--process", type=int, nargs="*", default=[], help="ids of servers' processes, likewise")
    asked = parser.parse_args()
    if asked.only == "measure":
        print(json.dumps(measured(asked.directory, asked.disk, asked.process), ensure_ascii=False))
        return
    for passages in sorted(asked.passages):
        built = build(asked.directory, passages)
        if asked.only == "build":
            continue
        again = [sys.executable, __file__, str(asked.directory), "--only", "measure"]
        again += ["--disk", *map(str, asked.disk), "--process", *map(str, asked.process)]
        figures = built | json.loads(subprocess.run(again, check=True, stdout=subprocess.PIPE).stdout)
        with (asked.directory / "figures.jsonl").open("a") as file:
            file.write(json.dumps(figures, ensure_ascii=False) + "\n")
        print(json.dumps(figures, indent=1, ensure_ascii=False), flush=True)


@contextmanager
def opened(directory: Path) -> Iterator[Index]:
    settings = read_settings().model_copy(update={"index_dir": directory / "index"})
    with Index.open(settings=settings) as index:
        yield index


def _synthetic(index: Index, directory: Path) -> Synthetic:
    statistics = statistics_for(index.encoder, index.settings)
    return Synthetic(load(directory, ARTICLES, index.encoder, statistics), statistics)


def build(directory: Path, passages: int) -> dict[str, Any]:
    """Let the index grow to ``passages``. What each batch took is kept, so that a build can be stopped."""
    with opened(directory) as index:
        store = index.store
        store.ensure_collection(COLLECTION)
        wanted = range(_batches(index), -(-passages // BATCH))
        for batch, documents in zip(wanted, ahead(_synthetic(index, directory), wanted), strict=True):
            _note(directory, "add", batch, _timed(lambda: store.add(COLLECTION, documents)))  # noqa: B023
        _note(directory, "publish", -1, _timed(lambda: store.publish(COLLECTION)))
        _note(directory, "index", -1, _timed(lambda: _settle(index)))
        return {"passages": _batches(index) * BATCH} | _spent(directory)


def _settle(index: Index) -> None:
    """Wait until a Milvus server has built the index over all that it was given; a local store has nothing to wait for.

    Milvus counts every version of a segment; what is pending ends at 0 all the same.
    """
    place, name = getattr(index.store, "place", None), getattr(index.store, "name", "")
    if place is None:
        return
    place.server.call("flush", lambda client, seconds: client.flush(name, timeout=seconds))
    quiet = 0
    while quiet < QUIET:
        told = place.server.call(
            "look", lambda client, seconds: client.describe_index(name, "centred", timeout=seconds)
        )
        done = int(told["pending_index_rows"]) == 0 and int(told["indexed_rows"]) >= _batches(index) * BATCH
        quiet = quiet + 1 if done else 0
        time.sleep(1)


def ahead(synthetic: Synthetic, batches: Sequence[int]) -> Iterator[list[NewDocument]]:
    """The documents of these batches, made by another process while one is written."""
    if not batches:
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(1, context, _keep, (synthetic,)) as pool:
        waiting = [pool.submit(_documents, batch) for batch in batches[:2]]
        for batch in [*batches[2:], None, None]:
            if waiting:
                yield waiting.pop(0).result()
            if batch is not None:
                waiting.append(pool.submit(_documents, batch))


def _keep(synthetic: Synthetic) -> None:
    _KEPT.append(synthetic)


def _documents(batch: int) -> list[NewDocument]:
    return _KEPT[0].documents(batch)


def _batches(index: Index) -> int:
    """How many batches the index holds: each is one transaction."""
    info = next(one for one in index.collections() if one.name == COLLECTION)
    return info.passages // BATCH


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of this process's processors."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def _note(directory: Path, what: str, batch: int, took: tuple[float, float]) -> None:
    with (directory / "build.jsonl").open("a") as file:
        file.write(json.dumps({"what": what, "batch": batch, "wall": took[0], "cpu": took[1]}) + "\n")
    if batch % 10 == 0:
        print(f"{(batch + 1) * BATCH:>9,}  {took[0]:.2f} s", file=sys.stderr, flush=True)


def _spent(directory: Path) -> dict[str, Any]:
    rows = [json.loads(line) for line in (directory / "build.jsonl").read_text().splitlines()]
    total = {f"build_{kind}": round(sum(row[kind] for row in rows), 1) for kind in ("wall", "cpu")}
    adds = np.array([row["wall"] for row in rows if row["what"] == "add"])
    return total | {"add_p50": round(float(np.median(adds)), 2), "add_most": round(float(adds.max()), 2)}


Took = dict[str, list[tuple[float, float]]]
"""Milliseconds by the clock and of the processor, by what was done."""


@contextmanager
def _noted(took: Took, name: str) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    took[name].append(((time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000))


class Watched:
    """A snapshot that notes how long each of its methods takes."""

    def __init__(self, snapshot: Snapshot, took: Took) -> None:
        self._snapshot = snapshot
        self._took = took

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._snapshot, name)
        if not callable(value):
            return value

        def timed(*arguments: Any) -> Any:
            with _noted(self._took, name):
                return value(*arguments)

        return timed


def measured(directory: Path, disk: Sequence[Path], processes: Sequence[int]) -> dict[str, Any]:
    with opened(directory) as index:
        asked = questions(ARTICLES, QUESTIONS + WARMING)
        index.encoder.encode_queries(asked[:1])
        figures: dict[str, Any] = {"memory_before_mb": _memory()}
        figures["open_s"] = round(_timed(lambda: index.store.snapshot(COLLECTION))[0], 2)
        figures["first_search_ms"] = round(_timed(lambda: _search(index, asked[0]))[0] * 1000)
        for question in asked[QUESTIONS:]:
            _search(index, question)
        figures["search_ms"] = _latencies(index, asked[:QUESTIONS])
        figures["memory_mb"] = _memory()
        synthetic = _synthetic(index, directory)
        figures["recall"] = _recall(index, synthetic, asked[:QUESTIONS])
        figures["filtered_ms"] = _filtered(index, asked[:FILTERED])
        figures["after_write_ms"] = _after_writes(index, synthetic, asked[0])
        figures["disk_mb"] = {path.name: _megabytes(path) for path in (directory / "index", *disk)}
        figures["files_mb"] = {path.name: _megabytes(path) for path in sorted((directory / "index").iterdir())}
        figures["servers_mb"] = {str(number): _memory(number) for number in processes}
        figures["segments"] = _segments(directory / "index")
        return figures


def _search(index: Index, question: str, took: Took | None = None, filters: Filters | None = None) -> None:
    """One search; what each of its stages took goes to ``took``, the methods of the snapshot summed up."""
    own: Took = defaultdict(list)
    with _noted(own, "whole search"):
        with _noted(own, "snapshot"):
            snapshot = index.store.snapshot(COLLECTION)
        ranking = index.lane.search(Watched(snapshot, own), question, top_k=5, filters=filters)  # type: ignore[arg-type]
        snapshot.close()
    if took is not None:
        for name, several in own.items():
            took[name].append((sum(wall for wall, _ in several), sum(cpu for _, cpu in several)))
        for stage in STAGES:
            took[stage].append((getattr(ranking.took_ms, stage), 0.0))


def _latencies(index: Index, asked: Sequence[str]) -> dict[str, Any]:
    took: Took = defaultdict(list)
    for question in asked:
        _search(index, question, took)
    return {name: _percentiles(several) for name, several in took.items()}


def _percentiles(took: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Of the clock's milliseconds, and the median of the processor's where they were taken."""
    p50, p95 = np.percentile([wall for wall, _ in took], (50, 95))
    cpu = np.median([cpu for _, cpu in took])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2), "cpu": round(float(cpu), 2)}


def _filtered(index: Index, asked: Sequence[str]) -> dict[str, Any]:
    filters = {"one in twenty": Filters(publisher="publisher 3"), "half": Filters(language="zh")}
    found = {}
    for name, filter in filters.items():
        took: Took = defaultdict(list)
        for question in asked:
            _search(index, question, took, filter)
        found[name] = {stage: _percentiles(took[stage]) for stage in ("allowed", "dense", "lexical", "whole search")}
    return found


def _recall(index: Index, synthetic: Synthetic, asked: Sequence[str]) -> dict[str, float]:
    """Mean share of the exact first ``LIMIT`` that the ANN stage finds, by language; what ties with the last counts."""
    batches = _batches(index)
    vectors = [index.lane.gatherer._vector(index.lane.question(question)) for question in asked]
    snapshot = index.store.snapshot(COLLECTION)
    shares = {}
    for language, name in enumerate(LANGUAGES):
        least = exact(synthetic, batches, np.stack(vectors), language, LIMIT)[1][:, -1]
        found = [snapshot.dense(vector, name, LIMIT, None).scores for vector in vectors]
        of = [int((scores >= last - 1e-5).sum()) / LIMIT for scores, last in zip(found, least, strict=True)]
        shares |= {name: round(float(np.mean(of)), 4), f"{name}_least": round(min(of), 2)}
    return shares


def _after_writes(index: Index, synthetic: Synthetic, question: str) -> dict[str, float]:
    """The first search after a document of other passages was added, and after it was deleted."""
    store, found = index.store, {}
    one = replace(synthetic.documents(10**6)[0], id="extra")
    works = {"add": lambda: store.add(COLLECTION, [one]), "delete": lambda: store.delete(COLLECTION, one.id)}
    for name, work in works.items():
        found[name] = round(_timed(work)[0] * 1000)
        found[f"search_after_{name}"] = round(_timed(lambda: _search(index, question))[0] * 1000)
    return found


def _memory(process: int | str = "self") -> dict[str, int]:
    """Resident megabytes of a process: of its own, and of files that are mapped (which the system may drop)."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return {name: int(lines[key].split()[0]) // 1000 for name, key in (("own", "RssAnon"), ("mapped", "RssFile"))}


def _megabytes(path: Path) -> float:
    paths = [path] if path.is_file() else [Path(at) / name for at, _, names in os.walk(path) for name in names]
    return round(sum(one.stat().st_size for one in paths) / 1e6, 1)


def _segments(index: Path) -> list[int]:
    """Passages of each segment of the local store."""
    manifest = index / "manifest.json"
    body = json.loads(manifest.read_text()) if manifest.exists() else {"collections": {}}
    return [entry["shape"]["passages"] for one in body["collections"].values() for entry in one["segments"]]


if __name__ == "__main__":
    main()
