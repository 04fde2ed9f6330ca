"""What a search may find, as an expression that Milvus understands.

The expression may let more pass than the filter does (where that would take a list of too many documents, or texts are
cut): the database has the last word on every candidate. It never lets less pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from qa.store.milvus.schema import NAME_BYTES, cut
from qa.store.store import Selection
from qa.types import Filters, Language

MOST_LISTED: Final = 10_000
"""Documents named in one expression: a search with so many takes some 30 ms longer."""


def expression(collection: int, language: Language | None, selection: Selection | None) -> str:
    """For passages of a collection, in one language, that the selection admits."""
    return " and ".join(_conditions(collection, language, selection))


def _conditions(collection: int, language: Language | None, selection: Selection | None) -> Iterator[str]:
    yield f"collection == {collection}"
    if language is not None:
        yield f"language == {quoted(language)}"
    if selection is None:
        return
    yield from _plain(selection.filters)
    if _names_documents(selection.filters):
        listed = selection.documents(MOST_LISTED)
        if listed is not None:
            yield f"document in {list(listed)}"
    if 0 < len(selection.without) <= MOST_LISTED:
        yield f"document not in {list(selection.without)}"


def _plain(filters: Filters) -> Iterator[str]:
    if filters.publisher is not None:
        yield f"publisher == {quoted(cut(filters.publisher, NAME_BYTES))}"
    if filters.language is not None:
        yield f"written == {quoted(filters.language)}"
    if filters.published_from is not None:
        yield f"published >= {quoted(cut(filters.published_from, NAME_BYTES))}"
    if filters.published_to is not None and cut(filters.published_to, NAME_BYTES) == filters.published_to:
        yield f'published != "" and published <= {quoted(filters.published_to)}'


def _names_documents(filters: Filters) -> bool:
    return filters.document_ids is not None or bool(filters.conditions)


def quoted(text: str) -> str:
    """A text as a literal of Milvus's expressions, in which nothing is an operator."""
    return json.dumps(text.encode("utf-8", "backslashreplace").decode(), ensure_ascii=False)
