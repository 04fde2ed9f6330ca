"""What a text says of itself: title, publisher, author, date and address, read from its first and last lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from qa.ingest import bylines
from qa.ingest.anatomy import dissect
from qa.ingest.bylines import Dateline, Fields
from qa.ingest.furniture import ANYWHERE, AT_EDGES, COMMENTS, RELATED, STAMP, is_breadcrumb, is_row_of_links, matching
from qa.ingest.paragraphs import Paragraph

HEAD_LINES = 30
TAIL_LINES = 60
_LONGEST_TITLE = 90

_READING = re.compile(r"正在阅读 ?: ?(.{4,120})")
_LINK = re.compile(
    r"(?:原文|来源|本文|文章|original|source|original article|permalink|link)(?:链接|地址|网址| url| link)? ?: ?(https?://[^\s<>\"'()]{4,500})",
    re.IGNORECASE,
)
_TAGS = re.compile(r"(?:_[^_\s]{1,16}){1,6}$")
_SITE = re.compile(r" ?[|_–—-] ?[^|_–—-]{2,24}$")
_OUTLET = re.compile(
    r"(?:报|社|周刊|杂志|新闻|电视台|总台|电台|日报网|新闻网|中新网|新华网|人民网|财经|times|post|news|journal|herald|reuters|xinhua)$",
    re.IGNORECASE,
)
_YEAR_FIRST = re.compile(r"((?:19|20)\d\d)(?!\d|年?(?:度|年终|全年|总结|至|-|—))")
_MARKS = re.compile(r"[\W_]+")

_NOT_A_TITLE = (*ANYWHERE, *AT_EDGES, RELATED, COMMENTS)


@dataclass(frozen=True, slots=True)
class Found:
    """What a text's own lines say; ``None`` where they say nothing."""

    title: str | None = None
    publisher: str | None = None
    author: str | None = None
    published: str | None = None
    url: str | None = None


def same_words(text: str) -> str:
    """Letters and digits of ``text`` alone, in one case: titles are compared by them."""
    return _MARKS.sub("", text).casefold()


def from_text(paragraphs: Sequence[Paragraph], title: str | None = None) -> Found:
    """Read the metadata of a plain text from its opening and closing lines; ``title`` where it is known already."""
    anatomy = dissect(paragraphs)
    first, last = anatomy.first, anatomy.last
    head = paragraphs[max(0, first - HEAD_LINES) : first] if first >= 0 else paragraphs[:HEAD_LINES]
    tail = paragraphs[last + 1 : last + 1 + TAIL_LINES] if first >= 0 else ()
    report = bylines.dateline(paragraphs[first].plain, paragraphs[first].key) if first >= 0 else None
    heads, title = _fields(head), title or find_title(head)
    return Found(
        title=title,
        publisher=_publisher(_named(heads), report, _named(_fields(tail))),
        author=next((f.author for f in heads if f.author), None) or (report.author if report else None),
        published=_published(heads, report, title, paragraphs),
        url=next((m[1] for p in [*head, *tail] if (m := _LINK.search(_as_written(p)))), None),
    )


def _named(fields: Sequence[Fields]) -> str | None:
    return next((f.publisher for f in fields if f.publisher), None)


def _as_written(paragraph: Paragraph) -> str:
    return paragraph.plain.replace("：", ":")


def _fields(paragraphs: Sequence[Paragraph]) -> list[Fields]:
    return [f for p in paragraphs if (f := bylines.byline(p.plain, p.key))]


def _publisher(header: str | None, report: Dateline | None, credit: str | None) -> str | None:
    """The header's source; but who is no news outlet himself, and credits one, has republished its text."""
    sender = report.publisher if report else None
    if header and not _OUTLET.search(header):
        return next((o for o in (credit, sender) if o and _OUTLET.search(o)), header)
    return header or sender or credit


def _published(
    heads: Sequence[Fields], report: Dateline | None, title: str | None, paragraphs: Sequence[Paragraph]
) -> str | None:
    stated = next((f.published for f in heads if f.published), None)
    if stated or report is None or report.month is None:
        return stated
    return _certain(report, title, paragraphs)


def _certain(report: Dateline, title: str | None, paragraphs: Sequence[Paragraph]) -> str | None:
    """The dateline's day in the year that the text itself makes certain: its own, the title's first word, or the same
    day written out in full."""
    started = _YEAR_FIRST.match(title or "")
    year = report.year or (int(started[1]) if started else None) or _year_of_day(report, paragraphs)
    return bylines.find_date(f"{year}-{report.month}-{report.day}") if year else None


def _year_of_day(report: Dateline, paragraphs: Sequence[Paragraph]) -> int | None:
    written = re.compile(rf"(?<!\d)((?:19|20)\d\d)年0?{report.month}月0?{report.day}日")
    years = {int(m[1]) for p in paragraphs for m in written.finditer(p.key)}
    return years.pop() if len(years) == 1 else None


def find_title(head: Sequence[Paragraph]) -> str | None:
    """The title among the lines before the body: one that the page itself calls so, else the first plausible line."""
    named = next((p.plain[m.start(1) :] for p in head if (m := _READING.search(p.key))), None)
    if named:
        return tidy_title(named)
    plausible = [p for p in head if is_plausible_title(p)]
    repeated = Counter(same_words(p.plain) for p in plausible)
    for chosen in (
        (p for p in plausible if repeated[same_words(p.plain)] > 1 and p.size >= 6),
        (p for p in plausible if p.size >= 6),
        iter(plausible),
    ):
        found = next(chosen, None)
        if found:
            return tidy_title(found.plain)
    return None


def is_plausible_title(paragraph: Paragraph) -> bool:
    """Whether a line before the body can be its title."""
    key = paragraph.key.strip()
    if not 2 <= paragraph.size <= _LONGEST_TITLE or paragraph.solid or key.endswith(("。", ":", ";", ",")):
        return False
    return not (
        STAMP.fullmatch(key)
        or matching(_NOT_A_TITLE, key)
        or is_row_of_links(key)
        or is_breadcrumb(key)
        or bylines.byline(paragraph.plain, paragraph.key)
    )


def tidy_title(title: str, site: str | None = None) -> str:
    """``title`` on one line, without the tags and the site's name that pages append to it."""
    title = _TAGS.sub("", " ".join(title.split()).lstrip("# "))
    suffix = _SITE.search(title)
    if suffix and site and same_words(suffix.group()) in same_words(site):
        title = title[: suffix.start()]
    return title.strip()
