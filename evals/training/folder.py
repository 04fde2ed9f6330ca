"""Writes the articles as a folder for ``qa eval``: ``python evals/training/folder.py DIR [--held-out]``.

All articles are there to be found, in each of the four directions. Questions are asked of the articles that the adapter
is trained on, or, with ``--held-out``, of every ninth, which no training step sees. What a paragraph does not answer is
asked too.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import written

LANGUAGES = ("zh", "en")

Json = dict[str, Any]


def corpus(articles: list[Json]) -> Iterator[Json]:
    """One row a paragraph and language."""
    for article in articles:
        for number, paragraph in enumerate(article["paragraphs"]):
            for language in LANGUAGES:
                identity = f"{article['id']}.{number}.{language}"
                yield {
                    "id": identity,
                    "title": article[f"title_{language}"],
                    "text": paragraph[language],
                    "lang": language,
                }


def chosen(articles: list[Json], held_out: bool) -> list[Json]:
    return [a for i, a in enumerate(articles) if written.held_out(i) == held_out]


def queries(articles: list[Json]) -> Iterator[tuple[Json, str | None]]:
    """Rows of queries.jsonl, each with the paragraph that answers it."""
    for article in articles:
        for number, paragraph in enumerate(article["paragraphs"]):
            for place, question in enumerate([*paragraph["questions"], paragraph["unanswerable"]]):
                answered = place < len(paragraph["questions"])
                for language in LANGUAGES:
                    need = f"{article['id']}.{number}.{place}"
                    row = {"id": f"{need}.{language}", "need": need, "text": question[language], "lang": language}
                    answers = [question[f"answer_{held}"] for held in LANGUAGES] if answered else []
                    yield (
                        row | {"answerable": answered, "answers": answers},
                        f"{article['id']}.{number}" if answered else None,
                    )


def write(folder: Path, held_out: bool) -> None:
    """corpus.jsonl, queries.jsonl and a file of judgements for each direction."""
    folder.mkdir(parents=True, exist_ok=True)
    articles = written.read(written.ARTICLES)
    asked = list(queries(chosen(articles, held_out)))
    _write(folder / "corpus.jsonl", [json.dumps(row, ensure_ascii=False) for row in corpus(articles)])
    _write(folder / "queries.jsonl", [json.dumps(row, ensure_ascii=False) for row, _ in asked])
    for language in LANGUAGES:
        for held in LANGUAGES:
            judged = [f"{row['id']}\t{gold}.{held}\t1" for row, gold in asked if gold and row["lang"] == language]
            _write(folder / f"qrels.{language}-{held}.tsv", ["query-id\tcorpus-id\tscore", *judged])


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--held-out", action="store_true", help="ask only of the articles that are not trained on")
    arguments = parser.parse_args()
    write(arguments.folder, arguments.held_out)


if __name__ == "__main__":
    main()
