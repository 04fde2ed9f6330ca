"""What somebody finds who may read an index and not write: after a kill, and again after it was opened to write."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crash_stage import Stage

from qa.errors import CiteqaError
from qa.index import Index
from qa.store.keys import Keys

REFUSED = "index_read_only"
_NOBODY = 65534


@contextmanager
def locked_up(directory: Path) -> Iterator[None]:
    """Nobody may write there, but for root."""
    before = {path: path.stat().st_mode for path in (directory, *directory.rglob("*"))}
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield
    finally:
        for path, mode in before.items():
            path.chmod(mode)


def seen_by_a_reader(stage: Stage, directory: Path) -> dict[str, Any]:
    """In a process of its own, which gives its rights up: ``refused``, the code of the error that opening met; or
    ``results`` of the probes and ``writes``, what each change was answered with."""
    if os.geteuid() == 0:
        # Modules and codecs that are loaded late may lie where only root reads: do the same to a copy before.
        copy = stage.root / "rehearsal"
        shutil.copytree(directory, copy)
        _used(stage, copy)
        shutil.rmtree(copy)
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    return _used(stage, directory)


def _used(stage: Stage, directory: Path) -> dict[str, Any]:
    try:
        with stage.opened(directory) as index:
            return {"results": stage.results(index), "writes": _writes(stage, index)}
    except CiteqaError as error:
        return {"refused": error.code}


def _writes(stage: Stage, index: Index) -> list[str]:
    held = {one.name: index.source_text(one.id) for one in index.documents(limit=1000)}
    versions = (stage.source(stage.names[0], version) for version in (1, 2))
    source = next(each for each in versions if each.text != held.get(each.name))
    changes: list[Callable[[], object]] = [
        lambda: index.ingest_sources([source]),
        lambda: index.create_collection("more"),
        lambda: index.store.set_meta("trial", -1),
        lambda: Keys(index.store.database).create("never"),
    ]
    changes += [lambda one=one: index.delete(one.id) for one in index.documents(limit=1)]  # type: ignore[misc]
    return [_code(change) for change in changes]


def _code(change: Callable[[], object]) -> str:
    try:
        change()
    except CiteqaError as error:
        return error.code
    return "done"


def problems(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """``first``: seen of what a kill left, where a log that was not merged may be refused; ``second``: of the same
    index after a writer had opened and closed it, which must be readable."""
    wrong = [f"a reader wrote: {seen['writes']}" for seen in (first, second) if set(seen.get("writes", ())) - {REFUSED}]
    if first.get("refused", REFUSED) != REFUSED:
        wrong.append(f"a reader met {first['refused']} after the kill")
    if "results" not in second:
        wrong.append(f"a reader met {second.get('refused', 'a failure')} after a clean end")
    elif first.get("results", second["results"]) != second["results"]:
        wrong.append("a reader found something else after the kill")
    return wrong
