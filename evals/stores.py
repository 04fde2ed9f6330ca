"""The shipped questions put to the same articles in every store: `python evals/stores.py DIR`.

Local (FAISS), a milvus-lite server and Milvus 2.3.5, both started here from their packages (tests/milvus_servers.py);
with `--uri`, a server that runs already in their place. For each store: how many questions have a right passage first
(hit@1), by language, and how many give another passage first, or another confidence, than the local store. Exit code 1
where hit@1 differs by more than one question in a language.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from pydantic import SecretStr

from qa.config import Settings
from qa.evaluate import dataset, own
from qa.evaluate.outcome import Outcome, ranked
from qa.index import Index

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import milvus_servers  # noqa: E402

QUESTIONS, ARTICLES = ROOT / "evals" / "questions.jsonl", ROOT / "corpus" / "articles"
COLLECTION = "default"
WITHIN = 1
"""Questions of a language."""


@dataclass(frozen=True, slots=True)
class Standing:
    """``right``: questions with a right passage first, by language, out of ``asked``."""

    outcomes: tuple[Outcome, ...]
    right: Counter[str]
    asked: Counter[str]
    milliseconds: float


def main() -> int:
    arguments = _parser().parse_args()
    chosen = dataset.load(QUESTIONS)
    found: dict[str, Standing] = {}
    for name, settings in _stores(arguments.directory, arguments.uri):
        with settings as used, Index.open(settings=used) as index:
            index.ingest(ARTICLES, collection=COLLECTION)
            found[name] = _standing(own.ask(index, chosen, collection=COLLECTION, tell=lambda done, of: None).outcomes)
        print(json.dumps(_line(name, found[name], found["local"])), flush=True)
    return int(any(_differs(one, found["local"]) for one in found.values()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("directory", type=Path, help="an empty directory for indexes and servers")
    parser.add_argument("--uri", help="a Milvus server that runs already")
    return parser


def _stores(directory: Path, uri: str | None) -> Iterator[tuple[str, AbstractContextManager[Settings]]]:
    yield "local", _settings(directory / "local")
    if uri is not None:
        yield uri, _settings(directory / "milvus", uri)
        return
    for name, missing, start in (
        ("milvus-lite", milvus_servers.lite_missing, milvus_servers.start_lite),
        ("milvus 2.3.5", milvus_servers.standalone_missing, milvus_servers.start_standalone),
    ):
        if reason := missing():
            print(json.dumps({"store": name, "not run": reason}))
        else:
            place = directory / name.replace(" ", "-")
            yield name, _started(place, start)


@contextmanager
def _started(place: Path, start: Callable[[Path], milvus_servers.Running]) -> Iterator[Settings]:
    running = start(place / "server")
    try:
        with _settings(place / "index", running.uri) as settings:
            yield settings
    finally:
        running.stop()


@contextmanager
def _settings(index: Path, uri: str = "") -> Iterator[Settings]:
    if not uri:
        yield Settings(index_dir=index, store="local", database_url=SecretStr(""))
        return
    alias = f"eval_{uuid4().hex[:8]}"
    yield Settings(index_dir=index, store="milvus", milvus_uri=uri, milvus_alias=alias, database_url=SecretStr(""))


def _standing(outcomes: tuple[Outcome, ...]) -> Standing:
    answerable = ranked(outcomes)
    right = Counter(one.language for one in answerable if set(one.ranking[:1]) & one.judgements.keys())
    total = [one.took.total for one in outcomes]
    return Standing(outcomes, right, Counter(one.language for one in answerable), sum(total) / len(total))


def _line(name: str, one: Standing, local: Standing) -> dict[str, object]:
    pairs = list(zip(one.outcomes, local.outcomes, strict=True))
    return {
        "store": name,
        "hit@1": {language: f"{one.right[language]}/{one.asked[language]}" for language in sorted(one.asked)},
        "another passage first": sum(_first(ours) != _first(theirs) for ours, theirs in pairs),
        "confidence off by": max(abs(ours.confidence - theirs.confidence) for ours, theirs in pairs),
        "ms a search": round(one.milliseconds, 1),
    }


def _first(outcome: Outcome) -> str:
    return outcome.returned[0].text if outcome.returned else ""


def _differs(one: Standing, local: Standing) -> bool:
    return any(abs(one.right[language] - local.right[language]) > WITHIN for language in one.asked | local.asked)


if __name__ == "__main__":
    sys.exit(main())
