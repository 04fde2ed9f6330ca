"""Whether two indexes that hold the same documents give the same hits: a sample of questions put to both.

Questions are the beginnings of passages, spread evenly over the documents of every collection: no set of questions is
needed, and each has an answer. Stores that find candidates approximately may differ in the last hits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from qa.index import Index
from qa.types import SearchResult

QUESTIONS: Final = 20
TOLERANCE: Final = 0.01
"""How far the scores of one hit may lie apart."""
SHARED: Final = 0.9
"""The part of the hits that both have to have found."""
_TOP_K: Final = 10
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Agreement:
    """``agreed`` of ``asked`` searches; ``difference``: the largest between two scores of one hit; ``apart``: the
    questions that do not agree."""

    asked: int
    agreed: int
    difference: float
    apart: tuple[str, ...]


def agreement(one: Index, other: Index, most: int = QUESTIONS) -> Agreement:
    """Put the questions to both."""
    apart, difference, asked = [], 0.0, 0
    for collection, question in questions(one, most):
        asked += 1
        results = [index.search(question, top_k=_TOP_K, collection=collection) for index in (one, other)]
        distance = _distance(*results)
        difference = max(difference, distance)
        if distance > TOLERANCE or not _share_hits(*results):
            apart.append(question)
    return Agreement(asked, asked - len(apart), round(difference, 6), tuple(apart))


def questions(index: Index, most: int) -> Iterator[tuple[str, str]]:
    """(collection, question), at most ``most`` of each collection."""
    for info in index.collections():
        count = min(most, info.documents)
        for place in range(count):
            (document,) = index.documents(info.name, offset=place * info.documents // count, limit=1)
            passages = index.passages(document.id, info.name)
            if passages:
                text = passages[place % len(passages)].text[:_LONGEST].strip()
                if any(map(str.isalnum, text)):
                    yield info.name, text


def _scores(result: SearchResult) -> dict[tuple[str, str], float]:
    return {(hit.citation.document_id, hit.citation.passage_id): hit.score for hit in result.hits}


def _distance(one: SearchResult, other: SearchResult) -> float:
    here, there = _scores(one), _scores(other)
    return max((abs(here[hit] - there[hit]) for hit in here.keys() & there.keys()), default=0.0)


def _share_hits(one: SearchResult, other: SearchResult) -> bool:
    here, there = _scores(one), _scores(other)
    return len(here.keys() & there.keys()) >= SHARED * max(len(here), len(there))
