"""Bylines: the lines under a title that say who published a text and when, and the dateline that opens a report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest

from qa.ingest.script import CJK, measure

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?:{'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_NUMERIC_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d) ?[-/.年] ?(\d{1,2}) ?[-/.月] ?(\d{1,2})(?!\d)(?: ?日)?")
_COMPACT_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)(0\d|1[0-2])([0-2]\d|3[01])(?!\d)")
_MONTH_FIRST = re.compile(rf"\b({_MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?,? ((?:19|20)\d\d)\b", re.IGNORECASE)
_DAY_FIRST = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)? ({_MONTH}),? ((?:19|20)\d\d)\b", re.IGNORECASE)

_PUBLISHER = (
    "信息来源|文章来源|稿件来源|新闻来源|内容来源|资料来源|本文来源|来源|稿源|出处|source|publisher|published by"
)
_AUTHOR = "作者|撰文|撰稿|文字|文(?=/)|记者|通讯员|author|authors|by|written by|reporter"
_TIME = (
    "发布时间|发布日期|发表时间|发表日期|更新时间|更新日期|时间|日期|发布于|发表于|发布|"
    "published on|published|updated|last updated|posted on|posted|date|modified|first published"
)
_OTHER = (
    "图(?=/)|责任编辑|责编|编辑|校对|审核|浏览次数|浏览量|浏览|阅读次数|阅读量|阅读|点击次数|点击数|点击量|"
    "点击|访问次数|访问量|人气|评论|字体大小|字体|字号|"
    "分享到|分享至|分享|打印|收藏|views|comments|share|section|category|栏目|分类|频道|栏目类别"
)
_FIELD = re.compile(
    rf"(?<![{CJK}\w])(?:(?P<publisher>{_PUBLISHER})|(?P<author>{_AUTHOR})|(?P<time>{_TIME})|(?P<other>{_OTHER}))"
    r" ?(?:[:|]|/(?! ?/))",
    re.IGNORECASE,
)
_VALUE_END = re.compile(
    r" {2,}|\|| (?:字号|字体|分享|打印|点击|阅读|浏览|评论|收藏)|(?:19|20)\d\d ?[-/.年] ?\d|https?://"
)
_CLOCK = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?(?: ?[ap]\.?m\.?)?(?: (?:[A-Z]{2,4}|[+-]\d\d:?\d\d))?", re.IGNORECASE)
_NOISE = re.compile(
    r"字号|字体|打印(?:本页|本文)?|收藏|分享到?|关闭(?:窗口)?|纠错|投稿|手机看新闻|听新闻|原创|转载|北京时间|"
    r"(?:周|星期)[一二三四五六日天]"
    r"|[大中小次人万]|\b(?:updated?|on|at|min(?:ute)?s?|read|(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|"
    r"tue|wed|thu|fri|sat|sun)\b|[\W\d_]",
    re.IGNORECASE,
)
_ENGLISH_NAMES = r"[A-Z][\w.'’-]+(?:(?:,? (?:and|&))? [A-Z][\w.'’-]*){0,7}"
_BY = re.compile(rf"(?:[Ss]tory |[Ww]ritten )?(?:[Bb]y|BY) ({_ENGLISH_NAMES})(?:[,|].{{0,60}})?")
_CHINESE_NAME = f"(?!记者|通讯员|特约|见习|实习|作者|摄影)[{CJK}]{{2,4}}(?:·[{CJK}]{{1,6}}){{0,2}}"
_ROLE = re.compile(
    rf"(?:(?:记者|通讯员|作者|撰稿人?|评论员)[:/| ]{{0,2}}|(?:图文|文)[:/|"
    rf"] ?)({_CHINESE_NAME}(?:[、, ]{{1,2}}{_CHINESE_NAME}){{0,5}})(?![{CJK}])"
)
_SIGNED = re.compile(
    rf"[(/|"
    rf" ]{{0,2}}(?:[{CJK}]{{2,10}})?{_ROLE.pattern}(?:[ 、,]{{1,2}}(?:[{CJK}]{{2,10}})?{_ROLE.pattern})?[)/|"
    rf" ]{{0,2}}(?:报道|文)?"
)

_AGENCY = f"[{CJK}·]{{0,14}}(?:社|网|报|总台|电视台|电台|客户端|财经|新闻|在线|头条|周刊|杂志)"
_WHO = r"(?: ?[(\[](?P<who>[^()\[\]]{1,60})[)\]])"
_DATELINE = re.compile(
    rf"(?P<agency>{_AGENCY})(?:讯 ?)?[{CJK}]{{0,10}}?(?:记者 ?(?P<by>{_CHINESE_NAME}) ?)?"
    rf"(?:(?P<year>(?:19|20)\d\d)年)?(?P<month>\d{{1,2}})月(?P<day>\d{{1,2}})日(?:[上下]午)?(?:综合|专)?(?:电|"
    rf"讯|消息|报道){_WHO}?"
)
_LEAD_IN = re.compile(rf"(?P<agency>{_AGENCY})讯{_WHO}?(?=[ ,:)]|\d|$|[{CJK}])")
_ENGLISH_DATELINE = re.compile(
    r"(?:[A-Z][A-Z .,'’-]{2,40}?(?:, [A-Z][a-z]{2,8}\.? \d{1,2})? ?)?\((?P<agency>[A-Z][\w .&-]{1,30})\) ?[-—–]"
)
_UNKNOWN = re.compile(
    r"佚名|匿名|未知|不详|网络|互联网|本[站网报刊]|小编|编辑|转载|原创|整理|综合|admin.*|unknown|anonymous|"
    r"staff|editor|webmaster|n/?a",
    re.IGNORECASE,
)
_EDGE = " \t()（）[]【】《》<>「」“”\"'|,.;、:-·/"

_NAMES_ONLY = re.compile(rf"{_CHINESE_NAME}(?:[、, ]{{1,2}}{_CHINESE_NAME}){{0,5}}")

LONGEST = 160
"""Longest line, in characters, that can be a byline."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What one byline says; ``None`` where it says nothing of it."""

    publisher: str | None = None
    author: str | None = None
    published: str | None = None


