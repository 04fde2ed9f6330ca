"""What requests may say (checked), and what answers look like (for the OpenAPI document).

Answers are built in ``shape.py`` and not validated again; a test compares the two.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from qa.types import Filters, Generator, Language


def _storable(text: str) -> str:
    """Lone surrogates have no UTF-8 form: nothing could store or answer them. NUL ends strings elsewhere."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("contains characters that are not text (NUL or lone surrogates)")
    return text


def _day(text: str) -> str:
    if len(text) != 10:
        raise ValueError("not a date of the form YYYY-MM-DD")
    return date.fromisoformat(text).isoformat()


Text = Annotated[str, AfterValidator(_storable)]
Short = Annotated[Text, Field(min_length=1, max_length=1000)]
Name = Annotated[Text, Field(min_length=1, max_length=64)]
Identifier = Annotated[Text, Field(min_length=1, max_length=200)]
Day = Annotated[str, AfterValidator(_day), Field(description="YYYY-MM-DD", examples=["2024-12-02"])]


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class FilterRequest(Request):
    """Restrictions on documents; dates are inclusive."""

    publisher: Short | None = None
    language: Language | None = None
    published_from: Day | None = None
    published_to: Day | None = None
    document_ids: Annotated[list[Identifier], Field(max_length=1000)] | None = None

    def filters(self) -> Filters:
        ids = None if self.document_ids is None else tuple(self.document_ids)
        return Filters(self.publisher, self.language, self.published_from, self.published_to, ids)


class SearchRequest(Request):
    query: Text = Field(examples=["大兴机场临空经济区的主导产业是什么？"])
    top_k: int = 5
    collection: Name = "default"
    filters: FilterRequest | None = None


class AskRequest(SearchRequest):
    """A question to answer. ``history``: the user's earlier questions, oldest first, for follow-ups."""

    history: Annotated[list[Text], Field(max_length=100)] = []
    generator: Generator = "extractive"
    stream: bool = False


class DocumentRequest(Request):
    """A page to fetch (`url` alone), or a text to keep (`title` and `text`)."""

    url: Short | None = None
    title: Short | None = None
    text: Text | None = None
    publisher: Short | None = None
    author: Short | None = None
    published: Day | None = None
    collection: Name = "default"

    @model_validator(mode="after")
    def _one_kind(self) -> DocumentRequest:
        if self.text is None and self.url is None:
            raise ValueError("give `url`, or `title` and `text`")
        if self.text is None and (self.title or self.publisher or self.author or self.published):
            raise ValueError("`title`, `publisher`, `author` and `published` go with `text`; a page brings its own")
        if self.text is not None and self.title is None:
            raise ValueError("`text` needs a `title`")
        return self


class CollectionRequest(Request):
    name: Name


class ErrorBody(BaseModel):
    code: str = Field(description="stable, for programs")
    message: str = Field(description="what happened")
    hint: str = Field(description="what to do about it; may be empty")


class ErrorResponse(BaseModel):
    error: ErrorBody


class AlsoInResponse(BaseModel):
    document_id: str
    title: str


class CitationResponse(BaseModel):
    marker: str
    document_id: str
    passage_id: str
    title: str
    publisher: str | None
    author: str | None
    published: str | None
    url: str | None
    source: str = Field(description="file name or address of the document")
    kind: Literal["article", "digest"]
    heading: str | None
    page: int | None
    start: int = Field(description="offset in the source text, in Unicode code points: source[start:end] == quote")
    end: int
    quote: str
    sha256: str = Field(description="SHA-256 of the quote in UTF-8")
    highlights: list[tuple[int, int]] = Field(description="spans of the source that answer the question")
    also_in: list[AlsoInResponse]


class HitResponse(BaseModel):
    rank: int
    score: float = Field(ge=0, le=1, description="calibrated: the share of such hits that are right")
    text: str = Field(description="the quote made readable")
    citation: CitationResponse


class TimingsResponse(BaseModel):
    encode: float
    candidates: float
    rerank: float
    total: float


