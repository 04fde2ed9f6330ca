"""The anatomy of a page: which paragraphs are furniture, and where the article begins and ends among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qa.ingest import bylines
from qa.ingest.furniture import (
    ANYWHERE,
    AT_EDGES,
    COMMENTS,
    RELATED,
    STAMP,
    disclaims,
    is_breadcrumb,
    is_row_of_links,
    matching,
)
from qa.ingest.paragraphs import Paragraph

ENDINGS = frozenset(
    {
        "editor",
        "end mark",
        "disclaimer",
        "more",
        "mood",
        "copyright",
        "links",
        "original link",
        "source",
        "related",
        "comments",
    }
)
"""Rules whose lines stand behind an article."""
_OPENINGS = frozenset({"breadcrumb", "share", "more", "greeting", "byline"})
_EVIDENCE = ENDINGS | _OPENINGS | {"keywords"}
_LONGEST_TEASER_TITLE = 40
_DATED_PAIRS = 3
_CUT_OFF = ("...", "…", "[详细]", "[详情]", "[全文]", "[阅读全文]", "查看详情", "阅读全文")


@dataclass(frozen=True, slots=True)
class Anatomy:
    """``verdicts[i]``: the rule that takes paragraph i away, or None. ``first``, ``last``: the first and the last
    paragraph of running text, both -1 where there is none."""

    verdicts: tuple[str | None, ...]
    first: int
    last: int


def dissect(paragraphs: Sequence[Paragraph]) -> Anatomy:
    """Judge each paragraph by its wording, its neighbours and its place."""
    verdicts = [_wording(p) for p in paragraphs]
    _dated_lists(paragraphs, verdicts)
    _sections(paragraphs, verdicts)
    body = [i for i, p in enumerate(paragraphs) if verdicts[i] is None and is_running_text(p)]
    if not body:
        return Anatomy(tuple(verdicts), -1, -1)
    _edge(paragraphs, verdicts, range(body[0] - 1, -1, -1))
    _edge(paragraphs, verdicts, range(body[-1] + 1, len(paragraphs)))
    _footer(paragraphs, verdicts, range(body[-1] + 1, len(paragraphs)))
    return Anatomy(tuple(verdicts), body[0], body[-1])


def is_running_text(paragraph: Paragraph) -> bool:
    """Whether a paragraph says something in sentences, and is no contact block or single-phrase disclaimer."""
    return paragraph.literal or (
        paragraph.solid and not matching(AT_EDGES, paragraph.key) and not disclaims(paragraph.key)
    )


def _wording(paragraph: Paragraph) -> str | None:
    if paragraph.rule or paragraph.literal:
        return paragraph.rule
    found = matching((*ANYWHERE, RELATED, COMMENTS), paragraph.key)
    return found or ("disclaimer" if disclaims(paragraph.key) > 1 else None)


def _is_stamp(paragraph: Paragraph) -> bool:
    return len(paragraph.key) <= 60 and bool(STAMP.fullmatch(paragraph.key.strip(" ·|[]()")))


def _dated_lists(paragraphs: Sequence[Paragraph], verdicts: list[str | None]) -> None:
    """A teaser and its time, over and over: a list of other articles, whatever stands above it."""
    stamps = [i for i, p in enumerate(paragraphs) if _has_clock(p) and not p.literal]
    for run in _evenly_spaced(stamps):
        if run[0] > 2 and len(run) >= _DATED_PAIRS:
            for i in range(run[0] - 1, run[-1] + 1):
                verdicts[i] = verdicts[i] or "related"


def _has_clock(paragraph: Paragraph) -> bool:
    return _is_stamp(paragraph) and (":" in paragraph.key or "前" in paragraph.key or "ago" in paragraph.key.lower())


def _evenly_spaced(positions: Sequence[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for position in positions:
        if run and position - run[-1] != 2:
            yield run
            run = []
        run.append(position)
    yield run or [0]


def _sections(paragraphs: Sequence[Paragraph], verdicts: list[str | None]) -> None:
    """What stands under a header such as 相关阅读 goes, to the end if the article has ended, else as long as a list."""
    headers = [i for i, rule in enumerate(verdicts) if rule in ("related", "comments")]
    begin = next((i for i, p in enumerate(paragraphs) if verdicts[i] is None and p.solid), len(paragraphs))
    for i in headers:
        if i > begin:
            stop = len(paragraphs) if _has_ended(verdicts, i) else _list_end(paragraphs, verdicts, i)
            verdicts[i + 1 : stop] = [rule or verdicts[i] for rule in verdicts[i + 1 : stop]]


def _has_ended(verdicts: Sequence[str | None], at: int) -> bool:
    """Whether other lines that close an article stand right above ``at``, or its readers' comments begin there."""
    if verdicts[at] == "comments":
        return True
    above = at - 1
    while above >= 0 and verdicts[above] is not None:
        if verdicts[above] in ENDINGS - {"related"}:
            return True
        above -= 1
    return False


def _list_end(paragraphs: Sequence[Paragraph], verdicts: Sequence[str | None], header: int) -> int:
    for i in range(header + 1, len(paragraphs)):
        following = paragraphs[i + 1] if i + 1 < len(paragraphs) else None
        if verdicts[i] is None and not _is_teaser(paragraphs[i], following):
            return i
    return len(paragraphs)


def _is_teaser(paragraph: Paragraph, following: Paragraph | None) -> bool:
    if _is_stamp(paragraph) or paragraph.key.rstrip().endswith(_CUT_OFF):
        return True
    if following is not None and _is_stamp(following):
        return True
    return paragraph.level == 0 and not paragraph.closed and paragraph.size <= _LONGEST_TEASER_TITLE


def _edge(paragraphs: Sequence[Paragraph], verdicts: list[str | None], zone: range) -> None:
    """Judge a zone before or after the running text by the weaker rules, if something there shows that it is a page's
    edge and not the end of a notice, whose address and telephone number are what it says."""
    weak = {i: rule for i in zone if verdicts[i] is None and (rule := _weak(paragraphs[i])) is not None}
    if not any(rule in _EVIDENCE for rule in [*weak.values(), *(verdicts[i] for i in zone)]):
        return
    for i, rule in weak.items():
        verdicts[i] = rule


def _weak(paragraph: Paragraph) -> str | None:
    if paragraph.rule or paragraph.literal or paragraph.level:
        return None
    key = paragraph.key
    if bylines.byline(paragraph.plain, key) or _is_stamp(paragraph):
        return "byline"
    if is_row_of_links(key):
        return "links"
    if is_breadcrumb(key):
        return "breadcrumb"
    return matching(AT_EDGES, key) or ("disclaimer" if disclaims(key) else None)


def _footer(paragraphs: Sequence[Paragraph], verdicts: list[str | None], tail: range) -> None:
    """Behind the first line that closes the page, names and slogans without a full stop go too."""
    closing = next((i for i in tail if verdicts[i] in ENDINGS - {"editor", "end mark"}), None)
    for i in range(closing, tail.stop) if closing is not None else ():
        if verdicts[i] is None and not paragraphs[i].closed and not paragraphs[i].literal:
            verdicts[i] = "footer"
