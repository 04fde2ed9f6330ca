"""What a head start for the other language wins and loses: ``python -m qa.evaluate.head_start FOLDER...``

FOLDER is in bench shape and holds its articles in both languages; what answers a question is what any of its qrels
files says. Every question that is answered in both is put to three collections, at each head start
(``fuse.Blend.head_start``): to all articles, to those without the articles in its own language that answer it, and to
those without the ones in the other. What is left out is kept out by a filter, so candidates are gathered anew in each.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from qa.config import settings
from qa.errors import EvalError
from qa.evaluate.ablation import blended
from qa.evaluate.bench import Bench
from qa.evaluate.measure import means
from qa.evaluate.run import Plan, Watch, benched
from qa.evaluate.scorecard import table
from qa.evaluate.trial import Room, Round
from qa.retrieve.fuse import SHIPPED

if TYPE_CHECKING:
    from qa.index import Index

VALUES = (0.0, 0.1, 0.15, 0.2, 0.25, 0.3)
BOTH, OTHER, OWN = "both", "other only", "own only"


@dataclass(frozen=True, slots=True)
class Figure:
    """Questions of one ``language``, put to one collection (``answered_by``) with one head start."""

    value: float
    language: str
    answered_by: str
    queries: int
    hit: float
    ndcg: float


def versions(bench: Bench) -> Iterator[tuple[str, Round]]:
    """Each question that articles in both languages answer, put to the three collections.

    Raises EvalError where no question is so answered.
    """
    languages = {article.id: article.language for article in bench.articles}
    found = False
    for query in bench.queries:
        right = _answering(bench, query.id)
        own = {name for name in right if languages[name] == query.language}
        if own and own != right:
            found = True
            everything = Round(query, f"{query.language}-all", None, (), dict.fromkeys(right, 1))
            yield BOTH, everything
            yield OTHER, _without(everything, own, languages)
            yield OWN, _without(everything, right - own, languages)
    if not found:
        raise EvalError(
            f"{bench.name} has no question that articles in both languages answer.",
            "Name a folder whose qrels*.tsv judge articles in Chinese and in English.",
        )


def sweep(index: Index, bench: Bench, collection: str, values: Sequence[float]) -> Iterator[Figure]:
    """The index holds the articles of the bench. Raises EvalError."""
    asked = list(versions(bench))
    for value in values:
        room = Room(blended(index, replace(SHIPPED, head_start=value)), bench, collection)
        outcomes = [(answered_by, room.outcome(one)) for answered_by, one in asked]
        for language in sorted({outcome.language for _, outcome in outcomes}):
            for wanted in (BOTH, OTHER, OWN):
                of_these = [o for answered_by, o in outcomes if (answered_by, o.language) == (wanted, language)]
                measured = means(table(of_these))
                yield Figure(value, language, wanted, len(of_these), measured["hit@1"], measured["ndcg@10"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print hit@1 and nDCG@10 by head start."""
    parser = argparse.ArgumentParser(prog="python -m qa.evaluate.head_start", description=main.__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="bench shape, both languages")
    parser.add_argument("--questions", type=int, help="a sample of about this many questions of each folder")
    parser.add_argument("--part", choices=("dev", "test", "all"), default="all", help="half of the needs (all)")
    parser.add_argument(
        "--value", type=float, action="append", metavar="V", help="a head start to try; may be repeated"
    )
    chosen = parser.parse_args(arguments)
    part = None if chosen.part == "all" else chosen.part
    watch = Watch(lambda said: None, lambda done, total: None, None, lambda skipped: None)
    for path in chosen.folders:
        if not path.is_dir():
            parser.error(f"{path} is no folder in bench shape")
        plan = Plan(path, part=part, questions=chosen.questions)
        try:
            with benched(plan, settings(), watch) as (index, bench):
                print(_text(path, sweep(index, bench, plan.collection, chosen.value or VALUES)))
        except EvalError as error:
            parser.error(f"{error.message} {error.hint}")


def _answering(bench: Bench, question: str) -> set[str]:
    judged = [direction.judgements.get(question, {}) for direction in bench.directions]
    return {name for judgements in judged for name, relevance in judgements.items() if relevance > 0}


def _without(one: Round, left_out: set[str], languages: Mapping[str, str]) -> Round:
    judgements = {name: relevance for name, relevance in one.judgements.items() if name not in left_out}
    return replace(one, candidates=tuple(name for name in languages if name not in left_out), judgements=judgements)


def _text(path: Path, figures: Iterator[Figure]) -> str:
    lines = [
        f"# {path.name}",
        "| head start | questions | answered by | number | hit@1 | nDCG@10 |",
        "|---|---|---|---|---|---|",
    ]
    for one in figures:
        said = (
            f"| {one.value:g} | {one.language} | {one.answered_by} | {one.queries} | {one.hit:.3f} | {one.ndcg:.3f} |"
        )
        lines.append(said)
    return "\n".join(lines)


if __name__ == "__main__":
    main()
