"""`qa ask`."""

from __future__ import annotations

from dataclasses import dataclass

from qa.commands.output import json, opened, out, typed, warn
from qa.messages import say
from qa.service import shape
from qa.types import Answer, AnswerSentence, Citation, Generator


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks, as it was typed."""

    question: str
    top_k: int
    collection: str
    history: tuple[str, ...]
    model: bool


def ask(asked: Asked, as_json: bool) -> None:
    generator: Generator = "model" if asked.model else "extractive"
    with opened() as index:
        given = index.ask(
            typed(asked.question),
            top_k=asked.top_k,
            collection=typed(asked.collection),
            history=tuple(map(typed, asked.history)),
            generator=generator,
        )
    if as_json:
        json(shape.answer(given))
    else:
        _print(given)


def _print(given: Answer) -> None:
    for warning in given.warnings:
        warn(warning)
    out(given.answer + "\n")
    for sentence in given.sentences:
        _print_problem(sentence)
    for cited in given.citations:
        _print_source(cited)
    out(say("ask.took", total=given.took_ms.total, confidence=given.confidence))


def _print_problem(sentence: AnswerSentence) -> None:
    if not sentence.supported:
        out(say("ask.unsupported", sentence=sentence.text))


def _print_source(cited: Citation) -> None:
    facts = [cited.title, cited.publisher, cited.published, cited.url, cited.source]
    out(f"{cited.marker} " + " · ".join(fact for fact in facts if fact))
    out("    " + say("characters", start=cited.start, end=cited.end))
