"""Cards as text within a platform's limits: over-long content is cut at the end of a sentence, never refused.

A platform's markup is a ``Dialect``. What comes from articles goes through ``Dialect.escape``, so that it can neither
ping anybody nor forge a link.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from qa.chat.card import Card, Reference
from qa.chat.phrases import say

ELLIPSIS: Final = "…"
MAX_TITLE: Final = 120
MAX_FACTS: Final = 120
MAX_QUOTE: Final = 600
"""Characters of one quote; the link leads to the rest."""
TEXT_SHARE: Final = 0.5
"""Share of the limit that the answer itself may take before its citations are given room."""

_SENTENCE_END: Final = re.compile(r"[。！？；!?…][”’」』）)\"']*|\.[”’)\"']*(?=\s|$)|\n")
_INVISIBLE: Final = re.compile("[\u0000-\u0008\u000b-\u001f\u007f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

Measure = Callable[[str], int]


def utf8(text: str) -> int:
    """Bytes of a text, where a platform counts bytes."""
    return len(text.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Dialect:
    """A platform's markup. ``escape`` makes any text show as it is; ``link(label, url)`` and ``strong``, ``quote``
    take what was escaped; ``break_`` stands between paragraphs. ``measure`` counts what the limit counts."""

    escape: Callable[[str], str]
    link: Callable[[str, str], str]
    strong: Callable[[str], str]
    quote: Callable[[str], str]
    break_: str
    measure: Measure


def cut(text: str, fits: Callable[[str], bool]) -> str:
    """The longest beginning of ``text`` that fits, up to the end of a sentence, with an ellipsis where something is
    missing; up to a character where not even one sentence fits. ``fits`` must hold for shorter texts too."""
    if fits(text):
        return text
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    for places in (ends, range(1, len(text))):
        longest = _longest(text, places, fits)
        if longest:
            return longest
    return ELLIPSIS if fits(ELLIPSIS) else ""


def _longest(text: str, places: range | list[int], fits: Callable[[str], bool]) -> str:
    low, high = 0, len(places)
    while low < high:
        middle = (low + high) // 2
        if fits(text[: places[middle]].rstrip() + ELLIPSIS):
            low = middle + 1
        else:
            high = middle
    return text[: places[low - 1]].rstrip() + ELLIPSIS if low else ""


def visible(text: str) -> str:
    """Without characters that nobody sees and that reorder or hide others."""
    return _INVISIBLE.sub("", text)


def markdown(card: Card, dialect: Dialect, limit: int) -> str:
    """A whole card as one text of at most ``limit``, in what ``dialect.measure`` counts.

    The answer comes first, then as many citations as fit, each with its quote where there is room for one.
    """
    text = _fitted(card.text, dialect, int(limit * (TEXT_SHARE if card.references else 1)))
    for part in _notes(card, dialect):
        text = _joined(text, part, dialect, limit)
    if card.references:
        text = _joined(text, dialect.strong(dialect.escape(say("sources", card.voice))), dialect, limit)
    for reference in card.references:
        text = _with_reference(text, reference, dialect, limit)
    return text


def notice(text: str, dialect: Dialect, limit: int) -> str:
    """A sentence of ours."""
    return _fitted(text, dialect, limit)


def _notes(card: Card, dialect: Dialect) -> list[str]:
    return [dialect.escape(note) for note in card.notes]


def head(reference: Reference, dialect: Dialect) -> str:
    """`[1] Title (publisher, date)`, the title linked where there is a link."""
    title = dialect.escape(cut(reference.title, lambda text: len(text) <= MAX_TITLE))
    facts = dialect.escape(cut(reference.facts, lambda text: len(text) <= MAX_FACTS))
    linked = dialect.link(title, reference.url) if reference.url and title else title
    return f"{dialect.escape(f'[{reference.number}]')} {linked}" + (f" ({facts})" if facts else "")


def _with_reference(text: str, reference: Reference, dialect: Dialect, limit: int) -> str:
    """The text with a citation; without its quote, or without it, where there is no room."""
    headed = _joined(text, head(reference, dialect), dialect, limit)
    if headed == text:
        return text
    room = limit - dialect.measure(headed) - dialect.measure(dialect.break_)
    quoted = cut(
        reference.quote[: MAX_QUOTE + 1],
        lambda part: len(part) <= MAX_QUOTE and dialect.measure(dialect.quote(dialect.escape(part))) <= room,
    )
    return _joined(headed, dialect.quote(dialect.escape(quoted)), dialect, limit) if quoted.strip("…\n ") else headed


def _fitted(text: str, dialect: Dialect, limit: int) -> str:
    return dialect.escape(cut(text, lambda part: dialect.measure(dialect.escape(part)) <= limit))


def _joined(text: str, part: str, dialect: Dialect, limit: int) -> str:
    joined = f"{text}{dialect.break_}{part}" if text else part
    return joined if dialect.measure(joined) <= limit else text
