"""How index.tar.gz was made: by the code of commit 27e1c39, the last that kept jobs as notes and uploads as files.

git worktree add /tmp/old 27e1c39 && cd /tmp/old
PYTHONPATH=/tmp/old:/tmp/old/tests/store python .../tests/data/format-0004/make.py index.tar.gz
"""

from __future__ import annotations

import io
import sys
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from qa.service.spool import Batch, Item, Spool
from store_samples import document, open_store

from qa.service.jobs import Jobs
from qa.service.metrics import Metrics


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "index"
        store = open_store(path)
        store.create_collection("default")
        store.create_collection("other")
        store.add("default", [document("a", ["one two", "two three"]), document("b", ["three four"])])
        store.publish("default")
        store.add("default", [document("c", ["four five"])])
        store.delete("default", "b")
        store.add("other", [document("a", ["six seven"])])
        store.set_meta("calibration", {"bias": 1})
        spool = Spool(path / "uploads")
        jobs = Jobs(SimpleNamespace(store=store, settings=SimpleNamespace(max_file_mb=1)), spool, Metrics())
        ended, failed, begun, waiting = (
            jobs.submit("default", [Item("a.txt", file="0"), Item("t", title="t", text="text")], [io.BytesIO(b"bytes")])
            for _ in range(4)
        )
        report = {"added": ["a"]}
        jobs.note(
            replace(ended, state="done", attempts=1, started=ended.created, finished=ended.created, report=report)
        )
        error = {"code": "busy", "message": "m", "hint": "h"}
        jobs.note(replace(failed, state="failed", attempts=3, finished=ended.created, error=error))
        jobs.note(replace(begun, state="running", attempts=2, started=ended.created, progress={"stage": "read"}))
        for job in (ended, failed):
            spool.drop(job.id)
        spool.put("ab" * 12, Batch("other", ended.created, (Item("unnoted", title="u", text="u"),)), ())
        print(ended.id, failed.id, begun.id, waiting.id)
        store.close()
        with tarfile.open(sys.argv[1], "w:gz") as archive:
            archive.add(path, "index")


if __name__ == "__main__":
    main()
