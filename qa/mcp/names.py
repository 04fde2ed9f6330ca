"""Names of documents in MCP: ids for `fetch`, addresses of resources, places in a list of resources."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from qa.errors import InputError
from qa.types import DEFAULT_COLLECTION

SCHEME: Final = "citeqa://documents/"
TEMPLATE: Final = SCHEME + "{collection}/{document_id}"
_URI: Final = re.compile(re.escape(SCHEME) + r"([^/?#]{1,400})/([^/?#]{1,1000})")
_SEPARATOR: Final = "/"


@dataclass(frozen=True, slots=True)
class DocumentName:
    collection: str
    document_id: str

    @property
    def id(self) -> str:
        """The document's id; with its collection before it where that is not the usual one."""
        if self.collection == DEFAULT_COLLECTION:
            return self.document_id
        return f"{self.collection}{_SEPARATOR}{self.document_id}"

    @property
    def uri(self) -> str:
        return f"{SCHEME}{quote(self.collection, safe='')}/{quote(self.document_id, safe='')}"


def from_id(identifier: str) -> DocumentName:
    collection, separator, document_id = identifier.rpartition(_SEPARATOR)
    return DocumentName(collection if separator else DEFAULT_COLLECTION, document_id)


def from_uri(uri: str) -> DocumentName | None:
    found = _URI.fullmatch(uri)
    return DocumentName(unquote(found[1]), unquote(found[2])) if found else None


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a list of documents goes on: behind the first ``offset`` documents of a collection."""

    collection: str
    offset: int

    def __str__(self) -> str:
        return f"{self.offset}{_SEPARATOR}{self.collection}"


def from_cursor(text: str) -> Cursor:
    """Raises InputError for what was not made here."""
    offset, _, collection = text.partition(_SEPARATOR)
    if not (offset.isascii() and offset.isdecimal() and len(offset) < 16 and collection):
        raise InputError("This cursor is not one of ours.", "List from the beginning.")
    return Cursor(collection, int(offset))