def find_date(text: str) -> str | None:
    """The first date with a year in a folded text, as ISO date."""
    return next((found for match in _dates(text) if (found := _iso(*match)) is not None), None)


def _dates(text: str) -> list[tuple[str, str, str]]:
    found = [(m.start(), (m[1], m[2], m[3])) for p in (_NUMERIC_DATE, _COMPACT_DATE) for m in p.finditer(text)]
    found += [(m.start(), (m[3], _month(m[1]), m[2])) for m in _MONTH_FIRST.finditer(text)]
    found += [(m.start(), (m[3], _month(m[2]), m[1])) for m in _DAY_FIRST.finditer(text)]
    return [parts for _, parts in sorted(found)]


def _month(name: str) -> str:
    return str(_MONTHS.index(name[:3].lower()) + 1)


def _iso(year: str, month: str, day: str) -> str | None:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


def byline(plain: str, key: str) -> Fields | None:
    """What a folded line says as a byline; ``None`` where it is something else.

    ``plain`` is the same line unfolded, character by character; names are taken from it.
    """
    if len(key) > LONGEST:
        return None
    fields = list(_FIELD.finditer(key))
    values = [_value(key, m.end(), n) for m, n in zip_longest(fields, fields[1:])]
    when = find_date(key)
    if not fields and when is None:
        return _signature(plain, key)
    if measure(_NOISE.sub(" ", _rest(key, fields, values))) > 2:
        return _signature(plain, key)
    return Fields(
        publisher=_first(plain, fields, values, "publisher"),
        author=_first(plain, fields, values, "author"),
        published=when,
    )


def _value(key: str, start: int, following: re.Match[str] | None) -> tuple[int, int]:
    end = following.start() if following else len(key)
    start += len(key[start:end]) - len(key[start:end].lstrip())
    stop = _VALUE_END.search(key, start, end)
    return start, min(stop.start() if stop else end, start + 48)


def _rest(key: str, fields: Sequence[re.Match[str]], values: Sequence[tuple[int, int]]) -> str:
    kept = list(key)
    for match, (_, end) in zip(fields, values, strict=True):
        kept[match.start() : end] = " " * (end - match.start())
    rest = "".join(kept)
    for pattern in (_NUMERIC_DATE, _COMPACT_DATE, _MONTH_FIRST, _DAY_FIRST, _CLOCK):
        rest = pattern.sub(" ", rest)
    return rest


def _first(plain: str, fields: Sequence[re.Match[str]], values: Sequence[tuple[int, int]], kind: str) -> str | None:
    named = (name(plain[slice(*v)]) for m, v in zip(fields, values, strict=True) if m.lastgroup == kind)
    return next((n for n in named if n), None)


def name(text: str) -> str | None:
    """A name without the signs around it; ``None`` where it says that nobody is named."""
    trimmed = " ".join(text.split()).strip(_EDGE)
    return None if not trimmed or _UNKNOWN.fullmatch(trimmed) or not measure(trimmed) else trimmed


def _signature(plain: str, key: str) -> Fields | None:
    english = _BY.fullmatch(plain.strip())
    if english:
        return Fields(author=english[1], published=find_date(key))
    if _SIGNED.fullmatch(key.strip()):
        return Fields(author=authors(plain, key))
    return None


def authors(plain: str, key: str) -> str | None:
    """The reporters that a folded text names by their role, joined by 、."""
    found = [plain[m.start(1) : m.end(1)] for m in _ROLE.finditer(key)]
    names = [n for part in found for n in re.split(r"[、,， \u3000]+", part) if n and not _UNKNOWN.fullmatch(n)]
    return "、".join(dict.fromkeys(names)) or None


@dataclass(frozen=True, slots=True)
class Dateline:
    """The opening of a report: who sent it, and the day, often without its year."""

    publisher: str | None = None
    author: str | None = None
    year: int | None = None
    month: int | None = None
    day: int | None = None


def dateline(plain: str, key: str) -> Dateline | None:
    """The dateline that a paragraph opens with: 人民政协网北京12月2日电(记者 徐艳红), BEIJING, Dec. 2 (Xinhua) --."""
    match = _DATELINE.match(key) or _LEAD_IN.match(key)
    if match is None:
        english = _ENGLISH_DATELINE.match(key)
        return Dateline(publisher=name(english["agency"])) if english else None
    groups = match.groupdict()
    publisher = name(plain[slice(*match.span("agency"))].removeprefix("据").removeprefix("據"))
    return Dateline(
        publisher, _reporters(plain, key, match), *(_number(groups.get(g)) for g in ("year", "month", "day"))
    )


def _number(digits: str | None) -> int | None:
    return int(digits) if digits else None


def _reporters(plain: str, key: str, match: re.Match[str]) -> str | None:
    if match.groupdict().get("by"):
        return plain[slice(*match.span("by"))]
    if not match["who"]:
        return None
    start, end = match.span("who")
    if _NAMES_ONLY.fullmatch(key, start, end):
        return "、".join(re.split(r"[、,， \u3000]+", plain[start:end].strip()))
    return authors(plain[start:end], key[start:end])
