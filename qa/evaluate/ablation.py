"""What each part of the lane is worth: ``python -m qa.evaluate.ablation SET...``

The same index and questions with other weights: each kind of evidence alone, all but one, and all. Every row is
compared with the whole lane question by question (two-sided paired randomisation, see ``qa.evaluate.compare``).
Candidates are gathered by the lane in every row, so that the rows differ only in how they rank; "words alone" is
BM25 over its thirty candidates, "one vector alone" the centred cosine.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa.config import settings
from qa.evaluate import own, trial
from qa.evaluate.compare import randomisation
from qa.evaluate.measure import Table, intervals, means
from qa.evaluate.outcome import Trial, cells
from qa.evaluate.run import Plan, Watch, benched, opened, questions
from qa.evaluate.scorecard import table
from qa.retrieve.fuse import SHIPPED, Blend, Weights
from qa.retrieve.pool import Question
from qa.retrieve.search import Lane

if TYPE_CHECKING:
    from qa.index import Index

WHOLE = "the lane"
SHOWN = ("hit@1", "ndcg@10")


def _alone(**weights: float) -> Blend:
    return Blend(Weights(**weights), Weights(**weights))


def _without(*parts: str) -> Blend:
    silent = dict.fromkeys(parts, 0.0)
    return replace(SHIPPED, same=replace(SHIPPED.same, **silent), across=replace(SHIPPED.across, **silent))


BLENDS: Mapping[str, Blend] = {
    WHOLE: SHIPPED,
    "words alone (BM25)": _alone(lexical=1.0),
    "one vector alone": _alone(dense=1.0),
    "late interaction alone": _alone(squared=1.0),
    "without late interaction": _without("squared", "window"),
    "without its window": _without("window"),
    "without words": _without("lexical", "covered"),
    "without their coverage": _without("covered"),
    "without romanised names": _without("names"),
    "without the dictionary": _without("glossary"),
    "without the reader": _without("read"),
    "without the head start": replace(SHIPPED, head_start=0.0),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One blend in one cell: ``p`` that it ranks no differently from the whole lane (by nDCG@10)."""

    cell: str
    blend: str
    queries: int
    means: Mapping[str, float]
    ci: Mapping[str, tuple[float, float]]
    p: float | None


class RememberingLane(Lane):
    """Encodes each question once, however many blends rank it."""

    known: dict[str, Question]

    def question(self, query: str) -> Question:
        if query not in self.known:
            self.known[query] = super().question(query)
        return self.known[query]


def rows(runs: Mapping[str, Trial]) -> Iterator[Row]:
    """Every blend in every cell that has judgements, the whole lane first."""
    whole = _tables(runs[WHOLE])
    for blend, run in runs.items():
        for cell, measured in _tables(run).items():
            differences = measured.column("ndcg@10") - whole[cell].column("ndcg@10")
            yield Row(
                cell,
                blend,
                len(measured.ids),
                {name: means(measured)[name] for name in SHOWN},
                {name: intervals(measured)[name] for name in SHOWN},
                None if blend == WHOLE else randomisation(differences),
            )


def ablate(plan: Plan, watch: Watch) -> dict[str, Trial]:
    """One trial of the set for each blend. Raises EvalError for a malformed set."""
    if plan.is_bench:
        with benched(plan, settings(), watch) as (index, loaded):
            return {
                blend: trial.ask(blended(index, BLENDS[blend]), loaded, collection=plan.collection, tell=watch.asked)
                for blend in BLENDS
            }
    chosen = questions(plan)
    with opened(plan, settings(), watch) as index:
        return {
            blend: own.ask(blended(index, BLENDS[blend]), chosen, collection=plan.collection, tell=watch.asked)
            for blend in BLENDS
        }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of each set; ``--json`` for programs."""
    parser = argparse.ArgumentParser(prog="python -m qa.evaluate.ablation", description=main.__doc__)
    parser.add_argument("sets", nargs="+", type=Path, metavar="SET", help="questions.jsonl, or a folder in bench shape")
    parser.add_argument("--questions", type=int, help="a sample of about this many questions")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    watch = Watch(lambda said: print(said, file=sys.stderr), lambda done, total: None, None, lambda skipped: None)
    for path in chosen.sets:
        found = list(rows(ablate(Plan(path, questions=chosen.questions), watch)))
        print(
            json.dumps([_json(path, row) for row in found], ensure_ascii=False) if chosen.json else _text(path, found)
        )


def blended(index: Index, blend: Blend) -> Index:
    """``index`` with another blend in its lane, which remembers the questions that it encoded."""
    lane = index.lane
    known = lane.known if isinstance(lane, RememberingLane) else {}
    index.lane = RememberingLane(lane.encoder, lane.statistics, lane.glossary, lane.calibration, blend)
    index.lane.known = known
    return index


def _tables(run: Trial) -> dict[str, Table]:
    measured = {cell: table(group) for cell, group in cells(run.outcomes).items()}
    return {cell: found for cell, found in measured.items() if found.ids}


def _json(path: Path, row: Row) -> dict[str, Any]:
    named = {"set": path.name, "cell": row.cell, "blend": row.blend, "queries": row.queries, "p": row.p}
    return named | dict(row.means) | {"ci": dict(row.ci)}


def _text(path: Path, found: Sequence[Row]) -> str:
    lines = [
        f"# {path.name}",
        "| cell | blend | questions | hit@1 | nDCG@10 | 95% | p |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in found:
        low, high = row.ci["ndcg@10"]
        p = "" if row.p is None else f"{row.p:.4f}"
        first, mean = row.means["hit@1"], row.means["ndcg@10"]
        lines.append(
            f"| {row.cell} | {row.blend} | {row.queries} | {first:.3f} | {mean:.3f} | {low:.3f} to {high:.3f} | {p} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
