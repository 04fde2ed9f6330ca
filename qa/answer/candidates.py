"""The sentences of the passages that were found: where each stands, and how well it matches the question's tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from qa.encode.encoder import Encoder
from qa.ingest.annotations import Annotations, without
from qa.ingest.annotations import annotations as find_annotations
from qa.ingest.normalise import Normalised, normalise, readable
from qa.ingest.pipeline import encoded_text
from qa.ingest.split import sentences
from qa.retrieve.search import Ranked
from qa.types import Document, Hit, Language, Span

Floats = npt.NDArray[np.float32]

MAX_WHOLE: Final = 200
_SEMICOLONS: Final = "；;"
_NOTHING: Final = -1.0
"""The similarity with nothing: that of opposites."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A hit with what the search knew of it."""

    hit: Hit
    ranked: Ranked
    document: Document


@dataclass(frozen=True, slots=True)
class Located:
    """A run of matchable text with its place in the source of a document."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    @property
    def span(self) -> Span:
        return self.starts[0], self.ends[-1]

    def source_span(self, start: int, end: int) -> Span:
        """Span in the source of ``text[start:end]``, which must not be empty."""
        return self.starts[start], self.ends[end - 1]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer. ``shown`` is its text made readable, script unchanged."""

    number: int
    """Number of the citation, which is the rank of the hit."""
    place: int
    """Place among the sentences of its passage, from 0."""
    document_id: str
    language: Language
    located: Located
    shown: str
    best: Floats
    """[question tokens] best similarity with any token of the sentence."""
    similarities: Floats
    """[question tokens, tokens of the sentence]"""
    middles: Floats
    """[tokens of the sentence] where the middle of each stands in its text."""
    passage_score: float
    probability: float
    """That the passage answers."""

    @property
    def text(self) -> str:
        return self.located.text

    @property
    def echoes(self) -> Floats:
        """[tokens of the sentence] best similarity with any token of the question."""
        echoes: Floats = self.similarities.max(axis=0, initial=_NOTHING)
        return echoes


def candidates(evidence: Sequence[Evidence], encoder: Encoder) -> list[Candidate]:
    """The sentences of all hits, in order of rank and place."""
    return [
        found for each in evidence for found in passage_sentences(each.hit.rank, each.ranked, each.document, encoder)
    ]


def passage_sentences(number: int, ranked: Ranked, document: Document, encoder: Encoder) -> Iterator[Candidate]:
    """The sentences of one passage, which citation ``number`` cites, in order."""
    passage = ranked.passage
    places = _token_places(ranked, document, encoder)
    found = find_annotations(passage.quote)
    aligned = normalise(passage.quote, found.cuts, found.restored)
    for place, span in enumerate(whole_sentences(passage.search_text)):
        located = _located(aligned, passage.search_text[slice(*span)], passage.start)
        if located is None:
            continue
        inside = (places >= span[0]) & (places <= span[1])
        similarities = ranked.tokens[:, : len(places)][:, inside]
        yield Candidate(
            number=number,
            place=place,
            document_id=passage.document_id,
            language=passage.language,
            located=located,
            shown=_shown(passage.quote, found, located.span, passage.start),
            best=similarities.max(axis=1, initial=_NOTHING),
            similarities=similarities,
            middles=places[inside] - span[0],
            passage_score=ranked.score,
            probability=ranked.probability,
        )


def whole_sentences(text: str) -> list[Span]:
    """Spans of sentences to quote: parts that a semicolon cuts stay together up to ``MAX_WHOLE`` characters, because
    the parts of an enumeration say little alone."""
    result: list[Span] = []
    for start, end in sentences(text):
        if result and text[result[-1][1] - 1] in _SEMICOLONS and end - result[-1][0] <= MAX_WHOLE:
            result[-1] = (result[-1][0], end)
        else:
            result.append((start, end))
    return result


def _token_places(ranked: Ranked, document: Document, encoder: Encoder) -> Floats:
    """[passage tokens] middle of each token in the passage's search text; below 0 in title and heading."""
    passage = ranked.passage
    heading = normalise(passage.heading).text if passage.heading else None
    text = encoded_text(normalise(document.metadata.title).text, heading, passage.search_text)
    shift = len(text) - len(passage.search_text)
    middles = [(start + end) / 2 - shift for start, end in encoder.token_offsets(text)]
    return np.array(middles[: ranked.tokens.shape[1]], np.float32)


def _located(aligned: Normalised, text: str, offset: int) -> Located | None:
    """Where a sentence stands; None where what was cleaned away cuts through it, so that no one span is its own."""
    start = aligned.text.find(text)
    if start < 0:
        return None
    part = slice(start, start + len(text))
    return Located(
        text, [offset + place for place in aligned.starts[part]], [offset + place for place in aligned.ends[part]]
    )


def _shown(quote: str, found: Annotations, span: Span, offset: int) -> str:
    start, end = span[0] - offset, span[1] - offset
    return " ".join(readable(without(quote, found, start, end)).split())
