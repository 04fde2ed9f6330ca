"""From a question to an answer: search, then quote; or let a model write, and verify.

``events`` tells what happens as it happens: what was found, pieces of the answer, and last the whole ``Answer``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Final

import numpy as np
import numpy.typing as npt

from qa.answer.candidates import Evidence
from qa.answer.extract import Asked, Composed, Piece, decline, extract
from qa.answer.phrases import voice
from qa.answer.wanted import kinds
from qa.encode.encoder import Encoder
from qa.ingest.normalise import normalise_query
from qa.retrieve.late import token_weights
from qa.retrieve.search import Ranking
from qa.store.store import Snapshot
from qa.types import Answer, AskTimings, Hit, Timings

Floats = npt.NDArray[np.float32]

EARLIER_WEIGHT: Final = 0.3
"""Weight of the tokens of earlier turns against those of the question itself when sentences are chosen."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found for a question. ``searched`` is the question, made complete where it was a follow-up."""

    query: str
    searched: str
    ranking: Ranking
    evidence: tuple[Evidence, ...]
    answerable: bool
    confidence: float

    @property
    def hits(self) -> tuple[Hit, ...]:
        return tuple(each.hit for each in self.evidence)


Event = Found | Piece | Answer
Writer = Callable[[Found], Iterator[Piece | Composed]]
"""Writes an answer to what was found: pieces as they come, then the whole."""


def events(found: Found, write: Writer, began: float) -> Iterator[Event]:
    """What happens, as it happens. ``began`` is when the question came, by ``perf_counter``."""
    yield found
    for each in write(found):
        yield each if isinstance(each, Piece) else _answer(found, each, began)


def quoting(snapshot: Snapshot, encoder: Encoder) -> Writer:
    """The writer that quotes."""

    def write(found: Found) -> Iterator[Piece | Composed]:
        made = extracted(found, snapshot, encoder)
        yield from made.pieces
        yield made

    return write


def extracted(found: Found, snapshot: Snapshot, encoder: Encoder) -> Composed:
    """The answer in quotes, or what is said where there is none."""
    spoken = voice(found.query)
    if not found.answerable:
        return decline(spoken, found.evidence)
    asked = Asked(_asking(found), spoken, _weights(found, snapshot, encoder))
    return extract(asked, found.evidence, encoder)


def _asking(found: Found) -> str:
    """The question itself where it says what kind of thing it asks for; else what was made of it."""
    own = normalise_query(found.query)
    return own if kinds(own) else found.ranking.question.text


def _answer(found: Found, made: Composed, began: float) -> Answer:
    return Answer(
        query=found.query,
        searched=found.searched,
        language=found.ranking.question.language,
        answerable=found.answerable,
        confidence=found.confidence,
        answer=made.text,
        sentences=made.sentences,
        citations=tuple(hit.citation for hit in made.hits if hit.citation.marker in made.text),
        hits=made.hits,
        generator=made.generator,
        warnings=made.warnings,
        took_ms=_timings(found.ranking.took_ms, (perf_counter() - began) * 1000),
    )


def _weights(found: Found, snapshot: Snapshot, encoder: Encoder) -> Floats:
    """[tokens of what was searched], sum 1: those of earlier turns weigh less than the question's own."""
    question = found.ranking.question
    weights = token_weights(snapshot.document_frequency(question.encoded.token_ids), snapshot.size)
    own = normalise_query(found.query)
    if question.text == own or not question.text.endswith(own):
        return weights
    starts = [start for start, _ in encoder.token_offsets(question.text)][: len(weights)]
    if len(starts) < len(weights):
        return weights
    weighted = weights * np.where(np.array(starts) >= len(question.text) - len(own), 1, EARLIER_WEIGHT)
    normed: Floats = (weighted / weighted.sum()).astype(np.float32)
    return normed


def _timings(search: Timings, total: float) -> AskTimings:
    return AskTimings(
        encode=search.encode,
        candidates=search.candidates,
        rerank=search.rerank,
        answer=round(max(total - search.total, 0), 2),
        total=round(total, 2),
    )
