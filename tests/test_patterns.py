"""No regular expression takes the square of its text: each is run on repetitions of what it is made of."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from pattern_sites import Site, hard_texts, sites

from qa.answer import sides
from qa.ingest.formats import format_of

LENGTH = 6000
GROWTH = 24
"""Eight times the text may take this many times as long; its square would take 64 times."""
FAST = 0.012
"""Seconds of processor time below which nothing is concluded: a linear pattern takes a tenth of it."""
PATIENCE = 0.5

BOUNDED = {
    r"[:：]\s*(?P<one>.{15,}?),? or (?P<other>.{15,}?)[?？.]*$": sides.LONGEST,
    r"\([^)]*\)|\[[^\]]*\]": 500,  # entries of the packaged dictionary
}
"""Patterns that would take too long for a long text, and the length of the longest that they ever get."""
PUT_TOGETHER = {
    "asks": "one of two constants, in a question of bounded length",
    "place": "escaped words and a bounded gap between them",
    "pattern": "escaped syllables, alternatives of one length",
    "f'(?<!\\\\d)((?:19|20)\\\\d\\\\d)年0?{report.month}月0?{report.day}日'": "digits of fixed number",
    "f'{chinese}|\\\\b(?:{english})\\\\b'": "held by its module, and measured as that",
    "f'{re.escape(alias)}_[0-9a-f]{{12}}'": "a name of fixed length",
    "side": "held by its module, and measured as that",
    "'|'.join((f'(?:{w})' for w in wordings))": "held by its module, and measured as that",
}
"""Patterns made while the program runs, by their code, and why they are safe."""


@cache
def known() -> list[Site]:
    return list(sites())


class _TooLong(Exception):
    pass


@contextmanager
def patient() -> Iterator[None]:
    """Raises _TooLong after some seconds of processor time: an exponential pattern would go on for ever."""

    def enough(*_: object) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGPROF, enough)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def seconds(work: Callable[[], object]) -> float:
    """Of the processor and of this thread: others of the process may be busy too."""
    began = time.thread_time()
    try:
        with patient():
            work()
    except _TooLong:
        return 100 * PATIENCE
    return time.thread_time() - began


def used(pattern: re.Pattern[Any], use: str, text: Any) -> object:
    return sum(1 for _ in pattern.finditer(text)) if use == "search" else getattr(pattern, use)(text)


def grows(pattern: re.Pattern[Any], use: str, text: Any) -> bool:
    whole = seconds(lambda: used(pattern, use, text))
    if whole <= FAST or whole > 10 * PATIENCE:
        return whole > FAST
    return whole > GROWTH * max(seconds(lambda: used(pattern, use, text[-len(text) // 8 :])), FAST / GROWTH)


def slow(site: Site, length: int = LENGTH) -> str | None:
    """The text and the use that cost too much, if any; measured twice, since others use the machine too."""
    assert site.pattern is not None
    for text in hard_texts(site.pattern, length):
        for use in site.uses:
            if all(grows(site.pattern, use, text) for _ in range(2)):
                return f"{site.place} {site.pattern.pattern!r}: {use} in {text[:12]!r}…"
    return None


def test_no_pattern_takes_the_square_of_its_text() -> None:
    assert len(known()) > 250
    measured = [site for site in known() if site.pattern is not None and site.pattern.pattern not in BOUNDED]
    assert [found for site in measured if (found := slow(site))] == []


def test_patterns_for_short_texts_do_with_the_longest_of_them() -> None:
    found = {site.pattern.pattern: site.pattern for site in known() if site.pattern and site.pattern.pattern in BOUNDED}
    assert set(found) == set(BOUNDED)
    for source, pattern in found.items():
        for text in hard_texts(pattern, BOUNDED[source]):
            with patient():
                used(pattern, "search", text)


def test_patterns_that_are_put_together_are_known() -> None:
    assert {site.source for site in known() if site.pattern is None} == set(PUT_TOGETHER)


def test_the_trial_finds_patterns_that_take_too_long() -> None:
    for source in (r"\s+$", r"(a|aa)+$", r"(?:<!--.{0,2000}?-->\s*)*<html", r"\d+[a7],", r"x.*y.*z"):
        assert slow(Site("here", source, re.compile(source), ("search",))), source


def test_comments_without_end_before_a_page() -> None:
    """Each could end at any later end of one: two to the power of their number ways, in a file of 300 bytes."""
    with patient():
        assert format_of("a", b"<!---->" * 40 + b"text") in ("text", "html")


def test_a_long_question_is_not_taken_apart() -> None:
    assert sides.sides(
        "Which is larger, the first one: the yield of wheat, or the yield of rice in the whole province?"
    )
    assert sides.sides("Which is larger: " + "the yield of wheat, or " * 60 + "?") == ()
