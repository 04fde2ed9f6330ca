"""How little or much hangs on the weights within a language: ``python -m qa.evaluate.sweep SET...``

Every blend of the weights that ``--vary`` names, the others as shipped, ranks the candidates that the shipped lane
holds best (``blend.PER_QUESTION``; of each question whose candidates hold both what answers and what does not). A blend
is told by its mean nDCG@10 with one answer, 1 / log2(1 + rank of the first answering item) up to rank 10 (Järvelin and
Kekäläinen 2002), over the languages of a set and then over sets, so that a large set weighs no more than a small one.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from qa.evaluate.blend import KINDS, Choice, gather
from qa.evaluate.run import Plan
from qa.retrieve.fuse import SHIPPED, Weights

Floats = npt.NDArray[np.float64]
Grid = Mapping[str, tuple[float, ...]]
Columns = Mapping[str, Sequence[Choice]]

GRID: Grid = MappingProxyType(
    {
        "window": (0.2, 0.4, 0.6),
        "dense": (0.0, 0.06, 0.12),
        "lexical": (0.0, 0.05, 0.1),
        "covered": (0.2, 0.25, 0.3, 0.35, 0.4),
        "read": (0.2, 0.25, 0.3, 0.35),
    }
)
DEPTH = 10
SHOWN = 10
"""Blends that are listed, the best."""
MOST = 20_000
"""Blends of one sweep: about an hour."""


def gain(choice: Choice, weights: Floats) -> float:
    """nDCG@10 of one question, ``weights`` [kinds]; 0 where nothing that answers is among the first ten items."""
    order = np.argsort(-(choice.evidence @ weights), kind="stable")
    before = int(np.argmax(choice.answers[order]))
    rank = 1 + len(set(choice.items[order[:before]].tolist()))
    return float(1 / np.log2(1 + rank)) if rank <= DEPTH else 0.0


def blends(grid: Grid) -> list[Weights]:
    """Every combination, what the grid does not name as shipped."""
    return [
        replace(SHIPPED.same, **dict(zip(grid, values, strict=True))) for values in itertools.product(*grid.values())
    ]


def measured(columns: Columns, tried: Sequence[Weights]) -> Floats:
    """Mean gain, [blends, columns]."""
    vectors = [np.array([asdict(weights)[kind] for kind in KINDS], np.float64) for weights in tried]
    means = [
        [np.mean([gain(choice, vector) for choice in column]) for column in columns.values()] for vector in vectors
    ]
    return np.array(means, np.float64)


def overall(figures: Floats, columns: Sequence[str]) -> Floats:
    """Mean over sets of the mean over their languages, [blends]. A column is called by its set and language."""
    sets = [column.rpartition(" ")[0] for column in columns]
    by_set = [figures[:, [other == name for other in sets]].mean(axis=1) for name in dict.fromkeys(sets)]
    return np.asarray(np.mean(by_set, axis=0))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the shipped blend, the best ones, and the mean over all blends that share a value of one weight."""
    parser = argparse.ArgumentParser(prog="python -m qa.evaluate.sweep", description=main.__doc__)
    parser.add_argument("sets", nargs="+", type=Path, metavar="SET", help="questions.jsonl, or a folder in bench shape")
    parser.add_argument("--questions", type=int, help="a sample of about this many questions of each set")
    parser.add_argument("--part", choices=("dev", "test", "all"), default="dev", help="half of the needs (dev)")
    parser.add_argument(
        "--vary", type=_values, action="append", default=[], metavar="KIND=W,W...", help="weights to try, of this kind"
    )
    chosen = parser.parse_args(arguments)
    grid = dict(chosen.vary) or GRID
    tried = blends(grid)
    if len(tried) > MOST:
        parser.error(f"{len(tried)} blends are too many, at most {MOST}: name fewer values with --vary")
    part = None if chosen.part == "all" else chosen.part
    columns = dict(columns_of([Plan(path, part=part, questions=chosen.questions) for path in chosen.sets]))
    if not columns:
        parser.error("no question has candidates in its own language of which some answer and some do not")
    for line in tables(grid, tried, columns):
        print(line)


def _values(text: str) -> tuple[str, tuple[float, ...]]:
    kind, _, values = text.partition("=")
    if kind not in KINDS[1:]:
        raise argparse.ArgumentTypeError(f"{kind!r} is none of {', '.join(KINDS[1:])}")
    try:
        return kind, tuple(float(value) for value in values.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} has no numbers, with commas between, behind '='") from None


def columns_of(plans: Sequence[Plan]) -> Iterator[tuple[str, list[Choice]]]:
    """The choices within a language, by set and language. Raises EvalError for a malformed set."""
    for plan in plans:
        within = [choice for choice in gather(plan) if choice.same]
        for language in sorted({choice.language for choice in within}):
            yield f"{plan.set.name} {language}", [choice for choice in within if choice.language == language]


def tables(grid: Grid, tried: Sequence[Weights], columns: Columns) -> Iterator[str]:
    """The lines of the report, ``tried`` being the blends of ``grid``."""
    names = list(columns)
    questions = ", ".join(f"{name} {len(column)}" for name, column in columns.items())
    figures = measured(columns, [SHIPPED.same, *tried])
    means = overall(figures, names)
    yield f"Within a language, {len(tried)} blends; questions: {questions}\n"
    yield "| " + " | ".join([*grid, "mean", *names]) + " |"
    yield "|---" * (len(grid) + 1 + len(names)) + "|"
    for place in [0, *(1 + np.argsort(-means[1:], kind="stable")[:SHOWN]).tolist()]:
        weights = asdict([SHIPPED.same, *tried][place])
        said = [f"{weights[kind]:g}" for kind in grid] + [f"{means[place]:.4f}"]
        yield (
            "| "
            + " | ".join(said + [f"{figure:.4f}" for figure in figures[place]])
            + (" | shipped" * (not place))
            + " |"
        )
    yield "\nMean over all blends, by the value of one weight:\n"
    for kind, values in grid.items():
        of_value = {value: means[1:][[asdict(weights)[kind] == value for weights in tried]].mean() for value in values}
        yield f"- {kind}: " + ", ".join(f"{value:g} {mean:.4f}" for value, mean in of_value.items())


if __name__ == "__main__":
    main()
