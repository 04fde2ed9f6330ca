"""The matchable form of a text, with a map back to the text it was made from; and the readable form."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from qa.encode.language import simplified
from qa.types import Span

NORMALISER_VERSION = 1
"""Raised whenever the same text would be normalised differently than before."""

MAX_CLUSTER = 32
"""Longest base character with its marks; marks beyond it are dropped, so that hostile text stays linear."""

_PLAIN_CHARACTERS = r"[!-~、。〈-】—‘-”\u4e00-\u9fff\uff01-\uff5e]+"
_PLAIN = re.compile(f"{_PLAIN_CHARACTERS}(?: {_PLAIN_CHARACTERS})*")
"""Runs whose characters NFKC leaves alone, or makes half width, and never joins; single blanks stay as they are."""
_HALF_WIDTH = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)}
_HAN_RUN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々〇]+")
_SPACE = re.compile(r"\s+")
_LINE_BREAK = re.compile(r"[\n\r\v\f\x85\u2028\u2029]")
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
_JOINERS = frozenset("\u200c\u200d")
"""Format characters that change how their neighbours are drawn: shown text keeps them."""


@dataclass(frozen=True, slots=True)
class Normalised:
    """A text made matchable: ``text[i]`` comes from ``source[starts[i]:ends[i]]``.

    ``starts`` and ``ends`` are as long as ``text`` and never decrease. Characters that one source character expands
    to share its span; a collapsed run of white space has the span of the run.
    """

    text: str
    starts: array[int]
    ends: array[int]

    def source_span(self, start: int, end: int) -> Span:
        """Span in the source of ``text[start:end]``, which must not be empty."""
        return self.starts[start], self.ends[end - 1]


@dataclass(frozen=True, slots=True)
class Run:
    """Kept text and the source span it comes from: character by character, or (``whole``) as a whole."""

    text: str
    start: int
    end: int
    whole: bool = False


def normalise(text: str, cuts: Sequence[Span] = (), restored: Sequence[tuple[int, str]] = ()) -> Normalised:
    """The matchable form of a passage, without its ``cuts``, with what is ``restored`` in their place (see Block).

    Both refer to ``text``. NFKC (so full width becomes half width), white space collapsed to single blanks and
    stripped, invisible characters dropped (controls, zero-width, bidi, soft hyphen, variation selectors, lone
    surrogates), Traditional to Simplified. Letter case stays.
    """
    writer = _Writer()
    for run in runs(text, 0, len(text), cuts, restored):
        if run.whole:
            for character in run.text:
                writer.character(character, run.start, run.end)
        else:
            _write(text, run.start, run.end, writer)
    return writer.finish()


def normalise_query(text: str) -> str:
    """The matchable form of a question: exactly what ``normalise`` makes of the same text."""
    return normalise(text).text


def readable(text: str, cuts: Sequence[Span] = (), restored: Sequence[tuple[int, str]] = ()) -> str:
    """The text as shown: cuts and invisible characters left out, white space collapsed, script and width unchanged.

    A run of white space with a line break becomes one line break, any other one blank.
    """
    shown = "".join(run.text for run in runs(text, 0, len(text), cuts, restored))
    if not shown.isprintable():
        shown = "".join(filter(_is_shown, shown))
    return _SPACE.sub(_one_space, shown.strip())


def runs(
    text: str, start: int, end: int, cuts: Sequence[Span] = (), restored: Sequence[tuple[int, str]] = ()
) -> Iterator[Run]:
    """What is kept of ``text[start:end]``, in order. ``cuts`` are spans inside it, sorted and disjoint."""
    instead = dict(restored)
    for cut_start, cut_end in cuts:
        yield Run(text[start:cut_start], start, cut_start)
        if cut_start in instead:
            yield Run(instead[cut_start], cut_start, cut_end, whole=True)
        start = cut_end
    yield Run(text[start:end], start, end)


def converted(normalised: Normalised, convert: Callable[[str], str]) -> Normalised:
    """The same with ``convert`` applied to its Han characters, and the map kept right.

    Where a run of Han characters changes its length, every character of it gets the span of the run.
    """
    text = convert(normalised.text)
    if len(text) == len(normalised.text):
        return Normalised(text, normalised.starts, normalised.ends)
    return _converted_by_runs(normalised, convert)


def is_invisible(character: str) -> bool:
    """Whether a character leaves no trace in matchable text. White space does: it separates."""
    return not character.isspace() and _is_ignorable(character)


class _Writer:
    """Collects output characters with their spans: white space and composing characters wait for what follows."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._starts = array("I")
        self._ends = array("I")
        self._space: Span | None = None
        self._cluster: list[str] = []
        self._cluster_span: Span = (0, 0)

    def plain(self, run: str, start: int) -> None:
        """Take a plain run: one character becomes one. Its last may compose with what comes next."""
        self._close()
        self._write_space()
        self._parts.append(run[:-1].translate(_HALF_WIDTH))
        self._starts.extend(range(start, start + len(run) - 1))
        self._ends.extend(range(start + 1, start + len(run)))
        self.character(run[-1], start + len(run) - 1, start + len(run))

    def character(self, character: str, start: int, end: int) -> None:
        """Take any one character that comes from a span."""
        if character.isspace():
            self._close()
            self._wait(start, end)
        elif self._cluster and _extends(character):
            self._extend(character, end)
        elif not _is_ignorable(character):
            self._close()
            self._cluster = [character]
            self._cluster_span = (start, end)

    def finish(self) -> Normalised:
        self._close()
        return converted(Normalised("".join(self._parts), self._starts, self._ends), simplified)

    def _extend(self, character: str, end: int) -> None:
        if len(self._cluster) < MAX_CLUSTER and not _is_ignorable(character):
            self._cluster.append(character)
            self._cluster_span = (self._cluster_span[0], end)

    def _close(self) -> None:
        composed = unicodedata.normalize("NFKC", "".join(self._cluster))[:MAX_CLUSTER]
        self._cluster = []
        for character in composed:
            self._write(character, self._cluster_span)

    def _write(self, character: str, span: Span) -> None:
        if character == " ":
            self._wait(*span)
            return
        self._write_space()
        self._parts.append(character)
        self._starts.append(span[0])
        self._ends.append(span[1])

    def _wait(self, start: int, end: int) -> None:
        self._space = (self._space[0] if self._space else start, end)

    def _write_space(self) -> None:
        if self._space and self._parts:
            self._parts.append(" ")
            self._starts.append(self._space[0])
            self._ends.append(self._space[1])
        self._space = None


