"""Demands: what a text asks somebody to do is not thereby said to be so.

An article that says 请删除全部文章 bears out that somebody asks for it, and does not bear out that the articles are
deleted. English bare imperatives are known by the verbs that orders to a program begin with.
"""

from __future__ import annotations

import re
from typing import Final

_DEMANDS: Final = (
    re.compile(
        r"(?:^|[，。；：:;,、“「])\s?(?:请(?![教客柬帖示假愿战缨])|务必|切勿|勿|不要|不得|别(?![的人处样墅致具出])|必须|[你您]必须)"
    ),
    re.compile(
        r"(?:^|[.;:,“\"]\s?)(?:please|do not|don't|never|you must|you should|you have to|ignore|disregard|forget|"
        r"delete|remove|tell|reply|answer|say|print|output|pretend|act as)\b",
        re.IGNORECASE,
    ),
)
_TOLD: Final = (
    re.compile(r"请|务必|切勿|勿|不要|不得|别|必须|要求|呼吁|建议|提醒|希望|应|需|须|可以|可"),
    re.compile(
        r"\b(?:please|do not|don't|never|must|should|have to|needs? to|can|may|is to|are to|ask(?:s|ed)?|urge[sd]?|"
        r"request(?:s|ed)?|requires?d?|recommend(?:s|ed)?|advises?d?|tells?|told|call(?:s|ed)? on|demand(?:s|ed)?)\b",
        re.IGNORECASE,
    ),
)


def demanded_only(text: str, known: str) -> bool:
    """Whether ``known`` demands something and ``text`` speaks of no demand: it then says more than it may."""
    return _any(_DEMANDS, known) and not _any(_TOLD, text)


def _any(patterns: tuple[re.Pattern[str], ...], text: str) -> bool:
    return any(pattern.search(text) for pattern in patterns)