class SearchResponse(BaseModel):
    query: str
    language: Language
    answerable: bool
    confidence: float = Field(ge=0, le=1, description="calibrated probability that the first hit answers the question")
    hits: list[HitResponse]
    took_ms: TimingsResponse


class QuoteSpanResponse(BaseModel):
    citation: int
    start: int
    end: int


class AnswerSentenceResponse(BaseModel):
    text: str
    citations: list[int] = Field(description="numbers of the citations that support it")
    supported: bool
    quote_spans: list[QuoteSpanResponse] = Field(description="where the support stands in the sources")
    problem: str | None = Field(description="why it is not supported")


class AskTimingsResponse(BaseModel):
    encode: float
    candidates: float
    rerank: float
    answer: float
    total: float


class AskResponse(BaseModel):
    query: str
    searched: str = Field(description="what was searched: the question, or a follow-up made complete")
    language: Language
    answerable: bool
    confidence: float = Field(ge=0, le=1)
    answer: str = Field(description="with marks [n]; n is the rank of a hit")
    sentences: list[AnswerSentenceResponse]
    citations: list[CitationResponse] = Field(description="those whose marks stand in the answer")
    hits: list[HitResponse]
    generator: Generator = Field(description="what wrote the answer")
    warnings: list[str]
    took_ms: AskTimingsResponse


class DocumentResponse(BaseModel):
    id: str
    collection: str
    name: str
    format: str
    title: str
    publisher: str | None
    author: str | None
    published: str | None
    url: str | None
    kind: Literal["article", "digest"]
    digest_of: str | None = Field(description="for a digest: SHA-256 of the raw file that it digests")
    language: Language
    characters: int
    passages: int
    sha256: str = Field(description="SHA-256 of the source text in UTF-8")
    raw_sha256: str = Field(description="SHA-256 of the file")
    added: str


class DuplicateResponse(BaseModel):
    document_id: str
    copy_of: str


class DocumentsResponse(BaseModel):
    documents: list[DocumentResponse]
    total: int
    offset: int
    limit: int
    duplicates: list[DuplicateResponse] = Field(description="those of them most of whose passages stand elsewhere")


class PassageResponse(BaseModel):
    id: str
    ordinal: int
    start: int
    end: int
    heading: str | None
    page: int | None
    language: Language
    text: str
    quote: str


class PassagesResponse(BaseModel):
    document_id: str
    passages: list[PassageResponse]


class CutResponse(BaseModel):
    start: int = Field(description="offset in the source text, in Unicode code points")
    end: int
    rule: str = Field(description="what took it away")
    shown: str = Field(description="what is shown in its place, mostly nothing")


class RemovedResponse(BaseModel):
    document_id: str
    removed: list[CutResponse]


class PublisherResponse(BaseModel):
    name: str
    documents: int


class FacetsResponse(BaseModel):
    publishers: list[PublisherResponse] = Field(description="those with most documents first")
    published_from: str | None
    published_to: str | None


class ExamplesResponse(BaseModel):
    questions: list[str]


class SkippedResponse(BaseModel):
    name: str
    code: str
    reason: str


class ReportResponse(BaseModel):
    added: list[str]
    replaced: list[str]
    unchanged: list[str]
    skipped: list[SkippedResponse]
    passages: int
    encoded: int = Field(description="passages that had to be encoded; the others were known")
    duplicates: list[DuplicateResponse]


class ProgressResponse(BaseModel):
    stage: Literal["read", "encode", "write"]
    done: int
    total: int | None
    name: str


class JobResponse(BaseModel):
    id: str
    state: Literal["queued", "running", "done", "failed"]
    collection: str
    items: list[str] = Field(description="names of what was sent")
    created: str
    started: str | None
    finished: str | None
    attempts: int
    progress: ProgressResponse | None
    report: ReportResponse | None = Field(description="when done")
    error: ErrorBody | None = Field(description="when failed")


class CollectionResponse(BaseModel):
    name: str
    documents: int
    passages: int
    created: str


class CollectionsResponse(BaseModel):
    collections: list[CollectionResponse]
