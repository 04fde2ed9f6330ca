"""Figures and dates of a text in one form, so that 3900亿元, ３，９００亿 and 390 billion are the same.

Works on matchable text (NFKC, Simplified).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from qa.types import Span

Sort = Literal["figure", "year", "day", "month"]

_DIGITS = "零一二三四五六七八九"
_VALUE: Final = {character: value for value, character in enumerate(_DIGITS)} | {"〇": 0, "两": 2, "俩": 2}
_UNITS: Final = {"十": 10, "百": 100, "千": 1000}
_POWER: Final = {"百": 2, "千": 3, "万": 4, "亿": 8}
_EN_POWER: Final = {"hundred": 2, "thousand": 3, "million": 6, "mn": 6, "billion": 9, "bn": 9, "trillion": 12}
_EN_SMALL: Final = {
    name: value
    for value, name in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
} | {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
    "dozen": 12,
}
_EN_ORDINAL: Final = {
    name: value
    for value, name in enumerate(
        "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
    )
}
_MONTHS = "january february march april may june july august september october november december"
_MONTH: Final = {name: n for n, month in enumerate(_MONTHS.split(), 1) for name in (month, month[:3])} | {"sept": 9}
_MONTH_NAME = "|".join(sorted(_MONTH, key=len, reverse=True))
_MEASURES = (
    "家个位项款种场次名所倍条人天年岁届张部份座套批只件处元类大期轮支辆户席篇层重成"
    "点强日月号周分秒级章节段环代方面维端链群路线区省市县国校院站厅室间组队道步招版"
)
_ZH_NUMERAL = "[零〇一二两三四五六七八九十百千]"

_YEAR = re.compile(
    r"(?<![\d.])(?P<year>(?:19|20)\d\d)(?:年(?!级)|(?=[-/.]\d{1,2}[-/.]\d{1,2}(?!\d)))|(?<![\d.,])(?P<bare>(?:19"
    r"|20)\d\d)(?!\d|\.\d|%|,\d| ?[家个位项款种场次名所倍条人元万亿千百])"
)
_ZH_YEAR = re.compile(r"[一二]?[〇零一二三四五六七八九]{3,4}年")
_DAY = (
    re.compile(r"(?<!\d)(?P<month>\d{1,2})月(?P<day>\d{1,2})[日号]?(?!\d)"),
    re.compile(r"(?<=[-/.])(?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?![\d.])"),
    re.compile(rf"\b(?P<name>{_MONTH_NAME})\b\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)", re.IGNORECASE),
    re.compile(rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?(?P<name>{_MONTH_NAME})\b", re.IGNORECASE),
    re.compile(rf"(?P<zh_month>{_ZH_NUMERAL}{{1,2}})月(?P<zh_day>{_ZH_NUMERAL}{{1,3}})[日号]"),
)
_ONLY_MONTH = (
    re.compile(r"(?<!\d)(?P<month>\d{1,2})月(?!\d)"),
    re.compile(rf"\b(?P<name>(?!may\b){_MONTH_NAME}|May)\b\.?(?!\w)"),
    re.compile(rf"\b(?P<name>{'|'.join(m.capitalize() for m in _MONTHS.split())})\b"),
    re.compile(rf"(?P<zh_month>{_ZH_NUMERAL}{{1,2}})月(?!{_ZH_NUMERAL})"),
)
_ARABIC = re.compile(
    r"(?<![\d.])(?P<figure>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)(?P<percent> ?(?:%|percent\b|per cent\b|个百分点))?"
    r"(?P<unit>[余多]?[百千]?[万亿]{1,2}|[余多]?[百千](?=[元家个人名])| ?(?:hundred|thousand|million|billion|trillion"
    r"|bn|mn)\b)?",
    re.IGNORECASE,
)
_ZH_PERCENT = re.compile(rf"百分之(?P<figure>{_ZH_NUMERAL}+(?:点{_ZH_NUMERAL}+)?)")
_ZH_FIGURE = re.compile(
    rf"(?:第)?(?P<figure>{_ZH_NUMERAL}(?:{_ZH_NUMERAL}|[万亿]){{0,30}})(?P<about>[余多几]?)(?=[{_MEASURES}])"
    rf"|(?:第)(?P<ordinal>{_ZH_NUMERAL}+)"
    rf"|(?P<level>{_ZH_NUMERAL}{{0,8}}[十百千万亿])(?=级)"
)
_EN_FIGURE = re.compile(
    rf"\b(?P<figure>(?:{'|'.join([*_EN_SMALL, *_EN_POWER])})(?:[ -](?:and "
    rf")?(?:{'|'.join([*_EN_SMALL, *_EN_POWER])}))*)\b"
    rf"|\b(?P<ordinal>{'|'.join(_EN_ORDINAL)})\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure or date where it stands. ``value`` is canonical: ``390000000000``, ``12.1%``, ``2024``, ``8-31``."""

    sort: Sort
    value: str
    span: Span
    unit: str = ""
    """The Chinese measure word behind it, if any."""


