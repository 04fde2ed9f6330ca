"""The articles as MCP shows them: what the tools answer, and documents as resources. Knows nothing of the protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio

from qa.answer import links
from qa.errors import InputError
from qa.mcp.names import Cursor, DocumentName, from_id
from qa.mcp.results import (
    AskArguments,
    DocumentFetched,
    DocumentFound,
    FetchArguments,
    PassageFound,
    SearchArguments,
    SearchResults,
)
from qa.service import shape
from qa.service.access import Caller, reachable
from qa.service.ask import Asker
from qa.service.models import AskRequest, SearchRequest
from qa.service.search import Searcher
from qa.types import Citation, Document, Hit

if TYPE_CHECKING:
    from qa.index import Index

MAX_TEXT: Final = 50_000
"""Characters of source text that one `fetch` returns."""
MAX_RESOURCE: Final = 1_000_000
"""Characters of the largest document that is read as a resource: a resource cannot be read in parts."""
PAGE: Final = 100
"""Documents in one page of the list of resources."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks, and at which address they reach the service; None where they reach it by no address (stdio)."""

    caller: Caller
    base: str | None = None

    def passage(self, cited: Citation, name: DocumentName) -> str:
        """Where a passage can be read; its document's resource where there is no address."""
        return links.address(cited, self.base or "", name.collection) or name.uri

    def document(self, name: DocumentName, url: str | None) -> str:
        page = "" if self.base is None else links.document_view(name.document_id, self.base, name.collection)
        return links.website(url) or page or name.uri


class Library:
    """Answers from one index, within what the caller may use."""

    def __init__(self, index: Index, searcher: Searcher, asker: Asker) -> None:
        self._index = index
        self._searcher = searcher
        self._asker = asker

    async def search(self, asked: SearchArguments, visit: Visit) -> shape.Json:
        """Raises BusyError, QuestionError, NotFoundError."""
        collection = asked.collection or visit.caller.home
        request = SearchRequest(query=asked.query, top_k=asked.top_k, collection=collection)
        result = await self._searcher.search(request, visit.caller)
        found = [_found(hits, collection, visit) for hits in _by_document(result.hits)]
        return SearchResults(results=found, answerable=result.answerable).model_dump()

    async def ask(self, asked: AskArguments, visit: Visit) -> shape.Json:
        """Raises BusyError, QuestionError, NotFoundError."""
        collection = asked.collection or visit.caller.home
        request = AskRequest(query=asked.question, history=asked.history, collection=collection)
        return shape.answer(await self._asker.ask(request, visit.caller))

    async def fetch(self, asked: FetchArguments, visit: Visit) -> shape.Json:
        """Raises NotFoundError, InputError for a start behind the end."""
        name = from_id(asked.id)
        document, text = await self.text(name, visit.caller)
        if asked.start and asked.start >= len(text):
            raise InputError(f"The document has {len(text):,} characters.", "Fetch it from an earlier start.")
        part = text[asked.start : asked.start + MAX_TEXT]
        return _fetched(name, document, part, asked.start, visit).model_dump()

    async def resource(self, name: DocumentName, caller: Caller) -> str:
        """The source text of a document. Raises NotFoundError, InputError for one that is too long."""
        _, text = await self.text(name, caller)
        if len(text) > MAX_RESOURCE:
            raise InputError(
                f"The document has {len(text):,} characters; a resource has at most {MAX_RESOURCE:,}.",
                "Use the tool `fetch`, which returns it in parts.",
            )
        return text

    async def text(self, name: DocumentName, caller: Caller) -> tuple[Document, str]:
        """Raises NotFoundError."""
        return await anyio.to_thread.run_sync(partial(self._text, name, caller))

    async def documents(self, cursor: Cursor | None, caller: Caller) -> tuple[list[Document], Cursor | None]:
        """A page of all the documents that the caller may use, and where the next one begins."""
        return await anyio.to_thread.run_sync(partial(self._documents, cursor, caller))

    def _text(self, name: DocumentName, caller: Caller) -> tuple[Document, str]:
        collection = reachable(self._index, caller, name.collection)
        document = self._index.document(name.document_id, collection)
        return document, _storable(self._index.source_text(name.document_id, collection))

    def _documents(self, cursor: Cursor | None, caller: Caller) -> tuple[list[Document], Cursor | None]:
        names = sorted(info.name for info in self._index.collections() if caller.may_use(info.name))
        for name in names:
            if cursor is not None and name < cursor.collection:
                continue
            offset = cursor.offset if cursor is not None and name == cursor.collection else 0
            found = self._index.documents(name, offset=offset, limit=PAGE)
            if found:
                return found, Cursor(name, offset + len(found))
        return [], None


def _by_document(hits: Sequence[Hit]) -> Iterator[list[Hit]]:
    """Hits of one document together, documents in the order of their best hit."""
    grouped: dict[str, list[Hit]] = {}
    for hit in hits:
        grouped.setdefault(hit.citation.document_id, []).append(hit)
    yield from grouped.values()


def _found(hits: Sequence[Hit], collection: str, visit: Visit) -> DocumentFound:
    cited = hits[0].citation
    name = DocumentName(collection, cited.document_id)
    return DocumentFound(
        id=name.id,
        title=cited.title,
        url=visit.passage(cited, name),
        publisher=cited.publisher,
        published=cited.published,
        passages=[
            PassageFound(text=hit.text, score=round(hit.score, 4), start=hit.citation.start, end=hit.citation.end)
            for hit in hits
        ],
    )


def _fetched(name: DocumentName, document: Document, part: str, start: int, visit: Visit) -> DocumentFetched:
    about = document.metadata
    metadata: dict[str, str | int | None] = {
        "collection": document.collection,
        "document_id": document.id,
        "publisher": about.publisher,
        "author": about.author,
        "published": about.published,
        "language": document.language,
        "kind": about.kind,
        "source": document.name,
        "sha256": document.sha256,
        "start": start,
        "end": start + len(part),
        "characters": document.characters,
    }
    return DocumentFetched(
        id=name.id, title=about.title, text=part, url=visit.document(name, about.url), metadata=metadata
    )


def _storable(text: str) -> str:
    """A source text may hold lone surrogates (offsets refer to it as decoded); JSON in UTF-8 cannot."""
    return "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in text) if _broken(text) else text


def _broken(text: str) -> bool:
    return any("\ud800" <= each <= "\udfff" for each in text)
