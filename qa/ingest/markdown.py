"""Markdown: front matter, headings, lists, tables and code, as paragraphs with their marks cut."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from qa.errors import ReadError
from qa.ingest.paragraphs import Paragraph, Text, wrapped
from qa.types import Span

LONGEST_FRONT_MATTER = 65_536
DEEPEST_FRONT_MATTER = 8

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"(#{1,6})(?:[ \t]+|$)")
_CLOSING_MARKS = re.compile(r"(?<![ \t])[ \t]+#+$")
_UNDERLINE = re.compile(r"(=+|-{2,})$")
_ITEM = re.compile(r"[-*+][ \t]+|\d{1,9}[.)][ \t]+")
_RULE = re.compile(r"(?:[-*_][ \t]*){3,}$")
_ROW = re.compile(r"\|.*\|$")
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"!?\[([^\[\]\n]{0,500})\]\([^()\n]{0,1000}\)")
_EMPHASIS = re.compile(r"(\*\*|__)(?=\S)([^*_\n]{1,500})(?<=\S)\1")
_COMMENT = re.compile(r"<!--.{0,10000}?-->", re.DOTALL)


def front_matter(text: str) -> tuple[dict[str, Any], int]:
    """The fields between the opening --- lines and the offset behind them; nothing and 0 where there are none.

    Raises ReadError (``front_matter``) where they are not the ``name: value`` lines that they should be.
    """
    match = _FRONT_MATTER.match(text[:LONGEST_FRONT_MATTER])
    if match is None:
        return {}, 0
    import yaml

    try:
        fields = _plain_yaml(match[1])
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ReadError(
            "The front matter is not valid YAML.",
            "Correct the lines between the --- marks; put values with a colon in quotes.",
            code="front_matter",
        ) from error
    return ({str(k): v for k, v in fields.items()}, match.end()) if isinstance(fields, dict) else ({}, 0)


def _plain_yaml(text: str) -> object:
    """YAML without references and without deep nesting: a few lines of either can stand for gigabytes."""
    import yaml

    class Plain(yaml.SafeLoader):
        depth = 0

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.depth > DEEPEST_FRONT_MATTER or self.check_event(yaml.AliasEvent):
                raise yaml.composer.ComposerError(None, None, "references and deep nesting are not read")
            self.depth += 1
            try:
                return super().compose_node(parent, index)
            finally:
                self.depth -= 1

    return yaml.load(text, Plain)


def in_markdown(text: Text) -> list[Paragraph]:
    """The paragraphs of a Markdown text. Front matter and comments are removed, marks of headings and links cut."""
    try:
        end = front_matter(text.text)[1]
    except ReadError:
        end = 0
    head = [text.paragraph(s, e, rule="front matter") for s, e in text.lines(0, end)]
    return head + _Blocks(text, text.lines(end)).paragraphs()


class _Blocks:
    """Gathers lines into blocks."""

    def __init__(self, text: Text, lines: Sequence[Span]) -> None:
        self._text = text
        self._lines = lines
        self._open: list[Span] = []
        self._done: list[Paragraph] = []

    def paragraphs(self) -> list[Paragraph]:
        at = 0
        while at < len(self._lines):
            at = self._take(at)
        self._close()
        return self._done

    def _take(self, at: int) -> int:
        start, end = self._lines[at]
        line = self._text.text[start:end]
        if self._open and self._is_apart(self._open[-1], self._lines[at]):
            self._close()
        if fence := _FENCE.match(line):
            return self._literal(at, self._fence_end(at, fence[1]))
        if _ROW.match(line):
            return self._literal(at, self._table_end(at))
        if heading := _HEADING.match(line):
            self._heading(start, end, heading)
        elif self._open and _UNDERLINE.match(line):
            self._underlined(start, end)
        elif _RULE.match(line):
            self._close()
            self._done.append(self._text.paragraph(start, end, rule="markup"))
        else:
            self._line(start, end, line)
        return at + 1

    def _line(self, start: int, end: int, line: str) -> None:
        if _ITEM.match(line):
            self._close()
        self._open.append((start, end))

    def _heading(self, start: int, end: int, match: re.Match[str]) -> None:
        self._close()
        marks = [(start, start + match.end())]
        if closing := _CLOSING_MARKS.search(self._text.text, start + match.end(), end):
            marks.append((closing.start(), end))
        rule = "markup" if start + match.end() >= end else None
        cuts = [*marks, *_inline_marks(self._text.text, start + match.end(), end)]
        self._done.append(self._text.paragraph(start, end, level=len(match[1]), cuts=cuts, rule=rule))

    def _underlined(self, start: int, end: int) -> None:
        level = 1 if self._text.text[start] == "=" else 2
        first, last = self._open[0][0], self._open[-1][1]
        self._done.append(self._text.paragraph(first, end, level=level, cuts=[(last, end)]))
        self._open = []

    def _close(self) -> None:
        if not self._open:
            return
        start, end = self._open[0][0], self._open[-1][1]
        rule = "comment" if _COMMENT.fullmatch(self._text.text, start, end) else None
        marks = _inline_marks(self._text.text, start, end)
        self._done.append(wrapped(self._text, self._open, cuts=marks, rule=rule))
        self._open = []

    def _literal(self, at: int, stop: int) -> int:
        self._close()
        start, end = self._lines[at][0], self._lines[stop - 1][1]
        self._done.append(self._text.paragraph(start, end, literal=True))
        return stop

    def _fence_end(self, at: int, marks: str) -> int:
        """A fence closes at the next line of at least as many marks, else at the end of the text."""
        for i in range(at + 1, len(self._lines)):
            line = self._text.text[slice(*self._lines[i])]
            if line.startswith(marks) and not line.strip(marks[0]):
                return i + 1
        return len(self._lines)

    def _table_end(self, at: int) -> int:
        stop = at + 1
        while stop < len(self._lines) and _ROW.match(self._text.text[slice(*self._lines[stop])]):
            stop += 1
        return stop

    def _is_apart(self, line: Span, following: Span) -> bool:
        return self._text.text.count("\n", line[1], following[0]) > 1


def _inline_marks(text: str, start: int, end: int) -> list[Span]:
    """Spans of the marks of links and strong text; of an image all goes."""
    marks: list[Span] = []
    for link in _LINK.finditer(text, start, end):
        if link.group().startswith("!"):
            marks.append(link.span())
        else:
            marks += [(link.start(), link.start(1)), (link.end(1), link.end())]
    for strong in _EMPHASIS.finditer(text, start, end):
        marks += [strong.span(1), (strong.end(2), strong.end())]
    return marks
