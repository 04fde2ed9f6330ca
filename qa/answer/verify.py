"""Whether passages bear out a sentence that a model wrote. No model judges it: rules that can be read here do.

A sentence is supported by one sentence of one passage (with the one before it where it leans on that), never by
several taken together. Everything in it that can be wrong has to stand there: figures and dates in any notation, each
beside what it counts there; names and nouns; quoted strings; negations and opposites; names and figures in the same
order. What the passage only demands is not so. What the rules cannot tell counts as unsupported.

Late interaction between sentence and passage must reach a bar besides, where an encoder is at hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from qa.answer import wording
from qa.answer.demands import demanded_only
from qa.answer.figures import Figure, figures
from qa.answer.wanted import spans
from qa.encode.language import detect
from qa.ingest.normalise import normalise_query
from qa.types import AnswerSentence, Language, QuoteSpan

Support = Callable[[str, str], float]
"""(sentence, source sentence) -> late-interaction support, 0..1 (``Lane.likeness``)."""

COVERED: Final = 0.7
"""Share of a sentence's content that stands in the source sentence, within a language."""
SUPPORT_BAR: Final = 0.68
ACROSS_BAR: Final = 0.56
"""The same across languages. Measured on sentences of ``evals/training/articles.jsonl`` and their translations: of 120
English sentences over their Chinese twins the middle one reaches 0.65, one in ten less than 0.56; of 120 over another
sentence of the same paragraph one in fifty reaches 0.47. So the bar keeps out what speaks of something else, and costs
some true sentences. It moves with the encoder. It does not see one word that is wrong: before this encoder, with a noun
or verb replaced at random, a true sentence scored higher in 0.61 of all pairs only, and the word that is matched worst
told little more (0.69). Within a language the rules above see such words; across languages they see names, figures and
negations only."""
CHANCE: Final = 0.25
"""Surroundings may share this much by chance."""
AROUND: Final = 8
"""Characters on each side of a figure that say what it counts."""
AROUND_NAME: Final = 16

