"""Questions to begin with: such as this collection answers.

Candidates are written by hand (``examples.json`` beside the corpus directory) or made of the collection's own
sentences and titles; only those that it answers are shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from qa.encode.language import detect
from qa.types import Document

if TYPE_CHECKING:
    from qa.index import Index

Shown = Literal["zh", "en"]

SHOWN: Final = 4
TRIED: Final = 24
"""Candidates searched for at most: they are searched for one after the other."""
DOCUMENTS: Final = 8
"""Documents that questions are made of."""
_KEPT: Final = 64

_COUNTED: Final = re.compile(
    r"(?P<subject>[^\d，。；：、！？“”《》\s]{6,30})\d[\d,.]*[万亿]?[余多]?"
    r"(?P<unit>家|位|个|项|名|所|座|种|篇|亿元|万元)(?P<rest>[^\d，。；：、！？\s]{0,16})[，。；]"
)
_LONGEST_TITLE: Final = 60


class Examples:
    """Example questions of one index's collections, found once for each state of a collection."""

    def __init__(self, index: Index, shipped: Path) -> None:
        self._index = index
        self._shipped = shipped
        self._known: dict[tuple[object, ...], list[str]] = {}

    def questions(self, collection: str, language: Shown) -> list[str]:
        """At most ``SHOWN``. Raises NotFoundError."""
        state = next(
            ((each.passages, each.documents) for each in self._index.collections() if each.name == collection), ()
        )
        key = (collection, language, state)
        if key not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[key] = list(islice(self._answered(collection, language), SHOWN))
        return self._known[key]

    def _answered(self, collection: str, language: Shown) -> Iterator[str]:
        candidates = chain(written(self._shipped, language), self._made(collection, language))
        for question in islice(candidates, TRIED):
            if self._index.search(question, top_k=1, collection=collection).answerable:
                yield question

    def _made(self, collection: str, language: Shown) -> Iterator[str]:
        """One question of each document, then the second of each, and so on."""
        documents = self._index.documents(collection, limit=DOCUMENTS)
        each = [self._of(document, collection, language) for document in documents]
        return (question for row in zip_longest(*each) for question in row if question is not None)

    def _of(self, document: Document, collection: str, language: Shown) -> Iterator[str]:
        if language == "zh":
            for passage in self._index.passages(document.id, collection):
                yield from counting(passage.text)
        yield from about(document.metadata.title, language)


def written(path: Path, language: Shown) -> list[str]:
    """The questions of a file: a list of objects with a question in each language. None where there is no file."""
    if not path.is_file():
        return []
    return [str(pair[language]) for pair in json.loads(path.read_text(encoding="utf-8"))]


def counting(text: str) -> Iterator[str]:
    """“…共有200余位专家代表出席，” asks “…共有多少位专家代表出席？”"""
    for found in _COUNTED.finditer(text):
        yield f"{found['subject']}多少{found['unit']}{found['rest']}？"


def about(title: str, language: Shown) -> Iterator[str]:
    """What an article says, where its title is in the language of the question."""
    if len(title) <= _LONGEST_TITLE and detect(title) == language:
        yield f"“{title}”讲了什么？" if language == "zh" else f"What does “{title}” say?"
