"""Answers without a model: the shortest set of sentences of the articles that answers, quoted as they stand.

The sentence that scores best (``score.py``) comes first; further ones join while they cover parts of the question that
the chosen ones do not. A comparison gets one sentence for each side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from qa.answer.candidates import Candidate, Evidence, Quoted, candidates
from qa.answer.highlight import answer_words
from qa.answer.phrases import Voice, frame, gap, marked, phrase
from qa.answer.score import Asked, Scored, ranked
from qa.answer.wanted import compares, kinds
from qa.encode.encoder import Encoder
from qa.types import AnswerSentence, Generator, Hit, QuoteSpan, Span

Floats = npt.NDArray[np.float32]

MAX_SENTENCES: Final = 2
MAX_LISTED: Final = 4
"""Most sentences for questions that ask for several things, or compare."""
RIVAL_SHARE: Final = 0.8
"""A further sentence scores at least this share of the best."""
GAIN: Final = 0.02
"""A further sentence raises the covered share of the question by at least this."""
SETTLED_GAIN: Final = 0.04
"""The same where the best sentence holds what is asked for, and the question asks for one thing."""
OTHER_DOCUMENT_GAIN: Final = 0.015
"""The same for a question that compares and a sentence of a document that is not quoted yet."""
SAME: Final = 0.6
"""Sentences that share more than this of their words (Jaccard) say the same."""
NEAREST: Final = 3
"""Passages offered where nothing answers."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer's text: a sentence of it with its marks behind it, or words of ours."""

    text: str
    sentence: AnswerSentence | None = None


@dataclass(frozen=True, slots=True)
class Composed:
    """An answer and what proves it. ``hits`` are those of the search, with highlights narrowed to what answers."""

    pieces: tuple[Piece, ...]
    hits: tuple[Hit, ...]
    generator: Generator = "extractive"
    warnings: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    @property
    def sentences(self) -> tuple[AnswerSentence, ...]:
        return tuple(piece.sentence for piece in self.pieces if piece.sentence)


def extract(asked: Asked, evidence: Sequence[Evidence], encoder: Encoder) -> Composed:
    """The answer to a question that the hits answer."""
    chosen = choose(asked, candidates(evidence, encoder))
    spans = [span for one in chosen for span in _answering(asked, one)]
    hits = tuple(_narrowed(each.hit, spans) for each in evidence)
    return Composed(tuple(_pieces(asked.voice, chosen)), hits)


def extract_sides(
    spoken: Voice, sides: Sequence[tuple[Asked, Sequence[Evidence]]], evidence: Sequence[Evidence], encoder: Encoder
) -> Composed:
    """The answer to a question that compares: the best sentence for each side, in the order of the sides."""
    chosen: list[Scored] = []
    spans: list[tuple[int, Span]] = []
    for own, found in sides:
        best = ranked(own, candidates(found, encoder))
        new = [one for one in best if not any(_same(one, other) for other in chosen)][:1]
        chosen += new
        spans += [span for one in new for span in _answering(own, one)]
    hits = tuple(_narrowed(each.hit, spans) for each in evidence)
    return Composed(tuple(_pieces(spoken, chosen)), hits)


def decline(spoken: Voice, evidence: Sequence[Evidence]) -> Composed:
    """What is said where the articles do not answer: so, and which passages come nearest."""
    hits = tuple(each.hit for each in evidence)
    marks = "".join(hit.citation.marker for hit in hits[:NEAREST])
    rest = phrase("nearest", spoken, marks=marks) if hits else phrase("nothing", spoken)
    return Composed((Piece(f"{phrase('unanswered', spoken)}{gap(spoken)}{rest}"),), hits)


def choose(asked: Asked, found: Sequence[Candidate]) -> list[Scored]:
    """The sentences to quote, in the order to read them."""
    wanted = kinds(asked.text)
    scored = ranked(asked, found)
    if not scored:
        return []
    if compares(asked.text):
        chosen = _greedy(scored, asked.weights, MAX_LISTED, GAIN, OTHER_DOCUMENT_GAIN)
    elif "list" in wanted:
        chosen = _greedy(scored, asked.weights, MAX_LISTED, GAIN, GAIN)
    else:
        gain = SETTLED_GAIN if scored[0].answering else GAIN
        chosen = _greedy(scored, asked.weights, MAX_SENTENCES, gain, gain)
    return _in_reading_order(chosen)


def _greedy(
    scored: Sequence[Scored], weights: Floats, most: int, least_gain: float, other_document_gain: float
) -> list[Scored]:
    """The best, then each next one that covers more of the question and says something else."""
    chosen = [scored[0]]
    covered = scored[0].candidate.best
    for one in scored[1:]:
        if len(chosen) == most or one.score < RIVAL_SHARE * scored[0].score:
            break
        gain = float(weights @ np.maximum(one.candidate.best - covered, 0))
        known = any(one.candidate.document_id == other.candidate.document_id for other in chosen)
        if gain >= (least_gain if known else other_document_gain) and not any(_same(one, other) for other in chosen):
            chosen.append(one)
            covered = np.maximum(covered, one.candidate.best)
    return chosen


def _same(one: Scored, other: Scored) -> bool:
    together = one.words | other.words
    return bool(together) and len(one.words & other.words) / len(together) > SAME


def _in_reading_order(chosen: Sequence[Scored]) -> list[Scored]:
    """Passages in the order of their best sentence; inside a passage, as written."""
    numbers = list(dict.fromkeys(one.candidate.number for one in chosen))
    return sorted(chosen, key=lambda one: (numbers.index(one.candidate.number), one.candidate.place))


def _sentence(candidate: Candidate, before: Candidate | None) -> AnswerSentence:
    """A row of a table stands under its header, unless the row ``before`` it has the same."""
    quoted = [Quoted(candidate.shown, candidate.located)]
    if candidate.header and not (before and before.table == candidate.table):
        quoted.insert(0, candidate.header)
    return AnswerSentence(
        text="\n".join(one.shown for one in quoted),
        citations=(candidate.number,),
        supported=True,
        quote_spans=tuple(QuoteSpan(candidate.number, *one.located.span) for one in quoted),
    )


def _pieces(spoken: Voice, chosen: Sequence[Scored]) -> Iterator[Piece]:
    introduction = frame(spoken, {one.candidate.language for one in chosen})
    if introduction:
        yield Piece(introduction)
    between = "\n" if introduction else gap(spoken)
    last: Candidate | None = None
    for one in (scored.candidate for scored in chosen):
        sentence = _sentence(one, last)
        parted = "\n" if last and (one.header or last.header) else between
        before = parted if last or introduction else ""
        yield Piece(before + marked(sentence.text, sentence.citations), sentence)
        last = one


def _narrowed(hit: Hit, spans: Sequence[tuple[int, Span]]) -> Hit:
    """The hit with only the answering words highlighted, where it is quoted."""
    own = tuple(sorted(span for number, span in spans if number == hit.rank))
    return replace(hit, citation=replace(hit.citation, highlights=own)) if own else hit


def _answering(asked: Asked, scored: Scored) -> list[tuple[int, Span]]:
    """Number of the citation, and where in the source the words stand that answer."""
    found = scored.candidate
    return [(found.number, found.located.source_span(*span)) for span in answer_words(asked, found)]
