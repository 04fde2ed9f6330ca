"""Where a citation can be read: at the article's own address, or as source text in this service."""

from __future__ import annotations

from urllib.parse import quote

from qa.index import DEFAULT_COLLECTION
from qa.types import Citation


def address(citation: Citation, base: str, collection: str = DEFAULT_COLLECTION) -> str:
    """The article's own address where it has one; else its source text in the service at ``base``."""
    return citation.url or source_address(citation.document_id, base, collection)


def source_address(document_id: str, base: str, collection: str = DEFAULT_COLLECTION) -> str:
    where = "" if collection == DEFAULT_COLLECTION else f"?collection={quote(collection, safe='')}"
    return f"{base.rstrip('/')}/v1/documents/{quote(document_id, safe='')}/source{where}"
