"""What the crash trial plays with: real articles in several versions, and an encoder that remembers what it encoded.

A process that has loaded the encoder forks for every life of a writer. The encoder computes on one thread, so that a
forked process can use it; vectors that were computed before are looked up.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from qa.config import Settings
from qa.encode import load
from qa.encode.encoder import Encoded, Encoder
from qa.index import Index
from qa.ingest.pipeline import document_id
from qa.ingest.read import read_bytes
from qa.retrieve.glossary import Glossary
from qa.types import Source

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = 3
COLLECTION = "default"
Docs = dict[str, int]


class Remembering:
    """The encoder, with what it has encoded already."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.known: dict[tuple[str, str], Encoded] = {}

    name = property(lambda self: self._encoder.name)
    fingerprint = property(lambda self: self._encoder.fingerprint)
    dims = property(lambda self: self._encoder.dims)
    max_tokens = property(lambda self: self._encoder.max_tokens)

    def count_tokens(self, text: str) -> int:
        return self._encoder.count_tokens(text)

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        return self._encoder.token_offsets(text)

    def encode_queries(self, texts: Sequence[str]) -> list[Encoded]:
        return self._encoded("query", texts, self._encoder.encode_queries)

    def encode_passages(self, texts: Sequence[str]) -> list[Encoded]:
        return self._encoded("passage", texts, self._encoder.encode_passages)

    def _encoded(
        self, kind: str, texts: Sequence[str], work: Callable[[Sequence[str]], list[Encoded]]
    ) -> list[Encoded]:
        for text in texts:
            if (kind, text) not in self.known:
                self.known[kind, text] = work([text])[0]
        return [self.known[kind, text] for text in texts]


def articles() -> dict[str, str]:
    """The raw articles where they are at hand, else the shipped digests."""
    shared = Path(os.environ.get("QA_SHARED", ROOT.parent / "shared")) / "articles"
    folder = shared if shared.is_dir() else ROOT / "corpus" / "articles"
    found = {
        path.name: path.read_text(encoding="utf-8")
        for path in sorted(folder.iterdir())
        if path.suffix in (".txt", ".md")
    }
    assert found
    return found


def _but_glossaries(names: Sequence[str]) -> list[str]:
    wanted = ("glossary", "files.json")
    return [name for name in names if not name.startswith(wanted)]


class Stage:
    """``root``: a directory of the trial's own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.texts = articles()
        self.names = tuple(self.texts)
        self.encoder = Remembering(load.load(Settings(threads=1)))
        statistics = load.statistics_for(self.encoder, Settings(threads=1))
        self.probes: dict[str, str] = {}
        load.load = lambda settings, progress=None: self.encoder  # type: ignore[assignment]
        load.statistics_for = lambda encoder, settings, progress=None: statistics
        # Somebody else reads it too, who may not enter this user's own cache.
        Glossary.open(Settings().cache_dir).close()
        shutil.copytree(Settings().cache_dir, root / "cache", ignore=lambda _, names: _but_glossaries(names))
        self._sources: dict[tuple[str, int], Source] = {}

    def source(self, name: str, version: int) -> Source:
        """Version 1 is the article; each other lacks some of its lines."""
        if (name, version) not in self._sources:
            lines = self.texts[name].splitlines()
            kept = [
                line for place, line in enumerate(lines) if place < 3 or version == 1 or place % VERSIONS != version - 2
            ]
            self._sources[name, version] = read_bytes(name, "\n".join(kept).encode())
        return self._sources[name, version]

    def id_of(self, name: str) -> str:
        return document_id(COLLECTION, self.source(name, 1))

    def settings(self, directory: Path) -> Settings:
        return Settings(index_dir=directory, cache_dir=self.root / "cache", threads=1)

    def opened(self, directory: Path) -> Index:
        return Index.open(directory, settings=self.settings(directory))

    def prepare(self) -> None:
        """Encode every version of every article, and choose what each is asked for. In a process of its own."""
        with self.opened(self.root / "scratch") as index:
            for version in range(1, VERSIONS + 1):
                index.ingest_sources([self.source(name, version) for name in self.names])
                for name in self.names:
                    found = index.passages(self.id_of(name))
                    self.probes[f"{name} {version}"] = found[len(found) // 2].search_text[:80]
            for question in self.probes.values():
                index.search(question)
        (self.root / "prepared").write_bytes(pickle.dumps((self.encoder.known, self.probes)))

    def recall(self) -> None:
        self.encoder.known, self.probes = pickle.loads((self.root / "prepared").read_bytes())

    def fresh_results(self, docs: list[tuple[str, int]]) -> list[object]:
        """What a new index of these documents finds; remembered from one life to the next."""
        key = hashlib.sha256(repr(docs).encode()).hexdigest()
        kept = self.root / f"fresh-{key}"
        if not kept.exists():
            with self.opened(self.root / f"making-{key}") as index:
                index.ingest_sources([self.source(name, version) for name, version in docs])
                kept.write_bytes(pickle.dumps(self.results(index)))
        found: list[object] = pickle.loads(kept.read_bytes())
        return found

    def results(self, index: Index) -> list[object]:
        """Everything the probes find: documents, places, scores."""
        return [
            (question, hit.citation.document_id, hit.citation.start, hit.citation.end, round(hit.score, 5))
            for question in sorted(set(self.probes.values()))
            for hit in index.search(question, top_k=5).hits
        ]
