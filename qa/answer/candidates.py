"""The sentences of the passages that were found: where each stands, and how well it matches the question's tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from qa.answer import table_rows
from qa.encode.encoder import Encoder
from qa.ingest.annotations import annotations as find_annotations
from qa.ingest.annotations import without
from qa.ingest.normalise import normalise, readable
from qa.ingest.pipeline import encoded_text
from qa.ingest.split import sentences
from qa.retrieve.search import Ranked
from qa.types import Document, Hit, Language, Passage, Span

Floats = npt.NDArray[np.float32]

MAX_WHOLE: Final = 200
_SEMICOLONS: Final = "；;"
_TABLE: Final = re.compile(r"[|\t]")
_CELL: Final = " | "
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
class Quoted:
    """A part of a passage as it is shown, and where it stands."""

    shown: str
    located: Located


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
    header: Quoted | None = None
    """Of the table, where the sentence is a row of one."""

    @property
    def text(self) -> str:
        return self.located.text

    @property
    def table(self) -> tuple[int, Span] | None:
        """Which table it is a row of, where that has a header."""
        return None if self.header is None else (self.number, self.header.located.span)

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
    tokens = ranked.tokens[:, : len(places)]
    text = _Text(passage)
    for place, (span, above) in enumerate(text.sentences()):
        quoted = text.quoted(span)
        if quoted is None:
            continue
        inside = (places >= span[0]) & (places <= span[1])
        # What a row says it says together with its header.
        known = inside if above is None else inside | ((places >= above[0]) & (places <= above[1]))
        yield Candidate(
            number=number,
            place=place,
            document_id=passage.document_id,
            language=passage.language,
            located=quoted.located,
            shown=quoted.shown,
            best=tokens[:, known].max(axis=1, initial=_NOTHING),
            similarities=tokens[:, inside],
            middles=places[inside] - span[0],
            passage_score=ranked.score,
            probability=ranked.probability,
            header=None if above is None else text.quoted(above),
        )


class _Text:
    """The matchable text of a passage, and where in the source it stands."""

    def __init__(self, passage: Passage) -> None:
        self._passage = passage
        self._found = find_annotations(passage.quote)
        self._aligned = normalise(passage.quote, self._found.cuts, self._found.restored)
        self._at = self._aligned.text.find(passage.search_text)

    def sentences(self) -> Iterator[tuple[Span, Span | None]]:
        """Sentences and rows of tables, the latter with the header of their table."""
        text, quote = self._passage.search_text, self._passage.quote
        if self._at < 0 or not _TABLE.search(quote):
            yield from ((span, None) for span in whole_sentences(text))
            return
        whole = slice(self._at, self._at + len(text))
        lines = table_rows.lines(text, quote, self._aligned.starts[whole], self._aligned.ends[whole])
        for part in table_rows.parts(text, lines):
            if isinstance(part, table_rows.Row):
                yield part.span, part.header
                continue
            running = whole_sentences(text[slice(*part)])
            yield from (((part[0] + start, part[0] + end), None) for start, end in running)

    def quoted(self, span: Span) -> Quoted | None:
        """None where what was cleaned away cuts through it, so that no one span is its own."""
        text = self._passage.search_text[slice(*span)]
        start = self._at + span[0] if self._at >= 0 else self._aligned.text.find(text)
        if start < 0:
            return None
        offset, part = self._passage.start, slice(start, start + len(text))
        starts = [offset + place for place in self._aligned.starts[part]]
        located = Located(text, starts, [offset + place for place in self._aligned.ends[part]])
        return Quoted(self._shown(located.span), located)

    def _shown(self, span: Span) -> str:
        start, end = (place - self._passage.start for place in span)
        shown = readable(without(self._passage.quote, self._found, start, end).replace("\t", _CELL))
        return " ".join(shown.split())


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
