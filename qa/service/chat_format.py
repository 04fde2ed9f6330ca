"""Answers as chat clients show them: marks as links, a list of sources, annotations with their places in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from qa.answer import links
from qa.answer.extract import Piece
from qa.answer.phrases import Voice
from qa.service.shape import Json
from qa.types import DEFAULT_COLLECTION, Citation, Hit

Style = Literal["links", "bare", "open-webui"]

_MARK: Final = re.compile(r"\[(\d+)\]")
_MARKS_BEHIND: Final = re.compile(r"\s?(?:\[\d+\])+")
_HEADINGS: Final[dict[Voice, str]] = {"en": "Sources", "zh": "来源", "zh-Hant": "來源"}
_MARKDOWN: Final = re.compile(r"([\\\[\]`*_<>])")


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark in the text that was shown so far: ``text[start:end]`` stands for the citation."""

    citation: Citation
    start: int
    end: int


class Renderer:
    """Turns the pieces of one answer into chat text, and notes where its marks are."""

    def __init__(self, hits: Sequence[Hit], base: str, style: Style, collection: str = DEFAULT_COLLECTION) -> None:
        """``base``: address of this service, for documents that have none of their own."""
        self._citations = {hit.rank: hit.citation for hit in hits}
        self._base = base
        self._collection = collection
        self._style = style
        self._shown = 0
        self.marks: list[Mark] = []

    def piece(self, piece: Piece) -> str:
        """The text of a piece. Only marks behind its sentence are marks: brackets in a quote are its own."""
        parts = list(self._parts(piece))
        return "".join(parts)

    def sources(self, voice: Voice) -> str:
        """The list of what was cited, to go under the text; empty where nothing was, or the client shows it itself."""
        cited = {mark.citation.marker: mark.citation for mark in self.marks}
        if not cited or self._style == "open-webui":
            return ""
        lines = [self._source(citation) for _, citation in sorted(cited.items(), key=lambda item: int(item[0][1:-1]))]
        return "\n\n" + "\n".join([f"**{_HEADINGS[voice]}**", "", *lines])

    def annotations(self) -> list[Json]:
        return [
            {
                "type": "url_citation",
                "url_citation": {
                    "url": self.address(mark.citation),
                    "title": mark.citation.title,
                    "start_index": mark.start,
                    "end_index": mark.end,
                },
            }
            for mark in self.marks
        ]

    def address(self, citation: Citation) -> str:
        """The article's own page where it has one; else its source in this service."""
        return links.address(citation, self._base, self._collection)

    def _parts(self, piece: Piece) -> Iterator[str]:
        text, start = piece.text, 0
        for mark in _marks(piece):
            citation = self._citations.get(int(mark[1]))
            if citation is None:
                continue
            yield self._plain(text[start : mark.start()])
            yield self._mark(citation)
            start = mark.end()
        yield self._plain(text[start:])

    def _plain(self, text: str) -> str:
        self._shown += len(text)
        return text

    def _mark(self, citation: Citation) -> str:
        shown = citation.marker
        if self._style == "links":
            shown = f"{citation.marker}({_link(self.address(citation))})"
        self.marks.append(Mark(citation, self._shown, self._shown + len(shown)))
        return self._plain(shown)

    def _source(self, citation: Citation) -> str:
        title = _MARKDOWN.sub(r"\\\1", " ".join(citation.title.split()))
        linked = f"[{title}]({_link(self.address(citation))})" if self._style == "links" else title
        facts = ", ".join(fact for fact in (citation.publisher, citation.published) if fact)
        return f"- {citation.marker} {linked}" + (f" ({facts})" if facts else "")


def source_event(hit: Hit, address: str) -> Json:
    """A passage in the form that Open WebUI shows.

    It takes passages for one that share ``metadata.source`` or ``metadata.name``, and counts: so both are the passage's
    own here, or the numbers in the text would lead to others.
    """
    name = f"{hit.rank}. {hit.citation.title}"
    return {
        "type": "source",
        "data": {
            "source": {"name": name, "url": address},
            "document": [hit.text],
            "metadata": [{"source": hit.citation.passage_id, "name": name, "url": address}],
        },
    }


def _marks(piece: Piece) -> Iterator[re.Match[str]]:
    if piece.sentence is None:
        yield from _MARK.finditer(piece.text)
        return
    start = piece.text.find(piece.sentence.text) + len(piece.sentence.text)
    behind = _MARKS_BEHIND.match(piece.text, start)
    if behind:
        yield from _MARK.finditer(piece.text, behind.start(), behind.end())


def _link(address: str) -> str:
    """An address inside Markdown parentheses."""
    return address.replace(" ", "%20").replace("(", "%28").replace(")", "%29")
