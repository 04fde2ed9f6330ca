"""Fitting the weights of ``qa.retrieve.fuse``: ``python -m qa.evaluate.blend SET...``

For each language pair the weights under which the passages that answer are most likely to be drawn from the candidates,

    loss = - mean over questions of log( sum_{answering} exp(s . w) / sum_{all} exp(s . w) ) + l2 |w|^2

with evidence s scaled to unit variance (``listwise.surprise``). Weights are printed relative to ``squared``; those that
``--hold`` names are not fitted. Always fitted on the ``dev`` half of the needs; a set that is named twice counts twice.
``evals/README.md`` says what ``fuse.SHIPPED`` is.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qa.config import settings
from qa.evaluate import bench as benches
from qa.evaluate import listwise, own, trial
from qa.evaluate.listwise import Group, surprise
from qa.evaluate.run import Plan, Watch, benched, opened, questions
from qa.retrieve.fuse import SHIPPED, Weights, fuse, relative_lexical
from qa.retrieve.pool import Pool
from qa.types import Language

if TYPE_CHECKING:
    from qa.index import Index

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

KINDS = tuple(field.name for field in fields(Weights))
PER_QUESTION = 16
"""Candidates kept of a question, the best by the shipped weights: the rest are no rivals."""
L2 = 1e-3


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidates of one question: ``evidence`` [n, kinds], ``answers`` [n], all of one language pair.

    ``language``: of the question. ``items``: [n], equal where two passages are of one item that is judged; a passage of
    a questions.jsonl is judged by itself.
    """

    evidence: Floats
    answers: Booleans
    same: bool
    language: Language
    items: Integers


def fit(choices: Sequence[Choice], l2: float = L2, held: Mapping[str, float] = MappingProxyType({})) -> Weights:
    """The weights of one language pair, those of ``held`` kinds as given. A kind of evidence that never varies gets
    weight 0."""
    groups = [Group(_merged(choice.evidence, held), choice.answers.astype(np.float64)) for choice in choices]
    weights = listwise.fit(groups, surprise, l2)
    return Weights(**(dict(zip(KINDS, (weights / weights[0]).tolist(), strict=True)) | dict(held)))


def bench_choices(index: Index, bench: benches.Bench, collection: str) -> Iterator[Choice]:
    """The judged questions of a bench for which the candidates hold both what answers and what does not."""
    room = trial.Room(index, bench, collection)
    for one in trial.rounds(bench):
        if one.judgements:
            pool = room.pool(one)
            names = [room.named(passage.document_id) for passage in pool.passages]
            answers = np.array([one.judgements.get(name, 0) > 0 for name in names], bool)
            yield from _choices(pool, answers, one.query.language, np.unique(names, return_inverse=True)[1])


def own_choices(index: Index, plan: Plan) -> Iterator[Choice]:
    """The same for a questions.jsonl."""
    asked = [question for question in questions(plan).questions if question.answerable]
    shelf = own.library(index, asked, plan.collection)
    snapshot = index.store.snapshot(plan.collection)
    for question in asked:
        gold = own.places(question, shelf)
        pool = index.lane.pool(snapshot, index.lane.question(question.asked))
        answers = [
            any(p.document_id == one.document_id and own.covers((p.start, p.end), one) for one in gold)
            for p in pool.passages
        ]
        yield from _choices(pool, np.array(answers, bool), question.language, np.arange(len(answers)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the weights of both language pairs."""
    parser = argparse.ArgumentParser(prog="python -m qa.evaluate.blend", description=main.__doc__)
    parser.add_argument("sets", nargs="+", type=Path, metavar="SET", help="questions.jsonl, or a folder in bench shape")
    parser.add_argument("--questions", type=int, help="a sample of about this many questions of each set")
    parser.add_argument(
        "--hold", type=_held, action="append", default=[], metavar="KIND=WEIGHT", help="a weight that is not fitted"
    )
    chosen = parser.parse_args(arguments)
    choices = [c for path in chosen.sets for c in gather(Plan(path, part="dev", questions=chosen.questions))]
    for pair, same in (("same", True), ("across", False)):
        of_pair = [choice for choice in choices if choice.same == same]
        if of_pair:
            print(f"{pair}: {len(of_pair)} questions, {fit(of_pair, held=dict(chosen.hold))}")


def _held(text: str) -> tuple[str, float]:
    kind, _, weight = text.partition("=")
    if kind not in KINDS[1:]:
        raise argparse.ArgumentTypeError(f"{kind!r} is none of {', '.join(KINDS[1:])}")
    try:
        return kind, float(weight)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} has no number behind '='") from None


def _merged(evidence: Floats, held: Mapping[str, float]) -> Floats:
    """``evidence`` with what is held added to ``squared``, by which weights are told, and silent itself."""
    places = [KINDS.index(kind) for kind in held]
    merged = evidence.copy()
    merged[:, 0] += evidence[:, places] @ np.array(list(held.values()), np.float64)
    merged[:, places] = 0
    return merged


def gather(plan: Plan) -> list[Choice]:
    """The choices of a set, those of both language pairs. Raises EvalError for a malformed set."""
    watch = Watch(print, lambda done, total: None, None, lambda skipped: None)
    if plan.is_bench:
        with benched(plan, settings(), watch) as (index, loaded):
            return list(bench_choices(index, loaded, plan.collection))
    with opened(plan, settings(), watch) as index:
        return list(own_choices(index, plan))


def _choices(pool: Pool, answers: Booleans, language: Language, items: Integers) -> Iterator[Choice]:
    if not pool.passages:
        return
    scores = fuse(pool.evidence, pool.same_language, SHIPPED)
    evidence = np.stack([_column(pool, kind) for kind in KINDS], axis=1)
    for same in (True, False):
        places = np.flatnonzero(pool.same_language == same)
        best = places[np.argsort(-scores[places], kind="stable")[:PER_QUESTION]]
        if answers[best].any() and not answers[best].all():
            yield Choice(evidence[best], answers[best], same, language, items[best])


def _column(pool: Pool, kind: str) -> Floats:
    column = getattr(pool.evidence, kind)
    return np.asarray(relative_lexical(column) if kind == "lexical" else column, np.float64)


if __name__ == "__main__":
    main()
