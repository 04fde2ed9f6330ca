"""Paragraphs: the units that cleaning judges, whatever format they come from."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from qa.ingest.annotations import Annotations, find_annotations, without
from qa.ingest.script import CJK, LINE_BREAKS, ends_sentence, fold, is_blank, measure, reads_as_paragraph
from qa.types import Span

_LINE = re.compile(f"[^{LINE_BREAKS}]+")
_LINE_BREAK = re.compile(f"\r\n|[{LINE_BREAKS}]")
_BULLET = re.compile(
    r"[-*+·•●■◆▪○►>#|]\s|\d{1,3}[.)、]|[（(][\d一二三四五六七八九十]{1,3}[)）]|[一二三四五六七八九十]{1,3}、"
)
_FIRST_TOKEN = re.compile(f"[^\\s{CJK}]+|\\S")

_END_MARK = re.compile(r"[(（【\[](?:完|全文完|本文完|完结)[)）】\]]\Z")
_LONGEST_END_MARK = 8

_NARROWEST, _WIDEST = 40, 130
_WRAPPED_SHARE = 0.7


@dataclass(frozen=True)
class Paragraph:
    """``source[start:end]``: one paragraph, list item, heading or row, without the white space around it."""

    start: int
    end: int
    plain: str
    """What it reads like: without its cuts, on one line."""
    level: int = 0
    """1..6 where the format says that this is a heading."""
    literal: bool = False
    """Code or a table: rules for running text do not apply."""
    rule: str | None = None
    """The rule that takes it away, where the format decides that alone."""
    cuts: tuple[Span, ...] = ()
    restored: tuple[tuple[int, str], ...] = ()

    @cached_property
    def key(self) -> str:
        """The folded form that rules match, a character for each of ``plain``."""
        return fold(self.plain)

    @cached_property
    def size(self) -> float:
        return measure(self.plain)

    @cached_property
    def closed(self) -> bool:
        return ends_sentence(self.plain)

    @cached_property
    def solid(self) -> bool:
        return reads_as_paragraph(self.plain)


class Text:
    """A source text with its annotations found once, from which paragraphs are cut."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._found = find_annotations(text)
        self._starts = [start for start, _ in self._found.cuts]

    def paragraph(
        self,
        start: int,
        end: int,
        *,
        level: int = 0,
        literal: bool = False,
        rule: str | None = None,
        cuts: Sequence[Span] = (),
    ) -> Paragraph:
        """The paragraph at a span; ``cuts`` are added to its annotations."""
        found = self._within(start, end)
        closing = _END_MARK.search(self.text, max(start, end - _LONGEST_END_MARK), end)
        closed = [closing.span()] if closing and closing.start() > start else []
        both = Annotations(_disjoint([*found.cuts, *cuts, *closed]), found.restored)
        plain = _LINE_BREAK.sub(" ", without(self.text, both, start, end))
        return Paragraph(start, end, plain, level, literal, rule, both.cuts, both.restored)

    def _within(self, start: int, end: int) -> Annotations:
        low, high = bisect_left(self._starts, start), bisect_left(self._starts, end)
        cuts = self._found.cuts[low:high]
        return Annotations(cuts, tuple(r for r in self._found.restored if start <= r[0] < end))

    def lines(self, start: int = 0, end: int | None = None) -> list[Span]:
        """Spans of the lines that show something, white space around them left out."""
        matches = _LINE.finditer(self.text, start, len(self.text) if end is None else end)
        return [strip(self.text, *m.span()) for m in matches if not m.group().isspace()]


def strip(text: str, start: int, end: int) -> Span:
    """The span without the white space at its ends (empty at ``end`` where nothing is left)."""
    part = text[start:end]
    return end - len(part.lstrip()), start + len(part.rstrip())


def _disjoint(cuts: list[Span]) -> tuple[Span, ...]:
    kept: list[Span] = []
    for start, end in sorted(cuts):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return tuple(kept)


def in_lines(text: Text) -> list[Paragraph]:
    """One paragraph a line, joined to real paragraphs where the text is wrapped at a fixed width."""
    lines = text.lines()
    width = wrap_width(text.text, lines)
    groups = _joined(text.text, lines, width) if width else [[line] for line in lines]
    return [wrapped(text, group) for group in groups]


def wrapped(text: Text, lines: Sequence[Span], *, cuts: Sequence[Span] = (), rule: str | None = None) -> Paragraph:
    """The paragraph of several lines, its line breaks cut where they would fall into a word."""
    breaks = [(a[1], b[0]) for a, b in zip(lines, lines[1:], strict=False)]
    inside = [c for c in (_break_cut(text.text, *gap) for gap in breaks) if c]
    start, end = lines[0][0], lines[-1][1]
    if rule is None and is_blank(text.text[start:end]):
        rule = "blank"
    return text.paragraph(start, end, cuts=[*inside, *cuts], rule=rule)


def _break_cut(text: str, start: int, end: int) -> Span | None:
    before, after = text[start - 1], text[end]
    if before == "-" and after.islower() and text[max(0, start - 2)].islower():
        return start - 1, end
    if _is_wide(before) and _is_wide(after):
        return start, end
    return None if text[start:end].isspace() else (start, end - 1)


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def begins_item(text: str) -> bool:
    """Whether a line opens with a bullet or a number."""
    return bool(_BULLET.match(text))


def columns(text: str) -> int:
    """Width on a terminal: wide characters count 2."""
    return len(text) if text.isascii() else len(text) + sum(map(_is_wide, text))


def wrap_width(text: str, lines: Sequence[Span]) -> int:
    """The width in columns that ``text`` was wrapped at by hand or by a mailer, 0 where it was not.

    In wrapped text the first word of the next line would not have fitted on the line before, and lines end anywhere
    in a sentence.
    """
    pairs = [(a, b) for a, b in zip(lines, lines[1:], strict=False) if _adjacent(text, a, b)]
    if len(pairs) < 2:
        return 0
    widths = sorted(columns(text[a:b]) for a, b in lines)
    width = widths[int(0.95 * (len(widths) - 1))]
    if not _NARROWEST <= width <= _WIDEST:
        return 0
    full = [a for a, b in pairs if _is_full(text, a, b, width)]
    broken = sum(not ends_sentence(text[slice(*line)]) for line in full)
    return width if len(full) >= _WRAPPED_SHARE * len(pairs) and broken > len(full) / 2 else 0


def _adjacent(text: str, a: Span, b: Span) -> bool:
    return len(_LINE_BREAK.findall(text, a[1], b[0])) == 1


def _is_full(text: str, line: Span, following: Span, width: int) -> bool:
    word = _FIRST_TOKEN.match(text, following[0], following[1])
    return columns(text[slice(*line)]) + 1 + columns(word.group() if word else "") > width - 2


def _joined(text: str, lines: Sequence[Span], width: int) -> list[list[Span]]:
    groups: list[list[Span]] = []
    for line in lines:
        if groups and _continues(text, groups[-1][-1], line, width):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _continues(text: str, line: Span, following: Span, width: int) -> bool:
    if not _adjacent(text, line, following) or _BULLET.match(text, *following):
        return False
    full = _is_full(text, line, following, width)
    return full or (text[following[0]].islower() and not ends_sentence(text[slice(*line)]))
