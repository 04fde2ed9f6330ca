"""Rows of tables in a passage: each is a sentence of its own, read under the header of its table.

A row is a line between bars (Markdown), or one whose cells tabs part (as tables of pages and Word files are kept). A
table is two such lines or more with the same number of cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from qa.types import Span

_RULE = re.compile(r"\s{0,99}:?-+:?\s{0,99}")
_BLANKS = "| \t"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a passage. ``span``: in its matchable text; ``cells``: of a row, empty for every other line."""

    span: Span
    cells: tuple[str, ...] = ()

    @property
    def is_rule(self) -> bool:
        """Whether it is what Markdown draws under a header."""
        return bool(self.cells) and all(_RULE.fullmatch(cell) for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Row:
    """``span`` and ``header``: in the matchable text, without the bars at their ends; no header where none is known."""

    span: Span
    header: Span | None


def parts(text: str, lines: Sequence[Line]) -> Iterator[Span | Row]:
    """Running text and rows, in order. Headers and rules are no parts of their own."""
    tables = [(size, list(found)) for size, found in groupby(lines, key=lambda line: len(line.cells))]
    start = 0
    for size, found in tables:
        if size < 2 or len(found) < 2:
            continue
        if start < found[0].span[0]:
            yield start, found[0].span[0]
        start = found[-1].span[1]
        yield from _rows(text, found)
    if start < len(text):
        yield start, len(text)


def _rows(text: str, found: Sequence[Line]) -> Iterator[Row]:
    header = _header(found)
    above = None if header is None else _trimmed(text, header.span)
    for line in found:
        if line is not header and not line.is_rule:
            yield Row(_trimmed(text, line.span), above)


def _header(found: Sequence[Line]) -> Line | None:
    """The first line, where a rule is under it, or it names things and gives no figures."""
    first = found[0]
    named = not any(character.isdigit() for cell in first.cells for character in cell)
    return first if found[1].is_rule or (named and not first.is_rule) else None


def _trimmed(text: str, span: Span) -> Span:
    start, end = span
    while start < end - 1 and text[start] in _BLANKS:
        start += 1
    while end > start + 1 and text[end - 1] in _BLANKS:
        end -= 1
    return start, end


def lines(text: str, source: str, starts: Sequence[int], ends: Sequence[int]) -> list[Line]:
    """The lines of a text, ``text[i]`` of which comes from ``source[starts[i]:ends[i]]``."""
    breaks = [i for i, character in enumerate(text) if character == " " and "\n" in source[starts[i] : ends[i]]]
    edges = zip([0, *(i + 1 for i in breaks)], [*breaks, len(text)], strict=True)
    return [Line((a, b), _cells(source[starts[a] : ends[b - 1]].strip())) for a, b in edges if a < b]


def _cells(line: str) -> tuple[str, ...]:
    if line.startswith("|") and line.endswith("|") and len(line) > 1:
        return tuple(line[1:-1].split("|"))
    return tuple(line.split("\t")) if "\t" in line else ()
