"""Answers that a model writes: each sentence is verified as it is completed, before anybody sees it.

Nothing is shown until one sentence is supported. Where none is, or the model fails before one is, the answer is quoted
from the articles instead, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final, Literal

from qa.answer.ask import Found, Writer, doubt
from qa.answer.candidates import Candidate, Evidence, candidates
from qa.answer.endpoint import Endpoint
from qa.answer.extract import Composed, Piece
from qa.answer.phrases import Voice, gap, marked, phrase, reason, voice
from qa.answer.prompt import NO_ANSWER, messages
from qa.answer.verify import Statement, Support, verify
from qa.encode.encoder import Encoder
from qa.encode.language import script, traditional
from qa.errors import ModelError
from qa.ingest.normalise import normalise_query
from qa.types import AnswerSentence, Hit

Policy = Literal["flag", "drop"]
Check = Callable[[str], AnswerSentence]

MAX_WRITTEN: Final = 12
"""Sentences that are read of a model."""
MAX_SENTENCE: Final = 1000
"""Characters after which a sentence ends, whatever it says."""

_MARKS = r"(?:\s*[\[［【]\d{1,4}(?:\s*[,，、]\s*\d{1,4})*[\]］】])*"
_END = re.compile(
    rf"(?:[。！？!?]+|\.(?=[\s\[])(?<!\b[A-Z]\.)(?<!\b(?:Mr|Ms|Dr|St|No)\.)(?<!\bMrs\.))[”’\"」』）)]*{_MARKS}|\n+"
)
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>\s*", re.DOTALL)
_OPENING_THOUGHT: Final = "<think>"
_LIST_MARK = re.compile(r"^\s*(?:[-*•·]\s+|\d{1,2}[.)、]\s*)")


def writing(endpoint: Endpoint, encoder: Encoder, support: Support, policy: Policy, quote: Writer) -> Writer:
    """The writer that has a model write, and falls back to ``quote``."""

    def write(found: Found) -> Iterator[Piece | Composed]:
        if not found.answerable:
            yield from quote(found)
            return
        stated = statements(found.evidence, encoder)
        session = _Session(found, policy, lambda text: verify(text, stated, support))
        asked = messages(found.searched, found.hits, voice(found.query))
        yield from session.run(sentences_of(endpoint.complete(asked)), quote)

    return write


def unconfigured(quote: Writer) -> Writer:
    """The writer where no model is configured: it quotes, and says why."""

    def write(found: Found) -> Iterator[Piece | Composed]:
        yield from _quoted(found, quote, phrase("warning.unconfigured", voice(found.query)))

    return write


def statements(evidence: Sequence[Evidence], encoder: Encoder) -> list[Statement]:
    """The sentences of the hits, as what a written sentence may rest on."""
    contexts = {each.hit.rank: _context(each) for each in evidence}
    found = groupby(candidates(evidence, encoder), key=lambda candidate: candidate.number)
    return [
        _statement(candidate, before, contexts[number])
        for number, group in found
        for before, candidate in _with_before(group)
    ]


def sentences_of(texts: Iterable[str]) -> Iterator[str]:
    """Whole sentences with the marks behind them, as soon as it is certain that they have ended."""
    rest = ""
    for text in texts:
        rest = _THOUGHT.sub("", rest + text)
        if rest.lstrip().startswith(_OPENING_THOUGHT):
            continue
        *whole, rest = _cut(rest)
        yield from filter(None, map(_tidy, whole))
    if not rest.lstrip().startswith(_OPENING_THOUGHT):
        yield from filter(None, map(_tidy, _cut(rest + "\n")))


def _cut(text: str) -> list[str]:
    """Sentences, and last what may still go on: marks may follow a stop that ends the text."""
    parts, start = [], 0
    for end in _END.finditer(text):
        if (
            end.end() < len(text)
            and text[end.end() :].lstrip()[:1] not in ("", "[", "［", "【")
            or end[0].startswith("\n")
        ):
            parts.append(text[start : end.end()])
            start = end.end()
    if len(text) - start > MAX_SENTENCE:
        parts.append(text[start:])
        start = len(text)
    return [*parts, text[start:]]


def _tidy(sentence: str) -> str:
    return _LIST_MARK.sub("", sentence).replace("**", "").strip()


@dataclass(slots=True)
class _Session:
    """One answer as it is written and verified."""

    found: Found
    policy: Policy
    check: Check
    shown: list[Piece] = field(default_factory=list)
    held: list[AnswerSentence] = field(default_factory=list)
    """Unsupported ones that wait for a supported one."""
    dropped: int = 0
    warnings: list[str] = field(default_factory=list)

    def run(self, sentences: Iterator[str], quote: Writer) -> Iterator[Piece | Composed]:
        try:
            for sentence in self._read(sentences):
                yield from self._take(self.check(sentence))
        except ModelError as error:
            self.warnings.append(phrase("warning.model", self._voice, reason=reason(error.message, self._voice)))
        if not self.shown:
            yield from _quoted(self.found, quote, *(self.warnings or [phrase("warning.unsupported", self._voice)]))
            return
        yield from self._flagged()
        if self.dropped:
            self.warnings.append(phrase("warning.dropped", self._voice, count=self.dropped))
        if said := doubt(self.found):
            self.shown.append(Piece(gap(self._voice) + said))
            yield self.shown[-1]
        yield Composed(tuple(self.shown), self._hits(), "model", tuple(self.warnings))

    def _read(self, sentences: Iterator[str]) -> Iterator[str]:
        for number, sentence in enumerate(sentences):
            if number == MAX_WRITTEN or NO_ANSWER in sentence:
                return
            yield sentence

    def _take(self, sentence: AnswerSentence) -> Iterator[Piece]:
        if not sentence.supported:
            self._hold(sentence)
            return
        if self.policy == "flag":
            yield from self._flagged()
        yield self._show(sentence)

    def _hold(self, sentence: AnswerSentence) -> None:
        if self.policy == "drop":
            self.dropped += 1
        else:
            self.held.append(sentence)

    def _flagged(self) -> Iterator[Piece]:
        for sentence in self.held:
            yield self._show(sentence)
        self.held.clear()

    def _show(self, sentence: AnswerSentence) -> Piece:
        spoken = self._in_script(sentence)
        behind = marked(spoken.text, spoken.citations)
        if not spoken.supported:
            behind = f"{spoken.text}{gap(self._voice)}{phrase('unsupported', self._voice)}"
        piece = Piece((gap(self._voice) if self.shown else "") + behind, spoken)
        self.shown.append(piece)
        return piece

    def _in_script(self, sentence: AnswerSentence) -> AnswerSentence:
        if self._voice == "zh-Hant" and script(sentence.text) == "hans":
            return replace(sentence, text=traditional(sentence.text))
        return sentence

    def _hits(self) -> tuple[Hit, ...]:
        """The hits with what bears the answer out highlighted."""
        spans = [span for piece in self.shown if piece.sentence for span in piece.sentence.quote_spans]
        return tuple(
            _highlighted(hit, {(s.start, s.end) for s in spans if s.citation == hit.rank}) for hit in self.found.hits
        )

    @property
    def _voice(self) -> Voice:
        return voice(self.found.query)


def _highlighted(hit: Hit, spans: set[tuple[int, int]]) -> Hit:
    return replace(hit, citation=replace(hit.citation, highlights=tuple(sorted(spans)))) if spans else hit


def _quoted(found: Found, quote: Writer, *warnings: str) -> Iterator[Piece | Composed]:
    for each in quote(found):
        yield replace(each, warnings=(*warnings, *each.warnings)) if isinstance(each, Composed) else each


def _context(evidence: Evidence) -> str:
    about = evidence.document.metadata
    parts = (about.title, evidence.ranked.passage.heading, about.published)
    return normalise_query(" ".join(part for part in parts if part))


def _with_before(group: Iterable[Candidate]) -> Iterator[tuple[str, Candidate]]:
    before = ""
    for candidate in group:
        yield before, candidate
        before = candidate.text


def _statement(candidate: Candidate, before: str, context: str) -> Statement:
    start, end = candidate.located.span
    if candidate.header is not None:
        context = f"{context} {candidate.header.located.text}"
    return Statement(candidate.number, candidate.text, start, end, candidate.language, before, context)
