"""Headings that a plain text does not mark: short lines without a full stop that a paragraph follows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa.ingest.paragraphs import Paragraph

_LONGEST = 32
_MOST_IN_A_ROW = 3
_SECTION = 2
_NUMBERED = (
    (
        re.compile(
            r"第[一二三四五六七八九十百零\d]{1,5}(?:章|编|篇|部分|单元)|(?:chapter|part) [\divxlc]{1,5}\b",
            re.IGNORECASE,
        ),
        2,
    ),
    (re.compile(r"第[一二三四五六七八九十百零\d]{1,5}节"), 3),
    (re.compile(r"[一二三四五六七八九十]{1,3} ?、"), 2),
    (re.compile(r"[(][一二三四五六七八九十]{1,3}[)]"), 3),
    (re.compile(r"\d{1,2}\.\d{1,2}\.\d{1,2}\.? "), 4),
    (re.compile(r"\d{1,2}\.\d{1,2}\.? "), 3),
    (re.compile(r"\d{1,2} ?[.、] ?(?!\d)|[(]\d{1,2}[)]"), 4),
)
_OPEN_END = (":", ",", "、", ";", "，", "-", "—", "...", "…")
_BULLETS = ("·", "-", "*", "+", ">", "|", "http")


def heading_levels(paragraphs: Sequence[Paragraph]) -> list[int]:
    """Level (0 for none) of each paragraph that cleaning keeps: the format's own, or what its place suggests."""
    levels = [p.level for p in paragraphs]
    start = 0
    while start < len(paragraphs):
        stop = start
        while stop < len(paragraphs) and _could_head(paragraphs[stop]):
            stop += 1
        if stop < len(paragraphs) and _is_headed(paragraphs[stop]):
            _mark(paragraphs, levels, start, stop)
        start = stop + 1
    return levels


def _mark(paragraphs: Sequence[Paragraph], levels: list[int], start: int, stop: int) -> None:
    """A longer row of short lines is a list: only what is numbered like a heading, or stands last, heads anything."""
    few = stop - start <= _MOST_IN_A_ROW
    for i in range(start, stop):
        numbered = _numbered_level(paragraphs[i])
        if few or (numbered and i == stop - 1):
            levels[i] = numbered or min(_SECTION + i - start, 6)


def _could_head(paragraph: Paragraph) -> bool:
    key = paragraph.key.strip()
    if paragraph.level or paragraph.literal or paragraph.closed or not 1 <= paragraph.size <= _LONGEST:
        return False
    if key.endswith(_OPEN_END) or key.startswith(_BULLETS) or "\t" in paragraph.plain:
        return False
    return "。" not in key and "http" not in key and not (":" in key and "," in key)


def _is_headed(paragraph: Paragraph) -> bool:
    return not paragraph.level and (paragraph.solid or paragraph.literal or (paragraph.closed and paragraph.size >= 8))


def _numbered_level(paragraph: Paragraph) -> int:
    key = paragraph.key.strip()
    return next((level for pattern, level in _NUMBERED if pattern.match(key)), 0)
