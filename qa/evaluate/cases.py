"""Questions with answers as the extraction meets them: the sentences it may quote, and which of them answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qa.answer.ask import Found, asked
from qa.answer.candidates import Candidate, candidates
from qa.answer.score import Asked
from qa.config import settings
from qa.evaluate import bench as benches
from qa.evaluate import trial
from qa.evaluate.dataset import Question
from qa.evaluate.run import Plan, Watch, benched, opened, questions
from qa.ingest.normalise import normalise_query
from qa.types import Filters

if TYPE_CHECKING:
    from qa.index import Index

Booleans = npt.NDArray[np.bool_]
Answers = Callable[[Candidate], bool]


@dataclass(frozen=True, slots=True)
class Case:
    """One question. ``cell`` names the languages or the set, ``need`` keeps twins together, ``gold``: [sentences]
    which answer, ``answers``: gold strings."""

    cell: str
    need: str
    asked: Asked
    found: tuple[Candidate, ...]
    gold: Booleans
    answers: tuple[str, ...]


def gathered(plan: Plan) -> list[Case]:
    """The questions of a set, a bench folder with gold strings or a questions.jsonl, that have answers."""
    watch = Watch(print, lambda done, total: None, None, lambda skipped: None)
    if plan.is_bench:
        with benched(plan, settings(), watch) as (index, loaded):
            return list(_bench_cases(index, loaded, plan.collection))
    with opened(plan, settings(), watch) as index:
        return list(_own_cases(index, plan))


def plain(text: str) -> str:
    """Without white space, in one script and width."""
    return "".join(normalise_query(text).split())


def _bench_cases(index: Index, bench: benches.Bench, collection: str) -> Iterator[Case]:
    room = trial.Room(index, bench, collection)
    for one in trial.rounds(bench):
        if not one.judgements or not one.query.answers:
            continue
        gold = [plain(answer) for answer in one.query.answers]

        def answers(sentence: Candidate, one: trial.Round = one, gold: list[str] = gold) -> bool:
            judged = one.judgements.get(room.named(sentence.document_id), 0) > 0
            return judged and any(answer in plain(sentence.text) for answer in gold)

        events = index.ask_events(one.query.text, filters=Filters(language=one.passage), collection=collection)
        found = next(event for event in events if isinstance(event, Found))
        if not found.sides:
            yield _case(index, collection, found, (one.cell, one.query.need, one.query.answers), answers)


def _own_cases(index: Index, plan: Plan) -> Iterator[Case]:
    """Without comparisons, which no one sentence answers, and what is taken for one."""
    for question in questions(plan).questions:
        if not question.answerable or "comparison" in question.kinds:
            continue

        def answers(sentence: Candidate, question: Question = question) -> bool:
            return holds_all(question, sentence.text)

        events = index.ask_events(question.text, history=question.history, collection=plan.collection)
        found = next(event for event in events if isinstance(event, Found))
        if not found.sides:
            named = (f"own {question.language}", question.need, question.answers)
            yield _case(index, plan.collection, found, named, answers)


def holds_all(question: Question, text: str) -> bool:
    """Whether a sentence holds every answer that stands in one of the gold quotes."""
    said = plain(text)
    given = [[plain(answer) for answer in question.answers if answer in gold.quote] for gold in question.gold]
    return any(answers and all(answer in said for answer in answers) for answers in given)


def _case(
    index: Index, collection: str, found: Found, named: tuple[str, str, tuple[str, ...]], answers: Answers
) -> Case:
    sentences = tuple(candidates(found.evidence, index.encoder))
    gold = np.array([answers(sentence) for sentence in sentences], bool)
    cell, need, strings = named
    return Case(cell, need, asked(found, index.store.snapshot(collection), index.encoder), sentences, gold, strings)
