"""The JSON shapes that every door speaks: HTTP answers, and `--json` on the command line.

Built by hand from the frozen objects: a search answer is on the way of every question. Key order is fixed, so the same
objects always give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qa.types import (
    Answer,
    AnswerSentence,
    Citation,
    Cut,
    Document,
    Hit,
    IngestReport,
    Passage,
    SearchResult,
    Skipped,
    Timings,
)

if TYPE_CHECKING:
    from qa.store.facets import Facets
    from qa.store.store import CollectionInfo

Json = dict[str, object]

_ASK_STAGES = ("encode", "candidates", "rerank", "answer", "total")

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def dumps(value: Json) -> str:
    """Compact JSON; text stays readable, not escaped to ASCII."""
    return _encode(value)


def search(result: SearchResult) -> Json:
    return {
        "query": result.query,
        "language": result.language,
        "answerable": result.answerable,
        "confidence": round(result.confidence, 4),
        "hits": [hit(each) for each in result.hits],
        "took_ms": timings(result.took_ms),
    }


def answer(given: Answer) -> Json:
    took = given.took_ms
    return {
        "query": given.query,
        "searched": given.searched,
        "language": given.language,
        "answerable": given.answerable,
        "confidence": round(given.confidence, 4),
        "answer": given.answer,
        "sentences": [sentence(each) for each in given.sentences],
        "citations": [citation(each) for each in given.citations],
        "hits": [hit(each) for each in given.hits],
        "generator": given.generator,
        "warnings": list(given.warnings),
        "took_ms": {name: round(getattr(took, name), 2) for name in _ASK_STAGES},
    }


def sentence(one: AnswerSentence) -> Json:
    return {
        "text": one.text,
        "citations": list(one.citations),
        "supported": one.supported,
        "quote_spans": [{"citation": span.citation, "start": span.start, "end": span.end} for span in one.quote_spans],
        "problem": one.problem,
    }


def hit(found: Hit) -> Json:
    return {
        "rank": found.rank,
        "score": round(found.score, 4),
        "text": found.text,
        "citation": citation(found.citation),
    }


def citation(cited: Citation) -> Json:
    return {
        "marker": cited.marker,
        "document_id": cited.document_id,
        "passage_id": cited.passage_id,
        "title": cited.title,
        "publisher": cited.publisher,
        "author": cited.author,
        "published": cited.published,
        "url": cited.url,
        "source": cited.source,
        "kind": cited.kind,
        "heading": cited.heading,
        "page": cited.page,
        "start": cited.start,
        "end": cited.end,
        "quote": cited.quote,
        "sha256": cited.sha256,
        "highlights": [list(span) for span in cited.highlights],
        "also_in": [{"document_id": other.document_id, "title": other.title} for other in cited.also_in],
    }


def timings(took: Timings) -> Json:
    return {name: round(getattr(took, name), 2) for name in ("encode", "candidates", "rerank", "total")}


def document(one: Document) -> Json:
    about = one.metadata
    return {
        "id": one.id,
        "collection": one.collection,
        "name": one.name,
        "format": one.format,
        "title": about.title,
        "publisher": about.publisher,
        "author": about.author,
        "published": about.published,
        "url": about.url,
        "kind": about.kind,
        "digest_of": about.digest_of,
        "language": one.language,
        "characters": one.characters,
        "passages": one.passages,
        "sha256": one.sha256,
        "raw_sha256": one.raw_sha256,
        "added": one.added,
    }


def documents(
    found: Sequence[Document], total: int, offset: int, limit: int, copies: Sequence[tuple[str, str]]
) -> Json:
    """``copies``: (document id, id of the document it copies)."""
    page: Json = {"documents": [document(one) for one in found], "total": total, "offset": offset, "limit": limit}
    return page | duplicates(copies)


def passage(one: Passage) -> Json:
    return {
        "id": one.id,
        "ordinal": one.ordinal,
        "start": one.start,
        "end": one.end,
        "heading": one.heading,
        "page": one.page,
        "language": one.language,
        "text": one.text,
        "quote": one.quote,
    }


def passages(document_id: str, found: Sequence[Passage]) -> Json:
    return {"document_id": document_id, "passages": [passage(one) for one in found]}


def cuts(document_id: str, found: Sequence[Cut]) -> Json:
    each = [{"start": one.start, "end": one.end, "rule": one.rule, "shown": one.shown} for one in found]
    return {"document_id": document_id, "removed": each}


def facets(found: Facets) -> Json:
    return {
        "publishers": [{"name": name, "documents": documents} for name, documents in found.publishers],
        "published_from": found.published_from,
        "published_to": found.published_to,
    }


def collection(info: CollectionInfo) -> Json:
    return {"name": info.name, "documents": info.documents, "passages": info.passages, "created": info.created}


def collections(found: Sequence[CollectionInfo]) -> Json:
    return {"collections": [collection(info) for info in found]}


def report(done: IngestReport) -> Json:
    return {
        "added": list(done.added),
        "replaced": list(done.replaced),
        "unchanged": list(done.unchanged),
        "skipped": [skipped(one) for one in done.skipped],
        "passages": done.passages,
        "encoded": done.encoded,
        **duplicates(done.duplicates),
    }


def duplicates(found: Sequence[tuple[str, str]]) -> Json:
    return {"duplicates": [{"document_id": copy, "copy_of": original} for copy, original in found]}


def skipped(one: Skipped) -> Json:
    return {"name": one.name, "code": one.code, "reason": one.reason}


def error(code: str, message: str, hint: str = "") -> Json:
    return {"error": {"code": code, "message": message, "hint": hint}}
