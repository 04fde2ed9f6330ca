"""A process of its own that writes documents and verdicts: URL, index directory, name of the documents."""

from __future__ import annotations

import sys
from pathlib import Path

from store_samples import document, open_store

from qa.store import feedback
from qa.store.feedback import NewVerdict

if __name__ == "__main__":
    url, directory, name = sys.argv[1:]
    store = open_store(Path(directory), url=url)
    for number in range(8):
        store.add("default", [document(f"{name}{number}", [f"shared {name} {number}", "shared by all"])])
        feedback.add(store.database, NewVerdict("default", f"{name} {number}", "up"))
    store.close()