def _write(text: str, start: int, end: int, writer: _Writer) -> None:
    while start < end:
        plain = _PLAIN.match(text, start, end)
        if plain:
            writer.plain(plain[0], start)
            start = plain.end()
        else:
            writer.character(text[start], start, start + 1)
            start += 1


def _converted_by_runs(normalised: Normalised, convert: Callable[[str], str]) -> Normalised:
    parts: list[str] = []
    starts, ends = array("I"), array("I")
    for run in _by_script(normalised.text):
        text = convert(normalised.text[run])
        parts.append(text)
        run_starts, run_ends = normalised.starts[run], normalised.ends[run]
        if len(text) != len(run_starts):
            run_starts, run_ends = run_starts[:1] * len(text), run_ends[-1:] * len(text)
        starts.extend(run_starts)
        ends.extend(run_ends)
    return Normalised("".join(parts), starts, ends)


def _by_script(text: str) -> Iterator[slice]:
    """Slices that cover the text: runs of Han characters, and what is between them."""
    end = 0
    for han in _HAN_RUN.finditer(text):
        if end < han.start():
            yield slice(end, han.start())
        yield slice(*han.span())
        end = han.end()
    if end < len(text):
        yield slice(end, len(text))


@lru_cache(maxsize=8192)
def _is_ignorable(character: str) -> bool:
    category = unicodedata.category(character)
    selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    return category in ("Cc", "Cf", "Cs") or selector or character in _FILLERS


@lru_cache(maxsize=8192)
def _extends(character: str) -> bool:
    """Whether the character may compose with the one before it: marks, and Hangul vowels and finals."""
    first = unicodedata.normalize("NFKD", character)[0]
    return unicodedata.category(first).startswith("M") or "\u1160" <= first <= "\u11ff"


def _is_shown(character: str) -> bool:
    if character.isspace() or character in _JOINERS:
        return True
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs")


def _one_space(run: re.Match[str]) -> str:
    return "\n" if _LINE_BREAK.search(run[0]) else " "
