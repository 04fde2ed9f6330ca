"""Chinese names written in Latin letters: does "Changping" or "Zhou Hao" stand in a Chinese text?

Neither words nor vectors tell 昌平 from 廊坊 for somebody who types pinyin. A romanised name is read as syllables, each
syllable as the set of characters that may be read so, and the sets as a regular expression over the Chinese text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from functools import lru_cache

from qa.types import Language

MIN_SYLLABLES = 2
MAX_SYLLABLES = 8
MAX_NAMES = 40
"""Names looked for in one text."""
_WORD = re.compile(r"[A-Za-z]+(?:['’][a-z]+)?")
_GAP = re.compile(r"[\s\-]*")
_COMMON = frozenset(
    "a an and are can do he hence her here in is long made man me men more no on one or pen women she so the then "
    "there these they to was were who whose you gone made name range since change gene panda banana wave page game "
    "same take sale hence dance shape share".split()
)
"""English words that read as pinyin too."""


def shared_names(question: str, asked: Language, passage: str, held: Language) -> float | None:
    """Share of the question's romanised names that stand in a passage of the other language, 0..1.

    For a Chinese question over an English passage: 1 where a name of the passage stands in the question, else 0.
    None where the pair of languages is another one, or where the question's side has no name.
    """
    if asked == "en" and held == "zh":
        wanted = names(question)
        return sum(bool(name.search(passage)) for name in wanted) / len(wanted) if wanted else None
    if asked == "zh" and held == "en":
        return float(any(name.search(question) for name in names(passage)))
    return None


@lru_cache(maxsize=4096)
def names(text: str) -> tuple[re.Pattern[str], ...]:
    """Patterns over Chinese text for the romanised names in an English text, in order of appearance."""
    found: dict[str, None] = {}
    for run in _runs(text):
        readings = [_syllables(word) for word in run]
        if len(readings) == 1:
            # One character alone would stand in nearly every text.
            readings = [tuple(reading for reading in readings[0] if len(reading) >= MIN_SYLLABLES)]
        if all(readings) and sum(len(word[0]) for word in readings) <= MAX_SYLLABLES:
            found[_alternatives(readings)] = None
    return tuple(re.compile(pattern) for pattern in list(found)[:MAX_NAMES])


def _runs(text: str) -> list[list[str]]:
    """Runs of neighbouring words that read as pinyin; in a text with capitals only words that have one."""
    shouting = any(word[0][0].isupper() for word in _WORD.finditer(text[1:]))
    runs: list[list[str]] = []
    end = -1
    for match in _WORD.finditer(text):
        word = match[0].lower().replace("'", "").replace("’", "")
        fits = (match[0][0].isupper() or not shouting) and word not in _COMMON and bool(_syllables(word))
        if fits and not (shouting and runs and end >= 0 and _GAP.fullmatch(text, end, match.start())):
            runs.append([])
        if fits:
            runs[-1].append(word)
        end = match.end() if fits else -1
    return runs


def _alternatives(readings: list[tuple[tuple[str, ...], ...]]) -> str:
    """The words of a name in order, and for two words the other way round too: Hao Zhou is 周浩."""
    straight = "".join(_either(word) for word in readings)
    return f"{straight}|{_either(readings[1])}{_either(readings[0])}" if len(readings) == 2 else straight


def _either(word: tuple[tuple[str, ...], ...]) -> str:
    ways = ["".join(f"[{_characters()[syllable]}]" for syllable in reading) for reading in word]
    return f"(?:{'|'.join(ways)})"


def cached_names() -> tuple[int, int]:
    """How often the names of a text were remembered, and how often not."""
    info = names.cache_info()
    return info.hits, info.misses


@lru_cache(maxsize=8192)
def _syllables(word: str) -> tuple[tuple[str, ...], ...]:
    """Every way to read a lower-case word as pinyin syllables: xian is xian and xi-an. Empty where there is none."""
    if len(word) > 6 * MAX_SYLLABLES:
        return ()
    ways: list[list[tuple[str, ...]]] = [[()], *([] for _ in word)]
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - 6), end):
            if word[start:end] in _characters():
                ways[end] += [(*way, word[start:end]) for way in ways[start][:4]]
    return tuple(ways[-1][:4])


@lru_cache(maxsize=1)
def _characters() -> dict[str, str]:
    """For each syllable without tones the characters that have it as a reading."""
    from pypinyin.pinyin_dict import pinyin_dict

    found: defaultdict[str, list[str]] = defaultdict(list)
    for code, readings in pinyin_dict.items():
        if 0x4E00 <= code <= 0x9FFF:
            for reading in {_plain(reading) for reading in readings.split(",")}:
                found[reading].append(chr(code))
    return {syllable: "".join(characters) for syllable, characters in found.items() if syllable.isascii()}


def _plain(reading: str) -> str:
    """A toned syllable in the letters that passports use: lǜ is lu."""
    return "".join(c for c in unicodedata.normalize("NFD", reading) if not unicodedata.combining(c))
