"""Pages of fixed layout (PDF): printed lines joined to paragraphs, running heads and page numbers recognised."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

from qa.ingest.furniture import ANYWHERE, matching
from qa.ingest.paragraphs import Paragraph, Text, begins_item, columns, wrapped
from qa.ingest.script import ends_sentence, fold, is_blank
from qa.types import Span

_MARGIN = 2
"""Lines at the top and at the foot of a page that can repeat from page to page."""
_DIGITS = re.compile(r"\d+")
_FULL, _SHORT = 0.85, 0.6


def in_pages(text: Text, pages: Sequence[int]) -> list[Paragraph]:
    """The paragraphs of paged text. One goes on over a page break where its sentence does: what repeats on the pages is
    then cut out of it."""
    lines = text.lines()
    running = _running_lines(text.text, lines, pages)
    body = [line for line in lines if line not in running]
    width = _line_width(text.text, body)
    groups: list[list[Span]] = []
    for line in body:
        if groups and _goes_on(text.text, groups[-1][-1], line, width):
            groups[-1].append(line)
        else:
            groups.append([line])
    paragraphs = [wrapped(text, group) for group in groups]
    outside = [s for s in running if not _lies_inside(paragraphs, s)]
    return sorted([*paragraphs, *(text.paragraph(*s, rule=running[s]) for s in outside)], key=lambda p: p.start)


def _lies_inside(paragraphs: Sequence[Paragraph], span: Span) -> bool:
    before = bisect_right(paragraphs, span[0], key=lambda p: p.start) - 1
    return before >= 0 and paragraphs[before].end > span[0]


def _running_lines(text: str, lines: Sequence[Span], pages: Sequence[int]) -> dict[Span, str]:
    """Lines in the margin of pages: numbers, and what repeats on at least half of three or more pages."""
    margins = _margins(lines, pages)
    repeated = Counter(_masked(text, line) for line in set(margins))
    least = max(3, (len(pages) + 1) // 2)
    found: dict[Span, str] = {}
    for line in margins:
        key = fold(text[slice(*line)])
        if matching(ANYWHERE, key) == "page number":
            found[line] = "page number"
        elif repeated[_masked(text, line)] >= least and not is_blank(key):
            found[line] = "running head"
    return found


def _masked(text: str, line: Span) -> str:
    return _DIGITS.sub("0", fold(text[slice(*line)]))


def _margins(lines: Sequence[Span], pages: Sequence[int]) -> list[Span]:
    by_page: dict[int, list[Span]] = {}
    for line in lines:
        by_page.setdefault(bisect_right(pages, line[0]), []).append(line)
    return [line for page in by_page.values() for line in dict.fromkeys([*page[:_MARGIN], *page[-_MARGIN:]])]


def _line_width(text: str, lines: Sequence[Span]) -> int:
    widths = sorted(columns(text[slice(*line)]) for line in lines)
    return widths[int(0.9 * (len(widths) - 1))] if widths else 0


def _goes_on(text: str, line: Span, following: Span, width: int) -> bool:
    """Whether a printed line and the next belong to one paragraph."""
    before, after = text[slice(*line)], text[slice(*following)]
    gap = text[line[1] : following[0]]
    if begins_item(after) or (gap.isspace() and gap.count("\n") > 1):
        return False
    if after[0].islower() and not ends_sentence(before):
        return True
    return columns(before) >= (_FULL if ends_sentence(before) else _SHORT) * width
