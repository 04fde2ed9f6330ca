"""Reads a store without the right to write. Run by test_store_readonly.py; prints one line of JSON.

Arguments: directory, which the caller has made read-only; another index, writable. Run as root it gives up its rights
first, and uses the other index before that: modules that are loaded late may lie where only root reads.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from store_samples import document, encoding, open_store

from qa.errors import CiteqaError
from qa.store.check import check


def main() -> None:
    path = Path(sys.argv[1])
    if os.geteuid() == 0:
        look(Path(sys.argv[2]))
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    print(json.dumps(look(path)))


def look(path: Path) -> dict[str, object]:
    try:
        store = open_store(path)
    except CiteqaError as error:
        return {"open": error.code, "hint": error.hint}
    snapshot = store.snapshot("default")
    dense = snapshot.dense(encoding("one two").centred, "en", 3, None)
    return {
        "size": snapshot.size,
        "first": snapshot.passages(dense.rows)[0].quote,
        "lexical": len(snapshot.lexical(["two"], 3, None).rows),
        "write": [
            refused(lambda: store.add("default", [document("x", ["y"])])),
            refused(lambda: store.delete("default", "a")),
            refused(lambda: store.create_collection("more")),
        ],
        "problems": [problem.code for problem in check(store)],
    }


def refused(work: object) -> str:
    try:
        work()  # type: ignore[operator]
    except CiteqaError as error:
        return error.code
    return "done"


if __name__ == "__main__":
    main()
