"""The visible text of an HTML page: its lines in reading order, each with the place it has in the tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qa.ingest.content import check_memory

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_UNSEEN = frozenset(
    "script style noscript template svg math iframe object embed canvas audio video select datalist textarea".split()
    + "head title meta link input img".split()
)
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rp rt ruby".split()
    + "s samp small span strike strong sub sup time tt u var wbr".split()
)
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
_SPACE = re.compile(r"[ \t\n\r\f\v\u00a0\u3000\u2002\u2003\u2009\u200b\ufeff]+")
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*>", re.IGNORECASE)
_CELL = "\t"
_LONGEST_CELL = 300
MAX_DEPTH = 200


@dataclass(slots=True)
class Line:
    """One line of visible text. ``path``: the elements around it, outermost first."""

    text: str
    path: tuple[HtmlElement, ...]
    linked: int
    """Characters inside links."""
    level: int
    """1..6 in a heading, else 0."""
    literal: bool
    """A row of a table, or a line of code."""


def parse(markup: str) -> HtmlElement | None:
    """The tree of a page, or None where there is nothing in it to make one of."""
    from lxml import etree, html

    parser = html.HTMLParser(remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        return html.document_fromstring(_XML_DECLARATION.sub("", markup.replace("\x00", "")), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        check_memory(error)
        return None


def visible_lines(root: HtmlElement) -> list[Line]:
    """The lines of a page as a reader sees them, scripts, styles and what the markup hides left out.

    A row of a data table is one line, its cells separated by tabs.
    """
    writer = _Writer(_data_rows(root))
    for event in _walk(root):
        writer.write(event)
    writer.end_line()
    return writer.lines


Path = tuple["HtmlElement", ...]


@dataclass(frozen=True, slots=True)
class _Event:
    """An element opens or closes, or text stands in it. ``path`` leads to it, as far as MAX_DEPTH."""

    kind: Literal["open", "close", "text"]
    element: HtmlElement
    path: Path
    text: str = ""


def _walk(root: HtmlElement) -> Iterator[_Event]:
    """Depth-first, without recursion: pages may be nested deeper than Python's stack."""
    stack = [_Event("open", root, (root,))]
    while stack:
        event = stack.pop()
        yield event
        if event.kind == "open":
            stack.extend(reversed(list(_content(event.element, event.path))))


def _content(element: HtmlElement, path: Path) -> Iterator[_Event]:
    yield _Event("text", element, path, element.text or "")
    for child in element:
        if isinstance(child.tag, str) and child.tag not in _UNSEEN and not is_hidden(child):
            yield _Event("open", child, path if len(path) >= MAX_DEPTH else (*path, child))
        yield _Event("text", element, path, child.tail or "")
    yield _Event("close", element, path)


def is_hidden(element: HtmlElement) -> bool:
    """Whether the element's own markup hides it and all inside."""
    return "hidden" in element.attrib or bool(_HIDDEN.search(element.get("style", "")))


class _Writer:
    """Collects text until its block ends, then makes a line of it."""

    def __init__(self, rows: set[HtmlElement]) -> None:
        self.lines: list[Line] = []
        self._rows = rows
        self._parts: list[str] = []
        self._linked = 0
        self._path: Path = ()

    def write(self, event: _Event) -> None:
        tag = event.element.tag
        if event.kind == "text":
            self._text(event.path, event.text)
        elif tag in _INLINE or (tag == "br" and event.kind == "close"):
            return
        elif any(e in self._rows for e in event.path[:-1]):
            self._parts.append(_CELL if tag in ("td", "th") and event.kind == "close" else " ")
        else:
            self.end_line()

    def _text(self, path: Path, text: str) -> None:
        first, *others = text.split("\n") if _is_code(path) else [text]
        self._append(path, first)
        for other in others:
            self.end_line()
            self._append(path, other)

    def _append(self, path: Path, text: str) -> None:
        self._parts.append(text)
        if text and not text.isspace():
            self._path = self._path or path
            self._linked += len(text.strip()) if any(e.tag == "a" for e in path) else 0

    def end_line(self) -> None:
        """Close the line under way, if it shows anything."""
        joined, path = "".join(self._parts), self._path
        text = joined.rstrip() if _is_code(path) else _SPACE.sub(_tidy, joined).strip()
        if text.strip() and path:
            literal = _is_code(path) or any(e in self._rows for e in path)
            level = next((_HEADINGS[e.tag] for e in reversed(path) if e.tag in _HEADINGS), 0)
            self.lines.append(Line(text, path, min(self._linked, len(text)), level, literal))
        self._parts, self._linked, self._path = [], 0, ()


def _is_code(path: Path) -> bool:
    return any(e.tag == "pre" for e in path)


def _tidy(match: re.Match[str]) -> str:
    return _CELL if _CELL in match.group() else " "


def _data_rows(root: HtmlElement) -> set[HtmlElement]:
    """Rows of tables that hold data: no table inside, at least two rows of two short cells."""
    found: set[HtmlElement] = set()
    for table in root.iter("table"):
        rows = [row for row in table.iter("tr") if sum(cell.tag in ("td", "th") for cell in row) > 1]
        if len(rows) > 1 and next(table.iterdescendants("table"), None) is None and _has_short_cells(rows):
            found.update(rows)
    return found


def _has_short_cells(rows: list[HtmlElement]) -> bool:
    return all(
        len(str(cell.text_content())) <= _LONGEST_CELL for row in rows for cell in row if isinstance(cell.tag, str)
    )
