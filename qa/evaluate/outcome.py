"""What came of one question: the record that running a set makes, and that measuring, comparing and reporting read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qa.types import Language, Timings


@dataclass(frozen=True, slots=True)
class Returned:
    """A hit as the report shows it."""

    rank: int
    score: float
    title: str
    text: str
    right: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """``question`` and ``cell`` together are unique in a run.

    ``cell``: language of the question, a hyphen, language of the passages (``zh-en``), ``all`` for a mixed collection.
    ``judgements``: items that answer (relevance by item); empty where nothing is known to. ``ranking``: items, best
    first. ``answerable``: ``None`` where the set does not say. ``digest``: changes whenever the question or what
    answers it does.
    """

    question: str
    need: str
    cell: str
    language: Language
    text: str
    kinds: tuple[str, ...]
    answerable: bool | None
    judgements: dict[str, int]
    ranking: tuple[str, ...]
    confidence: float
    answered: bool
    took: Timings
    digest: str
    wanted: str = ""
    """What should have been found, for people."""
    returned: tuple[Returned, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a set."""

    set: str
    sha256: str
    documents: int
    passages: int
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...] = ()
    """What a reader of the figures has to know, such as articles that could not be indexed."""
    encoder: str = ""
    """Fingerprint of the encoder that the index was made with."""


def ranked(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Outcomes whose ranking can be judged."""
    return [one for one in outcomes if one.judgements]


def judged(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Outcomes of questions that are known to have an answer, or to have none."""
    return [one for one in outcomes if one.answerable is not None]


def cells(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Outcomes by cell, cells in alphabetical order."""
    grouped: dict[str, list[Outcome]] = {cell: [] for cell in sorted({one.cell for one in outcomes})}
    for one in outcomes:
        grouped[one.cell].append(one)
    return grouped