_MARK = re.compile(r"\s{0,9}[\[［【](?P<numbers>\d{1,4}(?:\s*[,，、]\s*\d{1,4})*)[\]］】]")
_LEANS = re.compile(
    r"^(?:他|她|它|该|其|此|这|两|双方|对此|It|He|She|They|This|These|The (?:company|group|association))"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of a passage that a generated sentence may rest on. ``text`` and ``context`` are matchable."""

    number: int
    """Number of the citation of its passage."""
    text: str
    start: int
    end: int
    """Its place in the source."""
    language: Language
    before: str = ""
    """The sentence before it in the passage."""
    context: str = ""
    """Title and heading."""


def marks(text: str) -> tuple[str, tuple[int, ...]]:
    """A sentence without its marks, and the numbers in them, each once, in order."""
    numbers = [int(n) for mark in _MARK.finditer(text) for n in re.findall(r"\d+", mark["numbers"])]
    return _MARK.sub("", text).strip(), tuple(dict.fromkeys(numbers))


def verify(sentence: str, statements: Sequence[Statement], support: Support | None = None) -> AnswerSentence:
    """The sentence with the citations that bear it out, which may be others than it named, or with its problem.

    Marks that name no passage are dropped; a missing or wrong one is repaired where a passage supports the sentence.
    """
    shown, named = marks(sentence)
    text = normalise_query(shown)
    problem = "it says nothing that could be checked"
    if not any(character.isalnum() for character in text):
        return AnswerSentence(shown, (), False, (), problem)
    for numbers in ([n for n in named if any(s.number == n for s in statements)], None):
        candidates = [s for s in statements if numbers is None or s.number in numbers]
        bearing, found = _bearing(text, candidates, support)
        if bearing:
            return _supported(shown, bearing)
        problem = found or problem
    return AnswerSentence(shown, (), False, (), problem)


def _supported(shown: str, bearing: Sequence[Statement]) -> AnswerSentence:
    first = {statement.number: statement for statement in reversed(bearing)}
    numbers = tuple(dict.fromkeys(statement.number for statement in bearing))
    quotes = tuple(QuoteSpan(n, first[n].start, first[n].end) for n in numbers)
    return AnswerSentence(shown, numbers, True, quotes)


def _bearing(text: str, candidates: Sequence[Statement], support: Support | None) -> tuple[list[Statement], str | None]:
    """The statements that bear the text out; and what is wrong with the nearest one where there are none."""
    ranked = sorted(candidates, key=lambda s: -wording.coverage(text, _known(s)))
    problems = [(statement, _problem(text, statement)) for statement in ranked]
    bearing = [s for s, problem in problems if problem is None and _reaches(text, s, support)]
    if bearing or not problems:
        return bearing[:2], None
    return [], problems[0][1] or "no passage comes near enough to what it says"


def _reaches(text: str, statement: Statement, support: Support | None) -> bool:
    if support is None or text in statement.text:
        return True
    bar = SUPPORT_BAR if _same_language(text, statement) else ACROSS_BAR
    return support(text, _known(statement)) >= bar


def _problem(text: str, statement: Statement) -> str | None:
    """What the statement does not bear out; None where it bears out everything."""
    if text in statement.text:
        return None
    known = _known(statement)
    checks = _checks if _same_language(text, statement) else _checks_across
    return next(checks(text, known, statement.context), None)


def _same_language(text: str, statement: Statement) -> bool:
    return detect(text) == detect(statement.text)


def _known(statement: Statement) -> str:
    return f"{statement.before} {statement.text}" if _LEANS.match(statement.text) else statement.text


def _checks(text: str, known: str, context: str) -> Iterator[str]:
    """Problems of a text in the language of the statement."""
    plain = _without_figures(text)
    if wording.coverage(plain, f"{known} {context}") < COVERED:
        yield "the passage says too little of this"
    yield from _figure_problems(text, known, context)
    yield from _misplaced(text, known)
    yield from _name_problems(text, plain, known, context)
    if other := wording.substituted(text, known):
        yield f"the passage has something else in the place of {other}"
    if twice := wording.repeated(text, known):
        yield f"it says {twice} more often than the passage"
    if wording.negation_differs(text, known):
        yield "it denies what the passage says, or says what the passage denies"
    yield from _contradictions(text, known)
    yield from _order_problems(text, known)


def _checks_across(text: str, known: str, context: str) -> Iterator[str]:
    """Problems of a text in another language than the statement's: what cannot be compared must be unambiguous."""
    yield from _figure_problems(text, known, context)
    yield from _ambiguous(text, known)
    missing = wording.new_across(text, known, context) if detect(text) == "en" else _foreign_names(text, known)
    if missing:
        yield f"the passage does not name {missing[0]}"
    if bool(wording.negations(text)) != bool(wording.negations(known)):
        yield "it denies what the passage says, or says what the passage denies"
    yield from _contradictions(text, known)


def _contradictions(text: str, known: str) -> Iterator[str]:
    """What words tell in any language."""
    if wording.opposite(text, known):
        yield "it says the opposite of the passage"
    if demanded_only(text, known):
        yield "the passage demands this and does not say that it is so"


def _foreign_names(text: str, known: str) -> list[str]:
    """Names in a Chinese text over an English passage: only Latin letters can be checked."""
    people = [text[slice(*span)] for span in spans("person", text)]
    return [*people, *wording.new_latin(text, known, names_only=True), *_names_in_order(text)["names"]]


def _figure_problems(text: str, known: str, context: str) -> Iterator[str]:
    held = figures(known)
    years = {figure.value for figure in figures(context) if figure.sort == "year"}
    has_year = any(figure.sort == "year" for figure in held)
    for figure in figures(text):
        same = [other for other in held if _equal(figure, other)]
        from_context = figure.sort == "year" and not has_year and figure.value in years
        if not same and not from_context:
            yield f"the passage does not say {text[slice(*figure.span)]}"


def _equal(figure: Figure, other: Figure) -> bool:
    """The same value of the same sort and unit; a month matches a day in it."""
    if figure.sort == "month" and other.sort == "day":
        return other.value.startswith(f"{figure.value}-")
    if figure.unit and other.unit and figure.unit != other.unit:
        return False
    return figure.sort == other.sort and figure.value == other.value


def _misplaced(text: str, known: str) -> Iterator[str]:
    """Figures and people that stand beside what another one stands beside in the passage."""
    held = figures(known)
    for figure in figures(text):
        rivals = [other for other in held if other.sort == figure.sort]
        own = _likeness(text, figure.span, known, [o.span for o in rivals if o.value == figure.value], AROUND)
        other = _likeness(text, figure.span, known, [o.span for o in rivals if o.value != figure.value], AROUND)
        if other > max(own, CHANCE):
            yield f"in the passage, {text[slice(*figure.span)]} is about something else"
    people = spans("person", known)
    for span in spans("person", text):
        name = text[slice(*span)]
        own = _likeness(text, span, known, [p for p in people if known[slice(*p)] == name], AROUND_NAME)
        other = _likeness(text, span, known, [p for p in people if known[slice(*p)] != name], AROUND_NAME)
        if other > max(own, CHANCE):
            yield f"in the passage, {name} is about something else"


def _likeness(text: str, span: tuple[int, int], known: str, places: Sequence[tuple[int, int]], around: int) -> float:
    """The largest share of the surroundings of ``span`` that one of the places in ``known`` has too."""
    wanted = _surroundings(text, span, around)
    if not wanted:
        return 0.0
    return max((len(wanted & _surroundings(known, place, around)) / len(wanted) for place in places), default=0.0)


def _surroundings(text: str, span: tuple[int, int], around: int) -> frozenset[str]:
    """Pairs of characters, or words, beside a span."""
    left, right = text[max(0, span[0] - 3 * around) : span[0]], text[span[1] : span[1] + 3 * around]
    if re.search(r"[\u3400-\u9fff]", left[-around:] + right[:around]):
        left, right = left[-around:], right[:around]
        return frozenset(f"<{a}{b}" for a, b in zip(left, left[1:], strict=False)) | frozenset(
            f">{a}{b}" for a, b in zip(right, right[1:], strict=False)
        )
    return frozenset(f"<{w.lower()}" for w in re.findall(r"\w+", left)[-3:]) | frozenset(
        f">{w.lower()}" for w in re.findall(r"\w+", right)[:3]
    )


def _name_problems(text: str, plain: str, known: str, context: str) -> Iterator[str]:
    everything = f"{known} {context}"
    people = [text[slice(*span)] for span in spans("person", text)]
    missing = [name for name in people if name not in known]
    missing += [quote for quote in wording.quoted(text) if quote not in everything]
    missing += wording.new_han(plain, everything) + wording.new_latin(text, everything, names_only=True)
    yield from (f"the passage does not say {name}" for name in missing)


def _without_figures(text: str) -> str:
    """Blanks for figures, which are compared by value: 一百 is no new word where the passage says 100."""
    for figure in figures(text):
        start, end = figure.span
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _order_problems(text: str, known: str) -> Iterator[str]:
    """Names, figures and opposites in another order than in the passage: who did what to whom may be turned around."""
    for read in (_names_in_order, _values_in_order, _opposites_in_order):
        there = read(known)
        for kind, items in read(text).items():
            said = [item for item in items if item in there.get(kind, ())]
            if not _is_in_order(said, there.get(kind, ())):
                yield "it has names or figures in another order than the passage"


def _names_in_order(text: str) -> dict[str, list[str]]:
    return wording.names_in_order(text, spans("person", text))


def _values_in_order(text: str) -> dict[str, list[str]]:
    found = figures(text)
    return {figure.sort: [other.value for other in found if other.sort == figure.sort] for figure in found}


def _opposites_in_order(text: str) -> dict[str, list[str]]:
    return {"": wording.opposites_in_order(text)}


def _is_in_order(said: Sequence[str], order: Sequence[str]) -> bool:
    """Whether ``said`` can be read off ``order`` from left to right."""
    rest = iter(order)
    return all(any(item == other for other in rest) for item in said)


def _ambiguous(text: str, known: str) -> Iterator[str]:
    """Across languages nothing tells which of two figures, or two people, is meant."""
    said = figures(text)
    for sort in {figure.sort for figure in said}:
        here = [figure.value for figure in said if figure.sort == sort]
        there = [figure.value for figure in figures(known) if figure.sort == sort]
        percent = [value for value in there if value.endswith("%") == here[0].endswith("%")]
        if len(set(percent)) > 1 and here != there:
            yield "which figure of the passage it means cannot be told across languages"
    if len({known[slice(*span)] for span in spans("person", known)}) > 1:
        yield "whom of the passage it means cannot be told across languages"
