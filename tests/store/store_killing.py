"""Kills a process that writes to a store, again and again, and looks at what it left. Run by test_store_crash.py.

Prints one line of JSON a round. A process of its own: it forks, which is safe only before FAISS has used a thread.
Arguments: directory, rounds, seed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import faiss  # noqa: F401  (so that no forked process has to load it)
from store_samples import document, open_store

from qa.store.check import check
from qa.store.local import LocalStore
from qa.store.store import NewDocument

Versions = dict[str, int]


def version(identity: str, number: int) -> NewDocument:
    """Every passage of a version says which it is; how many there are follows from the number."""
    return document(identity, [f"{identity}v{number} p{place} {identity}" for place in range(1 + number % 4)])


def write(path: Path, seed: int, say: Callable[[str], None]) -> None:
    """Adds, replaces, deletes and publishes at random until killed, and says what is begun and done."""
    store, rng, number = open_store(path), random.Random(seed), seed * 1000
    store.ensure_collection("default")
    while True:
        identities = rng.sample([f"d{n}" for n in range(8)], rng.choice([1, 1, 2, 3]))
        number += 1
        if rng.random() < 0.25:
            change(store, {identities[0]: 0}, say)
        else:
            change(store, dict.fromkeys(identities, number), say)
        if rng.random() < 0.6:
            store.publish("default")


def change(store: LocalStore, wanted: Versions, say: Callable[[str], None]) -> None:
    """Version 0 stands for: deleted."""
    say("begin " + json.dumps(wanted))
    for identity in [identity for identity, number in wanted.items() if number == 0]:
        if store.documents_by_id("default", [identity]):
            store.delete("default", identity)
    store.add("default", [version(identity, number) for identity, number in wanted.items() if number])
    say("done " + json.dumps(wanted))


def look(path: Path) -> dict[str, object]:
    """What stands in the store, and everything that is wrong with it."""
    wrong: list[str] = []
    store = open_store(path)
    store.ensure_collection("default")
    snapshot = store.snapshot("default")
    versions: Versions = {}
    total = 0
    for listed in store.documents("default"):
        text = store.source_text("default", listed.id)
        number = int(text.split("\n")[0].split(" ")[0].split("v")[1])
        versions[listed.id] = number
        expected = version(listed.id, number)
        found = snapshot.lexical([f"{listed.id}v{number}"], 50, None).rows
        quotes = sorted(passage.quote for passage in snapshot.passages(found))
        total += len(quotes)
        if text != expected.source.text or quotes != sorted(text.split("\n")):
            wrong.append(f"{listed.id} is not whole: {quotes}")
        if len(snapshot.lexical([listed.id], 50, None).rows) != len(quotes):
            wrong.append(f"{listed.id} has passages of two versions")
    if snapshot.size != total or sum(snapshot.languages.values()) != total:
        wrong.append(f"{snapshot.size} passages live, {total} expected")
    wrong += [f"{problem.code}: {problem.where}: {problem.message}" for problem in check(store)]
    store.close()
    return {"versions": versions, "wrong": wrong}


def forked(work: Callable[[Callable[[str], None]], None]) -> tuple[int, int]:
    """Run in a process of its own; returns its number and where its lines can be read."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 1
        try:
            with os.fdopen(writing, "w", encoding="utf-8", buffering=1) as out:
                work(lambda line: print(line, file=out))
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    return child, reading


def lines_of(reading: int) -> list[str]:
    with os.fdopen(reading, encoding="utf-8") as file:
        return file.read().splitlines()


def killed_round(path: Path, seed: int, delay: float) -> list[str]:
    child, reading = forked(lambda say: write(path, seed, say))
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return lines_of(reading)


def looked_at(path: Path) -> dict[str, object]:
    child, reading = forked(lambda say: say(json.dumps(look(path))))
    _, status = os.waitpid(child, 0)
    lines = lines_of(reading)
    return json.loads(lines[0]) if lines and status == 0 else {"versions": {}, "wrong": ["could not be opened"]}


def main() -> None:
    path, rounds, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    for number in range(1, rounds + 1):
        said = killed_round(path, seed + number, rng.uniform(0.0, 0.5))
        print(json.dumps({"said": said} | looked_at(path)), flush=True)


if __name__ == "__main__":
    main()
