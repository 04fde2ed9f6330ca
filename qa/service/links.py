"""Where a citation can be read: at the article's own address, or on this service's page of its source."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from starlette.requests import Request

from qa.config import Settings
from qa.index import DEFAULT_COLLECTION
from qa.types import Citation


def base_of(request: Request, settings: Settings) -> str:
    """The address of this service as people reach it: QA_PUBLIC_URL, or where this request came to."""
    return settings.public_url or str(request.base_url)


def address(citation: Citation, base: str, collection: str = DEFAULT_COLLECTION) -> str:
    """The article's own address where it has one; else the page of its source, with the passage marked."""
    if citation.url:
        return citation.url
    return page(citation.document_id, base, collection, start=citation.start, end=citation.end, sha256=citation.sha256)


def page(document_id: str, base: str, collection: str = DEFAULT_COLLECTION, **passage: int | str) -> str:
    """The page of a document's source in the service at ``base``; ``passage`` as ``web/passage.js`` writes it."""
    asked = passage if collection == DEFAULT_COLLECTION else passage | {"collection": collection}
    where = f"?{urlencode(asked)}" if asked else ""
    return f"{base.rstrip('/')}/documents/{quote(document_id, safe='')}{where}"
