"""Broken pronunciation marks: toned pinyin that a converter left behind the characters it could not read.

Some sites pass Traditional text through a script that writes the reading behind each unusual character: 產(chǎn)業(yè).
Where the script worked on GBK bytes and took the second byte of one character with the first of the next for a
character of its own, both are damaged: 日報 (C8D5 88F3) holds D588, which is 請, and comes out as 日?qǐng)?bào).
"""

import re
from dataclasses import dataclass

from qa.ingest.script import CJK
from qa.types import Span

_TONED = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹḿ"
_TONE = f"(?:[{_TONED}]|[aeiouü][\u0300\u0301\u0304\u030c])"
_INITIAL = "(?:[zcs]h|[bpmfdtnlgɡkhjqxrzcsyw])"
_SYLLABLE = f"{_INITIAL}?[aeiouüɑ]{{0,2}}{_TONE}[aeiouüɑ]{{0,2}}(?:n[gɡ]?|r)?"
_FALSE = f"[?\ufffd]{_SYLLABLE}(?:[)）][?\ufffd]?|(?![a-z]))"
_TRUE = f"[(（]{_SYLLABLE}[)）]?|{_SYLLABLE}[)）]"
_RUN = re.compile(f"(?<=[{CJK}])(?:{_TRUE}|{_FALSE})+")
_NEUTRAL = re.compile(f"(?<=[{CJK}])[(（](?:men|de|le|zhe|ma|ne|ba|zi|tou|me|shang|xia|li|ge)[)）]")
_WELL_FORMED = re.compile(f"[(（]{_SYLLABLE}[)）]")
_FALSE_READING = re.compile(f"[?\ufffd]({_SYLLABLE})")

_SWALLOWED = {("日", "qǐng"): "報", ("當", "shù"): "地"}
"""(character before the run, reading of the false character) -> the character that both runs of bytes prove."""

_FEW = 3


@dataclass(frozen=True, slots=True)
class Annotations:
    """What to leave out of a text, and what to read in its place (see Block.cuts and Block.restored)."""

    cuts: tuple[Span, ...] = ()
    restored: tuple[tuple[int, str], ...] = ()


def find_annotations(text: str) -> Annotations:
    """Find the broken annotations of ``text``.

    A lone, well-formed reading behind an ordinary Simplified character (乐(lè)山) is an author's gloss and stays.
    """
    runs = list(_RUN.finditer(text))
    broken = [m for m in runs if not _is_gloss(text, m)]
    if len(runs) >= _FEW:
        broken = runs
    cuts = [m.span() for m in broken]
    if broken:
        cuts += [m.span() for m in _NEUTRAL.finditer(text)]
    restored = tuple((m.start(), c) for m in broken if (c := _swallowed(text, m)))
    return Annotations(tuple(sorted(cuts)), restored)


def _is_gloss(text: str, match: re.Match[str]) -> bool:
    return bool(_WELL_FORMED.fullmatch(match.group())) and _is_ordinary(text[match.start() - 1])


def _is_ordinary(character: str) -> bool:
    """Whether GB 2312, the set of Simplified characters, has ``character``."""
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _swallowed(text: str, match: re.Match[str]) -> str | None:
    false = _FALSE_READING.search(match.group())
    return _SWALLOWED.get((text[match.start() - 1], false[1])) if false else None


def without(text: str, found: Annotations, start: int = 0, end: int | None = None) -> str:
    """``text[start:end]`` as it reads with ``found`` applied."""
    end = len(text) if end is None else end
    restored = dict(found.restored)
    parts, at = [], start
    for cut_start, cut_end in found.cuts:
        if start <= cut_start and cut_end <= end:
            parts += [text[at:cut_start], restored.get(cut_start, "")]
            at = cut_end
    return "".join([*parts, text[at:end]])


def readable(text: str) -> str:
    """``text`` without its broken annotations."""
    return without(text, find_annotations(text))


annotations = find_annotations
"""The former name, which answer/candidates.py imports; it collides with the ``__future__`` import of that name."""
