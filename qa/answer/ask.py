"""From a question to an answer: search, then quote; or let a model write, and verify.

``events`` tells what happens as it happens: what was found, pieces of the answer, and last the whole ``Answer``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from time import perf_counter
from typing import Final

import numpy as np
import numpy.typing as npt

from qa.answer.candidates import Evidence
from qa.answer.extract import Composed, Piece, decline, extract, extract_sides
from qa.answer.phrases import Voice, gap, phrase, voice
from qa.answer.premise import unmentioned
from qa.answer.score import Asked
from qa.answer.wanted import interrogatives, kinds
from qa.encode.encoder import Encoder
from qa.ingest.normalise import normalise_query
from qa.retrieve.late import token_weights
from qa.retrieve.pool import Question
from qa.retrieve.search import Ranking
from qa.store.store import Snapshot
from qa.types import Answer, AskTimings, Hit, Timings

Floats = npt.NDArray[np.float32]
Booleans = npt.NDArray[np.bool_]

EARLIER_WEIGHT: Final = 0.3
"""Weight of the tokens of earlier turns against those of the question itself when sentences are chosen."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: what was found for its own question. ``evidence`` are hits of the whole answer."""

    ranking: Ranking
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found for a question. ``searched`` is the question, made complete where it was a follow-up."""

    query: str
    searched: str
    ranking: Ranking
    evidence: tuple[Evidence, ...]
    answerable: bool
    sides: tuple[Side, ...] = ()
    """Of a question that compares, what was found for each side; empty for every other."""

    @property
    def hits(self) -> tuple[Hit, ...]:
        return tuple(each.hit for each in self.evidence)

    @property
    def confidence(self) -> float:
        return round(self.ranking.confidence, 4) if self.evidence else 0.0


Event = Found | Piece | Answer
Writer = Callable[[Found], Iterator[Piece | Composed]]
"""Writes an answer to what was found: pieces as they come, then the whole."""


def merged(ranking: Ranking, apart: Sequence[Ranking], top_k: int) -> Ranking:
    """The ranking of a comparison: the sides take turns, what was found for the whole question comes last; then by
    probability, so that no hit claims more than one before it."""
    if not apart:
        return ranking
    turns = [ranked for turn in zip_longest(*(side.hits for side in apart)) for ranked in turn if ranked]
    best = {ranked.passage.group: ranked for ranked in reversed([*turns, *ranking.hits])}
    chosen = list(dict.fromkeys(ranked.passage.group for ranked in [*turns, *ranking.hits]))[:top_k]
    hits = sorted((best[group] for group in chosen), key=lambda ranked: -ranked.probability)
    # A comparison is answered where each of its sides is.
    confidence = max(ranking.confidence, min(side.confidence for side in apart))
    return replace(ranking, hits=tuple(hits), confidence=confidence, took_ms=_sum([ranking, *apart]))


def sides(rankings: Sequence[Ranking], evidence: Sequence[Evidence]) -> tuple[Side, ...]:
    """What each side of a comparison found, as far as it is among the hits of the whole answer."""
    return tuple(_found(ranking, evidence) for ranking in rankings)


def _found(ranking: Ranking, evidence: Sequence[Evidence]) -> Side:
    """The hits of a side that are among those of the whole answer, as the side's own search saw them."""
    seen = {ranked.passage.id: ranked for ranked in ranking.hits}
    kept = [replace(each, ranked=seen[id]) for each in evidence if (id := each.ranked.passage.id) in seen]
    return Side(ranking, tuple(kept))


def _sum(rankings: Sequence[Ranking]) -> Timings:
    took = [ranking.took_ms for ranking in rankings]
    return Timings(*(round(sum(getattr(one, name) for one in took), 2) for name in Timings.__dataclass_fields__))


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
    if found.sides:
        given = [_side(one, spoken, snapshot, encoder) for one in found.sides]
        return _doubted(extract_sides(spoken, given, found.evidence, encoder), found)
    return _doubted(extract(asked(found, snapshot, encoder), found.evidence, encoder), found)


def asked(found: Found, snapshot: Snapshot, encoder: Encoder) -> Asked:
    """The question as the extraction sees it."""
    asking = _interrogative(found.ranking.question, encoder)
    return Asked(_asking(found), voice(found.query), _weights(found, snapshot, encoder), asking)


def _doubted(given: Composed, found: Found) -> Composed:
    """The answer, behind a word on what the question takes for granted and no passage says."""
    said = doubt(found)
    return replace(given, pieces=(Piece(f"{said}{gap(voice(found.query))}"), *given.pieces)) if said else given


def doubt(found: Found) -> str:
    """What is to be said of what the question takes for granted; empty where the passages bear it out."""
    unknown = unmentioned(normalise_query(found.query), [_about(each) for each in found.evidence])
    spoken = voice(found.query)
    return phrase("premise", spoken, what=(", " if spoken == "en" else "、").join(unknown)) if unknown else ""


def _about(evidence: Evidence) -> str:
    """A passage with what its document says of itself."""
    passage, about = evidence.ranked.passage, evidence.document.metadata
    parts = (about.title, about.published, passage.heading, passage.search_text)
    return " ".join(normalise_query(part) for part in parts if part)


def _side(side: Side, spoken: Voice, snapshot: Snapshot, encoder: Encoder) -> tuple[Asked, Sequence[Evidence]]:
    question = side.ranking.question
    weights = token_weights(snapshot.document_frequency(question.encoded.token_ids), snapshot.size)
    return Asked(question.text, spoken, weights, _interrogative(question, encoder)), side.evidence


def _interrogative(question: Question, encoder: Encoder) -> Booleans:
    """[tokens of a question] whether they are the ones that ask."""
    asking = interrogatives(question.text)
    places = encoder.token_offsets(question.text)[: len(question.encoded.token_ids)]
    found = [any(start < b and a < end for a, b in asking) for start, end in places]
    return np.array(found + [False] * (len(question.encoded.token_ids) - len(found)), bool)


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
