"""Writes a sample of a folder in bench shape: ``python evals/sample.py FOLDER DIR --questions 400 --articles 1500``.

For folders that are too large to be indexed whole: some of the questions, every article that answers one of them, and
of the others as many as are asked for. The draw has a fixed seed, so that anybody gets the same sample.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SEED = 0
HEADER = "query-id"

Json = dict[str, Any]


def drawn(rows: Sequence[Json]) -> list[Json]:
    """``rows`` in the order in which they are taken."""
    mixed = list(rows)
    random.Random(SEED).shuffle(mixed)
    return mixed


def sample(folder: Path, to: Path, questions: int, articles: int) -> tuple[int, int]:
    """Write the sample; returns how many questions and articles it has. Files of judgements keep their names.

    Articles that answer are all kept, also where they are more than ``articles``. Raises OSError, ValueError.
    """
    asked = drawn(rows_of(folder / "queries.jsonl"))[:questions]
    wanted = {str(question["id"]) for question in asked}
    judged = {path.name: _lines(path, wanted) for path in sorted(folder.glob("qrels*.tsv"))}
    right = {line.split("\t")[1] for lines in judged.values() for line in lines if not line.startswith(HEADER)}
    corpus = rows_of(folder / "corpus.jsonl")
    answering = [article for article in corpus if str(article["id"]) in right]
    others = drawn([article for article in corpus if str(article["id"]) not in right])
    kept = answering + others[: max(0, articles - len(answering))]
    to.mkdir(parents=True, exist_ok=True)
    for name, rows in (("corpus.jsonl", kept), ("queries.jsonl", asked)):
        (to / name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    for name, lines in judged.items():
        (to / name).write_text("\n".join(lines) + "\n", "utf-8")
    return len(asked), len(kept)


def rows_of(path: Path) -> list[Json]:
    """The rows of a .jsonl file. Raises OSError, ValueError."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the sample and say how large it is."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("to", type=Path, metavar="DIR")
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--articles", type=int, default=1500)
    chosen = parser.parse_args(arguments)
    try:
        questions, articles = sample(chosen.folder, chosen.to, chosen.questions, chosen.articles)
    except (OSError, ValueError, KeyError, IndexError) as error:
        sys.exit(f"{chosen.folder} is no folder in bench shape, or {chosen.to} cannot be written: {error}")
    print(f"{chosen.to}: {questions} questions, {articles} articles")


def _lines(path: Path, wanted: set[str]) -> list[str]:
    """The line that names the columns, where there is one, and the judgements of ``wanted`` questions."""
    lines = [line for line in path.read_text("utf-8").split("\n") if line]
    return [line for line in lines if line.startswith(HEADER) or line.split("\t")[0] in wanted]


if __name__ == "__main__":
    main()