@lru_cache(maxsize=4096)
def figures(text: str) -> tuple[Figure, ...]:
    """Every figure and date of a text, in order; a date is its parts (year, day of the year, or month)."""
    taken: list[Span] = []
    found: list[Figure] = []
    for reader in (_years, _days, _months, _percents, _arabic, _chinese, _english):
        for figure in reader(text):
            if not any(figure.span[0] < end and start < figure.span[1] for start, end in taken):
                found.append(figure)
                taken.append(figure.span)
    return tuple(sorted(found, key=lambda figure: figure.span))


def _years(text: str) -> Iterator[Figure]:
    for match in _YEAR.finditer(text):
        name = "year" if match["year"] else "bare"
        yield Figure("year", match[name], match.span(name))
    for match in _ZH_YEAR.finditer(text):
        digits = "".join(str(_VALUE[character]) for character in match[0][:-1])
        if len(digits) == 4:
            yield Figure("year", digits, match.span())


def _days(text: str) -> Iterator[Figure]:
    for pattern in _DAY:
        for match in pattern.finditer(text):
            parts = match.groupdict()
            day = _chinese_value(parts["zh_day"]) if parts.get("zh_day") else int(parts["day"])
            month = _month(parts)
            if day and 1 <= month <= 12 and 1 <= day <= 31:
                yield Figure("day", f"{month}-{day}", match.span())


def _months(text: str) -> Iterator[Figure]:
    for pattern in _ONLY_MONTH:
        for match in pattern.finditer(text):
            yield Figure("month", str(_month(match.groupdict())), match.span())


def _month(parts: dict[str, str | None]) -> int:
    if name := parts.get("name"):
        return _MONTH[name.lower()]
    if numeral := parts.get("zh_month"):
        return _chinese_value(numeral)
    return int(parts["month"] or 0)


def _percents(text: str) -> Iterator[Figure]:
    for match in _ZH_PERCENT.finditer(text):
        whole, _, fraction = match["figure"].partition("点")
        value = str(_chinese_value(whole)) + (
            "." + "".join(str(_VALUE.get(c, 0)) for c in fraction) if fraction else ""
        )
        yield Figure("figure", f"{value}%", match.span())


def _arabic(text: str) -> Iterator[Figure]:
    for match in _ARABIC.finditer(text):
        figure = match["figure"].replace(",", "")
        if match["percent"]:
            yield Figure("figure", f"{_trimmed(figure)}%", match.span())
            continue
        unit = (match["unit"] or "").strip().lower().lstrip("余多")
        power = _EN_POWER.get(unit) or sum(_POWER[character] for character in unit if character in _POWER)
        yield Figure("figure", _scaled(figure, power), match.span(), _measure(text, match.end()))


def _chinese(text: str) -> Iterator[Figure]:
    for match in _ZH_FIGURE.finditer(text):
        numeral = match["figure"] or match["ordinal"] or match["level"]
        value = _chinese_value(numeral)
        yield Figure("figure", str(value), match.span(), _measure(text, match.end()))


def _english(text: str) -> Iterator[Figure]:
    for match in _EN_FIGURE.finditer(text):
        if match["ordinal"]:
            yield Figure("figure", str(_EN_ORDINAL[match["ordinal"].lower()]), match.span())
        elif match["figure"].lower() != "one":
            yield Figure("figure", str(_english_value(match["figure"].lower())), match.span())


def _measure(text: str, end: int) -> str:
    follows = text[end : end + 1].lstrip("余多")
    return follows if follows and follows in _MEASURES else ""


def _chinese_value(numeral: str) -> int:
    """一百二十 is 120, 十 is 10, 三千万 is 30,000,000, 二四 (digit by digit) is 24."""
    for unit in "亿万":
        head, found, tail = numeral.rpartition(unit)
        if found:
            return (_chinese_value(head) if head else 1) * int(10 ** _POWER[unit]) + _chinese_value(tail)
    if numeral and not any(character in _UNITS for character in numeral):
        return int("".join(str(_VALUE[character]) for character in numeral))
    total, digit = 0, 0
    for character in numeral:
        if character in _UNITS:
            total += (digit or 1) * _UNITS[character]
            digit = 0
        else:
            digit = _VALUE[character]
    return total + digit


def _english_value(words: str) -> int:
    total, part = 0, 0
    for word in re.findall(r"[a-z]+", words):
        if word in _EN_SMALL:
            part += _EN_SMALL[word]
        elif word == "hundred":
            part = (part or 1) * 100
        elif word in _EN_POWER:
            total += (part or 1) * int(10 ** _EN_POWER[word])
            part = 0
    return total + part


def _scaled(figure: str, power: int) -> str:
    """The figure times ten to the power, exactly, without needless zeros."""
    whole, _, fraction = figure.partition(".")
    shifted = whole + fraction.ljust(power, "0")[:power]
    return _trimmed(f"{shifted}.{fraction[power:]}")


def _trimmed(figure: str) -> str:
    whole, _, fraction = figure.partition(".")
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")
