"""What a killed writer left: opened as any program would, and held against what was said to be done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crash_stage import Stage
from crash_writer import State, backup_file

from qa.index import Index
from qa.store import builds
from qa.store.backup import verify
from qa.store.check import check, repair
from qa.store.keys import Keys


def looked_at(stage: Stage, directory: Path, possible: list[State], harmed: bool) -> dict[str, Any]:
    """``stands``: which of the possible states it is, None for none; ``wrong``: whatever is.

    ``harmed``: the writer may have damaged a derived file on purpose, which is repaired first."""
    wrong: list[str] = []
    if harmed:
        wrong += [f"not repaired: {problem.where}: {problem.message}" for problem in repair(directory)]
    with stage.opened(directory) as index:
        index.store.ensure_collection("default")
        docs = _documents(stage, index, wrong)
        found = _found(index, docs)
        stands = next((state for state in possible if _is(stage, possible[0], state, found)), None)
        if stands is None:
            wrong.append(f"{found} is none of {possible}")
        else:
            stands = stands | {"build": found["build"]}
        _look_at_searches(stage, index, docs, wrong)
        if stage.results(index) != stage.fresh_results(docs):
            wrong.append("a new index of the same documents finds something else")
        wrong += [f"{problem.code}: {problem.where}: {problem.message}" for problem in check(index.store)]
    wrong += [f"doctor: {problem.code}: {problem.where}: {problem.message}" for problem in check(directory)]
    _look_at_backup(directory, stands, wrong)
    return {"stands": stands, "wrong": wrong}


def _found(index: Index, docs: list[tuple[str, int]]) -> dict[str, Any]:
    return {
        "docs": dict(docs),
        "trash": sorted(one.id for one in index.deleted()),
        "note": index.store.meta("trial") or 0,
        "keys": {key.label: key.revoked is None for key in Keys(index.store.database).list()},
        "build": builds.read_place(index.store.root).build,
    }


def _is(stage: Stage, held: State, state: State, found: dict[str, Any]) -> bool:
    """``held`` is the state before: what a new build is called is not known beforehand."""
    trash = sorted(stage.id_of(name) for name in state["trash"])
    same = all(state[name] == found[name] for name in ("docs", "note", "keys")) and trash == found["trash"]
    build = found["build"] != held["build"] if state["build"] == "?" else state["build"] == found["build"]
    return same and build


def _documents(stage: Stage, index: Index, wrong: list[str]) -> list[tuple[str, int]]:
    """Every document that is listed, whole, and which version it is."""
    docs = []
    for listed in index.documents(limit=1000):
        text = index.source_text(listed.id)
        versions = [version for version in (1, 2, 3) if stage.source(listed.name, version).text == text]
        if len(versions) != 1:
            wrong.append(f"{listed.name} is no version of it")
            continue
        docs.append((listed.name, versions[0]))
        passages = index.passages(listed.id)
        if len(passages) != listed.passages or any(text[p.start : p.end] != p.quote for p in passages):
            wrong.append(f"{listed.name} is not whole")
    return docs


def _look_at_searches(stage: Stage, index: Index, docs: list[tuple[str, int]], wrong: list[str]) -> None:
    """Each document answers what it is asked for; nothing that is not there is ever found."""
    living = {stage.id_of(name) for name, _ in docs}
    for name, version in docs:
        hits = index.search(stage.probes[f"{name} {version}"], top_k=10).hits
        cited = {hit.citation.document_id for hit in hits}
        cited |= {also.document_id for hit in hits for also in hit.citation.also_in}
        if stage.id_of(name) not in cited:
            wrong.append(f"{name} is not found")
        if not cited <= living:
            wrong.append(f"found although deleted: {cited - living}")
    snapshot = index.store.snapshot("default")
    if snapshot.size != sum(len(index.passages(stage.id_of(name))) for name, _ in docs):
        wrong.append(f"{snapshot.size} passages can be found")
    snapshot.close()


def _look_at_backup(directory: Path, stands: State | None, wrong: list[str]) -> None:
    """The last backup that was said to be done is whole."""
    if stands is not None and stands["saved"] is not None:
        if backup_file(directory, stands["saved"]).exists():
            verify(backup_file(directory, stands["saved"]))
        else:
            wrong.append("the backup is gone")
