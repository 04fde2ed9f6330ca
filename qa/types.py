"""The records that travel through every layer: frozen, small, without behaviour.

Offsets are counted in Unicode code points of a document's source text (Python string indices), never in bytes.
A span is half-open: ``source[start:end]``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

Language = Literal["zh", "en", "other"]
Kind = Literal["article", "digest"]
Span = tuple[int, int]

DEFAULT_COLLECTION: Final = "default"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a document says of itself; every field but ``title`` may be unknown (``None``)."""

    title: str
    publisher: str | None = None
    author: str | None = None
    published: str | None = None
    """ISO date, ``YYYY-MM-DD``."""
    url: str | None = None
    kind: Kind = "article"
    digest_of: str | None = None
    """For a digest: SHA-256 (hex) of the raw bytes of the file it digests."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file, page or upload after reading: its source text exactly as decoded, and what is known of it.

    ``text`` is what all offsets refer to. For plain text and Markdown it is the decoded file; for HTML, PDF and DOCX
    it is the visible text in reading order, one block a line, nothing left out.
    """

    name: str
    """File name, or the address for a page."""
    format: Literal["text", "markdown", "html", "pdf", "docx"]
    text: str
    raw_sha256: str
    metadata: Metadata
    pages: tuple[int, ...] = ()
    """Start offset of each page (PDF); empty where the format has no pages."""
    headings: tuple[tuple[int, int, int], ...] = ()
    """(start, end, level) of headings the format itself marks (HTML, DOCX, Markdown)."""
    main: tuple[Span, ...] | None = None
    """Spans a format-specific extractor judged to be main content (HTML); ``None`` where nobody judged."""
    encoding: str = "utf-8"
    locator: str = ""
    """What makes it the same document when it is read again: resolved path or address; empty means ``name``."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was not read, and why, in words a user can act on."""

    name: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Block:
    """A run of the source that survives cleaning: one paragraph, list item or heading."""

    start: int
    end: int
    level: int = 0
    """0 for body text, 1..6 for a heading."""
    cuts: tuple[Span, ...] = ()
    """Spans inside the block that are neither shown nor searched (broken annotations), sorted, disjoint."""
    restored: tuple[tuple[int, str], ...] = ()
    """(start of a cut, characters shown and searched in its place): what a broken annotation provably swallowed."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A run of the source that cleaning took away, with the rule that did it."""

    start: int
    end: int
    rule: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The result of cleaning: kept blocks and removed runs, both in source order and disjoint."""

    blocks: tuple[Block, ...]
    removed: tuple[Removed, ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """A run of the source that is not shown, the rule that took it away, and what is shown in its place."""

    start: int
    end: int
    rule: str
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage before it has a place in a store."""

    start: int
    end: int
    text: str
    """The span made readable: cuts and furniture left out, script unchanged."""
    search_text: str
    """The span made matchable: NFKC, Simplified, white space collapsed."""
    heading: str | None
    page: int | None
    language: Language


@dataclass(frozen=True, slots=True)
class Document:
    """A document in a collection. ``sha256`` is of the source text, ``raw_sha256`` of the bytes it was read from."""

    id: str
    collection: str
    name: str
    format: str
    metadata: Metadata
    language: Language
    sha256: str
    raw_sha256: str
    characters: int
    passages: int
    added: str
    """ISO date and time, UTC."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of a document's source: ``source[start:end] == quote``."""

    id: str
    document_id: str
    ordinal: int
    """Place among the passages of its document, from 0."""
    start: int
    end: int
    quote: str
    text: str
    search_text: str
    heading: str | None
    page: int | None
    language: Language
    group: str
    """Passages with one group are copies of each other (exact or near)."""


@dataclass(frozen=True, slots=True)
class AlsoIn:
    """Another document that carries the same passage."""

    document_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a passage stands, in a form that anyone can check: ``source[start:end] == quote``."""

    marker: str
    document_id: str
    passage_id: str
    title: str
    publisher: str | None
    author: str | None
    published: str | None
    url: str | None
    source: str
    kind: Kind
    """``digest`` where the passage stands in a digest of the article and not in the article itself."""
    heading: str | None
    page: int | None
    start: int
    end: int
    quote: str
    sha256: str
    """SHA-256 (hex) of ``quote`` in UTF-8."""
    highlights: tuple[Span, ...] = ()
    """Spans of the source, inside ``start``..``end``, that answer the question."""
    also_in: tuple[AlsoIn, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A ranked passage. ``score`` is calibrated: the share of such hits that are right, 0..1."""

    rank: int
    score: float
    text: str
    citation: Citation


Comparison = Literal["is", "contains", "starts", "ends", "lt", "le", "gt", "ge", "empty"]


@dataclass(frozen=True, slots=True)
class Condition:
    """What a field of a document has to be: like one of ``values``, by ``operator``; ``negated``: like none of them.

    A field that documents do not have is empty. See ``qa.store.conditions`` for the fields and how they compare.
    """

    field: str
    operator: Comparison
    values: tuple[str, ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Filters:
    """Restrictions on documents; ``None`` means any. Dates are inclusive ISO dates."""

    publisher: str | None = None
    language: Language | None = None
    published_from: str | None = None
    published_to: str | None = None
    document_ids: tuple[str, ...] | None = None
    conditions: tuple[Condition, ...] = ()
    """All of them have to hold, or with ``any_condition`` one."""
    any_condition: bool = False


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds spent in each stage of one search."""

    encode: float
    candidates: float
    rerank: float
    total: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to one search: hits, and whether the collection answers the question at all."""

    query: str
    language: Language
    answerable: bool
    confidence: float
    """Calibrated probability that the first hit answers the question, 0..1."""
    hits: tuple[Hit, ...]
    took_ms: Timings


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one ingest did, file by file. Ids are document ids."""

    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    passages: int = 0
    encoded: int = 0
    """Passages that had to be encoded; the others were known already."""
    duplicates: tuple[tuple[str, str], ...] = field(default=())
    """(document id, id of the document it copies): documents most of whose passages stand elsewhere already."""


Generator = Literal["extractive", "model"]


@dataclass(frozen=True, slots=True)
class QuoteSpan:
    """A span of the source of the document that ``[citation]`` cites."""

    citation: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """A sentence of an answer, without marks. ``citations`` are the numbers of the citations that support it."""

    text: str
    citations: tuple[int, ...]
    supported: bool
    quote_spans: tuple[QuoteSpan, ...] = ()
    """Where the support stands in the sources."""
    problem: str | None = None
    """Why it is not supported."""


@dataclass(frozen=True, slots=True)
class AskTimings:
    """Milliseconds: the stages of the search, ``answer`` for composing and verifying, and all together."""

    encode: float
    candidates: float
    rerank: float
    answer: float
    total: float


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that proves itself. ``citations`` are those of the hits whose marks stand in ``answer``."""

    query: str
    searched: str
    """What was searched: the question, or for a follow-up the question made complete."""
    language: Language
    answerable: bool
    confidence: float
    answer: str
    """With marks ``[n]``, n being the rank of a hit."""
    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    hits: tuple[Hit, ...]
    generator: Generator
    """What wrote the answer, which is not always what was asked for: see ``warnings``."""
    warnings: tuple[str, ...]
    took_ms: AskTimings
