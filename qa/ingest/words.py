"""The words of a text as the lexical index holds them: Chinese segments, English stems, figures in one form.

Words are lower case, made of letters and digits (and the point of a decimal). Some stand for what several languages
write differently: ``390000000000`` for 3900亿 and 390 billion, ``9月`` for September 2 and 2024-09-02.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

WORDS_VERSION = 1
"""Raised whenever the same text would give other words than before."""

MAX_WORD_CHARS = 64
"""Longer words (addresses, encoded data) are cut to this."""
MAX_VALUE_DIGITS = 24
"""A longer run of digits is a word, but no figure that a unit could multiply."""

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々〇"
_SYLLABLES = r"\u3041-\u30ff\uac00-\ud7a3"
_LATIN = r"A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"
_TOKEN = re.compile(
    rf"(?P<figure>(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?(?![\d{_LATIN}]|[-/.&_]\w))"
    rf"|(?P<compound>[{_LATIN}\d]+(?:['’\-/.&_+][{_LATIN}\d]+)*)"
    rf"|(?P<han>[{_HAN}]+)"
    rf"|(?P<syllables>[{_SYLLABLES}]+)"
    rf"|(?P<other>[^\W\d_{_HAN}{_SYLLABLES}{_LATIN}]+)"
)
_UNIT = re.compile(r" ?([百千]?[万亿]{1,2}|(?:thousand|million|billion|trillion|bn|mn)\b)", re.IGNORECASE)
_UNIT_VALUES = {"百": 2, "千": 3, "万": 4, "亿": 8}
_UNIT_NAMES = {"thousand": 3, "million": 6, "mn": 6, "billion": 9, "bn": 9, "trillion": 12}
"""Powers of ten."""
_MODEL_WITH_BLANK = re.compile(r"\b([A-Z][A-Z/]{1,7}) (?=\d)")
_PART = re.compile(rf"[{_LATIN}]+|\d+")
_DECIMAL = re.compile(r"\d+\.\d+")
_JOINER = re.compile(r"[^\w.]|_")
_POSSESSIVE = re.compile(r"['’][sS]$")

_MONTHS = "january february march april may june july august september october november december"
_MONTH_NUMBER = {name: n for n, month in enumerate(_MONTHS.split(), 1) for name in (month, month[:3])} | {"sept": 9}
_MONTH_NAME = "|".join(sorted(_MONTH_NUMBER, key=len, reverse=True))
_DATES = (
    re.compile(rf"\b(?P<name>{_MONTH_NAME})\b\.?,? (?=\d)", re.IGNORECASE),
    re.compile(rf"(?<=\d )(?P<name>{_MONTH_NAME})\b", re.IGNORECASE),
    re.compile(r"(?<!\d)(?:19|20)\d\d[-/.](?P<number>\d{1,2})[-/.]\d{1,2}(?!\d)"),
    re.compile(r"(?<!\d)(?P<number>\d{1,2})月"),
)

_STOP_WORDS = (
    "的 了 在 是 和 与 及 等 也 都 就 而 于 以 为 被 把 着 过 地 得 之 其 "
    "a an the of to in on and or is are was were be been by for with at as it its this that from"
)
_QUESTION_WORDS = (
    "什么 哪些 哪个 哪里 哪儿 哪家 哪位 哪年 哪一 哪种 哪 多少 几 几个 几家 谁 怎么 怎样 怎么样 如何 为什么 为何 何时 "
    "何地 何人 何 吗 呢 是否 请问 请 时候 什么样 是什么 有没有 有 "
    "who whom whose what which when where why how many much do did does can could will would should has have had "
    "there please tell me about"
)
_STOP = frozenset(_STOP_WORDS.split())
_QUESTION = frozenset(_QUESTION_WORDS.split())


def words(search_text: str) -> list[str]:
    """The words of a matchable text, in order, with repetitions.

    A Chinese word longer than two characters brings the words inside it; characters of no known word bring the pair
    they form with such a neighbour (names). Compounds such as mRNA-1273 bring their parts and themselves without
    joiners (mrna1273).
    """
    return list(_words(search_text))


def question_words(search_text: str) -> list[str]:
    """The same without the words that only ask; all of them where a question has no others."""
    found = words(search_text)
    return [word for word in found if word not in _QUESTION] or found


def _words(text: str) -> Iterator[str]:
    text = _MODEL_WITH_BLANK.sub(r"\1-", text)
    for token in _TOKEN.finditer(text):
        for word in map(_solid, _READERS[token.lastgroup or ""](token)):
            if word and word not in _STOP:
                yield word[:MAX_WORD_CHARS]
    for pattern in _DATES:
        yield from map(_month, pattern.finditer(text))


def _solid(word: str) -> str:
    """A word without marks that stand alone, such as a Japanese voicing mark with nothing to voice."""
    return word if word.isalnum() else "".join(c for c in word if c.isalnum() or c == ".").strip(".")


def _month(date: re.Match[str]) -> str:
    named = date.groupdict()
    return f"{_MONTH_NUMBER[named['name'].lower()] if named.get('name') else int(named['number'])}月"


def _figure(token: re.Match[str]) -> Iterator[str]:
    figure = _plain_figure(token[0])
    yield figure
    unit = _UNIT.match(token.string, token.end())
    if unit and len(figure) <= MAX_VALUE_DIGITS:
        yield _value(figure, _power(unit[1].lower()))


def _plain_figure(text: str) -> str:
    whole, point, fraction = text.replace(",", "").partition(".")
    return (whole.lstrip("0") or "0") + point + fraction


def _power(unit: str) -> int:
    return _UNIT_NAMES.get(unit) or sum(_UNIT_VALUES[character] for character in unit)


def _value(figure: str, power: int) -> str:
    """The figure times ten to the power, exactly."""
    whole, _, fraction = figure.partition(".")
    shifted = (whole + fraction.ljust(power, "0")[:power]).lstrip("0") or "0"
    rest = fraction[power:].rstrip("0")
    return f"{shifted}.{rest}" if rest else shifted


def _compound(token: re.Match[str]) -> Iterator[str]:
    text = _without_accents(_POSSESSIVE.sub("", token[0])).lower()
    if text.isalpha():
        yield stem(text)
        return
    parts = list(_parts(text))
    letters = [part for part in parts if part.isalpha()]
    yield from (stem(part) for part in parts if len(part) > 1 or not part.isalpha())
    if letters:
        yield from _joined(text)


def _parts(text: str) -> Iterator[str]:
    for piece in _JOINER.split(text):
        if _DECIMAL.fullmatch(piece):
            yield _plain_figure(piece)
        else:
            yield from (part.lstrip("0") or "0" for part in _PART.findall(piece))


def _joined(text: str) -> Iterator[str]:
    """The compound without joiners, and the model name it begins with: gbt190012016 and gbt19001."""
    parts = _PART.findall(text)
    yield stem("".join(parts))
    first_number = next((i for i, part in enumerate(parts) if part.isdigit()), 0)
    if 0 < first_number < len(parts) - 1:
        yield "".join(parts[: first_number + 1])


def _han(token: re.Match[str]) -> Iterator[str]:
    single = ""
    """The character of no known word right before."""
    for word in _segments(token[0]):
        known = len(word) > 1 or word in _STOP
        if single and not known:
            yield single + word
        single = "" if known else word
        yield word


def _segments(text: str) -> list[str]:
    import rjieba

    # Without the model for unknown words: it cuts the same name differently in question and passage.
    found: list[str] = rjieba.cut_for_search(text, hmm=False)
    return found


def _syllables(token: re.Match[str]) -> Iterator[str]:
    """Pairs: there is no dictionary for kana and Hangul here."""
    text = token[0]
    yield from (text[i : i + 2] for i in range(max(1, len(text) - 1)))


def _other(token: re.Match[str]) -> Iterator[str]:
    yield token[0].lower()


_READERS = {"figure": _figure, "compound": _compound, "han": _han, "syllables": _syllables, "other": _other}


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """An English word (lower case) without plural, -ing, -ed and final e; short and unclear words stay.

    A stem only has to be equal for forms of one word, it need not be a word: vaccin for vaccine, vaccines.
    """
    if len(word) < 4 or not word.isascii() or word in _STOP or word in _QUESTION:
        return word
    word = _without_plural(word)
    shorter = _without_ending(word)
    return shorter[:-1] if len(shorter) > 4 and shorter.endswith("e") else shorter


def _without_plural(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses", "zzes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _without_ending(word: str) -> str:
    for ending in ("ing", "ed"):
        base = word[: -len(ending)]
        if word.endswith(ending) and len(base) >= 3 and _has_vowel(base) and not base.endswith("e"):
            return base[:-1] if base[-1] == base[-2] and base[-1] not in "lsz" else base
    return word


def _has_vowel(text: str) -> bool:
    return any(vowel in text for vowel in "aeiouy")
