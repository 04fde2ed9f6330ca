"""An answer as chats show it, before it takes the form of one platform: short answer, notes, numbered citations."""

from __future__ import annotations

from dataclasses import dataclass

from qa.answer.links import address, words
from qa.answer.phrases import Voice, voice
from qa.chat.phrases import say
from qa.types import Answer, Citation, Span


@dataclass(frozen=True, slots=True)
class Reference:
    """A citation to be shown. ``facts``: publisher and date. ``quote``: the words that prove the answer, exactly;
    runs of the source that do not touch are separate lines."""

    number: int
    title: str
    facts: str
    url: str
    quote: str


@dataclass(frozen=True, slots=True)
class Card:
    """``text``: the answer with its marks, or that the articles do not hold one. All of it is plain text."""

    voice: Voice
    answerable: bool
    text: str
    references: tuple[Reference, ...]
    notes: tuple[str, ...] = ()


def card(answer: Answer, base: str, collection: str) -> Card:
    """``base``: public address of this service, may be empty; ``collection``: that was asked."""
    spoken = voice(answer.query)
    references = tuple(_reference(each, answer, spoken, base, collection) for each in answer.citations)
    return Card(spoken, answer.answerable, answer.answer, references, answer.warnings)


def _reference(citation: Citation, answer: Answer, spoken: Voice, base: str, collection: str) -> Reference:
    number = int(citation.marker[1:-1])
    spans = _spans(citation, number, answer)
    facts = [fact for fact in (citation.publisher, citation.published) if fact]
    if citation.kind == "digest":
        facts.append(say("digest", spoken))
    title = " ".join(citation.title.split())
    link = address(citation, base, collection, spans)
    return Reference(number, title, ", ".join(facts), link, words(citation, spans))


def _spans(citation: Citation, number: int, answer: Answer) -> list[Span]:
    """Of what the answer rests on; else of what matches the question best; else of the whole passage."""
    proving = {
        (span.start, span.end) for each in answer.sentences for span in each.quote_spans if span.citation == number
    }
    whole = (citation.start, citation.end)
    spans = sorted(proving) or sorted(citation.highlights) or [whole]
    return [(start, end) for start, end in spans if citation.start <= start < end <= citation.end] or [whole]
