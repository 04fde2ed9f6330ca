"""Cleaning: from a source to the blocks that are the article, and the runs that are not, with the rule that says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qa.ingest.anatomy import Anatomy, dissect
from qa.ingest.headings import heading_levels
from qa.ingest.metadata import same_words, tidy_title
from qa.ingest.paragraphs import Paragraph
from qa.ingest.structure import paragraphs_of
from qa.types import Block, Cleaned, Cut, Removed, Source

INLINE = "inline"
"""The rule that takes marks out of the text around them: broken pronunciation, formatting."""
_SHORT_TITLE = 4


def clean(source: Source) -> Cleaned:
    """Split ``source.text`` into kept blocks and removed runs.

    Both are in source order and disjoint; whatever neither covers is white space. Nothing is raised for any text.
    """
    paragraphs = paragraphs_of(source)
    anatomy = dissect(paragraphs)
    verdicts = _without_title(paragraphs, anatomy, source.metadata.title)
    kept = [p for p, rule in zip(paragraphs, verdicts, strict=True) if rule is None]
    blocks = [
        Block(p.start, p.end, level, p.cuts, p.restored) for p, level in zip(kept, heading_levels(kept), strict=True)
    ]
    return Cleaned(tuple(blocks), _removed(paragraphs, verdicts))


def cuts(cleaned: Cleaned) -> list[Cut]:
    """All that is not shown, in source order: removed runs, and the marks inside kept blocks."""
    whole = [Cut(run.start, run.end, run.rule) for run in cleaned.removed]
    inside = [cut for block in cleaned.blocks for cut in _inside(block)]
    return sorted([*whole, *inside], key=lambda cut: cut.start)


def _inside(block: Block) -> Iterator[Cut]:
    restored = dict(block.restored)
    for start, end in block.cuts:
        yield Cut(start, end, INLINE, restored.get(start, ""))


def _without_title(paragraphs: Sequence[Paragraph], anatomy: Anatomy, title: str) -> list[str | None]:
    verdicts = list(anatomy.verdicts)
    words = same_words(title)
    same = [i for i, p in enumerate(paragraphs) if words and same_words(tidy_title(p.plain)) == words]
    for i in same if len(words) > _SHORT_TITLE else same[:1]:
        if verdicts[i] is None and (i < anatomy.first or paragraphs[i].level or not paragraphs[i].solid):
            verdicts[i] = "title"
    if None not in verdicts:
        # A note of one sentence was given that for a title: it is all that the note says.
        said = next((i for i, rule in enumerate(verdicts) if rule == "title" and paragraphs[i].closed), None)
        if said is not None:
            verdicts[said] = None
    return verdicts


def _removed(paragraphs: Sequence[Paragraph], verdicts: Sequence[str | None]) -> tuple[Removed, ...]:
    runs: list[Removed] = []
    open_run = False
    for paragraph, rule in zip(paragraphs, verdicts, strict=True):
        if rule is not None:
            merge = open_run and runs[-1].rule == rule
            runs[-1:] = (
                [Removed(runs[-1].start, paragraph.end, rule)]
                if merge
                else [*runs[-1:], Removed(paragraph.start, paragraph.end, rule)]
            )
        open_run = rule is not None
    return tuple(runs)
