"""How index.tar.gz was made: by the code of commit 56cb06b, the last that wrote tables of step 0001.

git worktree add /tmp/old 56cb06b && cd /tmp/old
PYTHONPATH=/tmp/old:/tmp/old/tests/store python .../tests/data/format-0001/make.py index.tar.gz
"""

from __future__ import annotations

import sys
import tarfile
import tempfile
from pathlib import Path

from store_samples import document, open_store


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
        store.set_meta("jobs", ["0" * 24])
        store.close()
        with tarfile.open(sys.argv[1], "w:gz") as archive:
            archive.add(path, "index")


if __name__ == "__main__":
    main()
