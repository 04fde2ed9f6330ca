"""The paragraphs of a source, whatever its format."""

from __future__ import annotations

from bisect import bisect_right

from qa.ingest.layout import in_pages
from qa.ingest.markdown import in_markdown
from qa.ingest.paragraphs import Paragraph, Text, in_lines
from qa.types import Source, Span


def paragraphs_of(source: Source) -> list[Paragraph]:
    """The paragraphs of a source, in order; together they hold everything of it that can be seen."""
    text = Text(source.text)
    if source.format == "markdown":
        return in_markdown(text)
    if source.format == "pdf":
        return in_pages(text, source.pages)
    if source.format == "text":
        return in_lines(text)
    return _marked_lines(text, source)


def _marked_lines(text: Text, source: Source) -> list[Paragraph]:
    """One paragraph a line, with the headings, table rows and main text that the format's reader marked."""
    levels = {start: level for start, _, level in source.headings}
    return [
        text.paragraph(
            start,
            end,
            level=levels.get(start, 0),
            literal="\t" in source.text[start:end],
            rule=None if source.main is None or _overlaps(source.main, start, end) else "page",
        )
        for start, end in text.lines()
    ]


def _overlaps(spans: tuple[Span, ...], start: int, end: int) -> bool:
    """Whether the sorted, disjoint ``spans`` touch ``start``..``end``."""
    before = bisect_right(spans, (end - 1, end + 1)) - 1
    return before >= 0 and spans[before][1] > start
