"""Asking an index the questions of a set over one's own articles, and judging its hits by the gold quotes.

A hit is right where it stands in a gold quote's document and one of these holds:
- it covers at least half of the quote's characters;
- it covers every answer of the question that stands in the quote (at least one does);
- it lies inside the quote, and no answer stands there.
A hit whose copy stands in the gold document (``also_in``) is judged by its words instead of its offsets.

Several gold quotes are places to find the same thing: any of them will do, and together they are one item. Only a
comparison needs them all: there, each document is an item of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa.evaluate.dataset import Gold, Question, QuestionSet, check_quotes
from qa.evaluate.outcome import Outcome, Returned, Trial
from qa.types import Document, Hit, Span

if TYPE_CHECKING:
    from qa.index import Index

TOP_K = 10
COVERED = 0.5
"""Share of a gold quote that a passage has to cover to count as right without holding the whole answer."""
PAGE = 500
"""Documents listed at a time."""
EXCERPT_CHARS = 400
SHOWN = 3
"""Hits kept for the report."""

Tell = Callable[[int, int], None]
"""Told how many questions of how many are done."""


@dataclass(frozen=True, slots=True)
class Place:
    """One occurrence of a gold quote: ``answers`` are the spans of the question's answers inside it."""

    item: str
    document_id: str
    language: str
    span: Span
    answers: tuple[Span, ...]
    quote: str
    words: tuple[str, ...]
    """The answers that stand in the quote."""


@dataclass(frozen=True, slots=True)
class Library:
    """The documents of a collection, by name, and the source texts of those that the gold quotes name."""

    documents: Mapping[str, Sequence[Document]]
    texts: Mapping[str, str]
    """Source texts by document id."""

    def named(self, name: str) -> list[str]:
        return [self.texts[document.id] for document in self.documents.get(name, ())]


def ask(index: Index, chosen: QuestionSet, *, collection: str, tell: Tell) -> Trial:
    """Put every question to the index. Raises EvalError where a gold quote is not in its document."""
    shelf = library(index, chosen.questions, collection)
    names = {gold.document for question in chosen.questions for gold in question.gold}
    check_quotes(chosen.questions, {name: shelf.named(name) for name in names & shelf.documents.keys()}, chosen.name)
    corpus = _corpus_language(shelf)
    outcomes = []
    for done, question in enumerate(chosen.questions):
        tell(done, len(chosen.questions))
        outcomes.append(outcome(index, question, places(question, shelf), collection, corpus))
    tell(len(chosen.questions), len(chosen.questions))
    documents = [document for same in shelf.documents.values() for document in same]
    passages = sum(document.passages for document in documents)
    encoder = index.store.identity.fingerprint
    return Trial(chosen.name, chosen.sha256, len(documents), passages, tuple(outcomes), encoder=encoder)


def library(index: Index, questions: Sequence[Question], collection: str) -> Library:
    """All documents of a collection, with the source texts that the questions need."""
    wanted = {gold.document for question in questions for gold in question.gold}
    documents: dict[str, list[Document]] = {}
    offset = 0
    while page := index.documents(collection, offset=offset, limit=PAGE):
        for document in page:
            documents.setdefault(document.name, []).append(document)
        offset += len(page)
    ids = [document.id for name in wanted for document in documents.get(name, ())]
    return Library(documents, {identity: index.source_text(identity, collection) for identity in ids})


def places(question: Question, shelf: Library) -> list[Place]:
    """Every occurrence of every gold quote of a question."""
    return [
        _place(question, gold, document, start)
        for gold in question.gold
        for document in shelf.documents[gold.document]
        for start in _occurrences(gold.quote, shelf.texts[document.id])
    ]


def outcome(index: Index, question: Question, gold: Sequence[Place], collection: str, corpus: str) -> Outcome:
    """Put one question to the index and judge what comes back."""
    result = index.search(question.asked, top_k=TOP_K, collection=collection)
    right = [[place.item for place in gold if is_right(hit, place)] for hit in result.hits]
    languages = {place.language for place in gold} or {corpus}
    return Outcome(
        question=question.id,
        need=question.need,
        cell=f"{question.language}-{languages.pop() if len(languages) == 1 else 'all'}",
        language=question.language,
        text=question.text,
        kinds=question.kinds,
        answerable=question.answerable,
        judgements={place.item: 1 for place in gold},
        ranking=_ranking(result.hits, right),
        confidence=result.confidence,
        answered=result.answerable,
        took=result.took_ms,
        digest=_digest(question),
        wanted="\n".join(dict.fromkeys(gold.quote for gold in question.gold)),
        returned=tuple(
            _returned(hit, bool(items)) for hit, items in zip(result.hits[:SHOWN], right[:SHOWN], strict=True)
        ),
    )


def is_right(hit: Hit, place: Place) -> bool:
    """Whether a hit answers: see the top of this module."""
    cited = hit.citation
    if cited.document_id == place.document_id:
        return covers((cited.start, cited.end), place)
    if any(copy.document_id == place.document_id for copy in cited.also_in):
        return _says(cited.quote, place)
    return False


def covers(span: Span, place: Place) -> bool:
    """Whether a passage of the gold document answers, by its offsets."""
    start, end = place.span
    shared = _overlap(span, place.span)
    if shared <= 0:
        return False
    if shared >= COVERED * (end - start):
        return True
    if place.answers:
        return all(span[0] <= a and b <= span[1] for a, b in place.answers)
    return start <= span[0] and span[1] <= end


def _says(text: str, place: Place) -> bool:
    if place.words:
        return all(word in text for word in place.words)
    return place.quote in text or text in place.quote


def _overlap(one: Span, other: Span) -> int:
    return min(one[1], other[1]) - max(one[0], other[0])


def _place(question: Question, gold: Gold, document: Document, start: int) -> Place:
    words = tuple(answer for answer in question.answers if answer in gold.quote)
    return Place(
        item=gold.document if "comparison" in question.kinds else "answer",
        document_id=document.id,
        language=document.language,
        span=(start, start + len(gold.quote)),
        answers=tuple(_inside(start, gold.quote, word) for word in words),
        quote=gold.quote,
        words=words,
    )


def _inside(start: int, quote: str, word: str) -> Span:
    begin = start + quote.index(word)
    return begin, begin + len(word)


def _occurrences(quote: str, text: str) -> list[int]:
    found, start = [], text.find(quote)
    while start >= 0:
        found.append(start)
        start = text.find(quote, start + 1)
    return found


def _ranking(hits: Sequence[Hit], right: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Items best first: what a hit is the first to answer, else its passage."""
    seen: set[str] = set()
    ranking = []
    for hit, items in zip(hits, right, strict=True):
        new = [item for item in dict.fromkeys(items) if item not in seen]
        seen.update(new)
        ranking += new or [f"passage {hit.citation.passage_id}"]
    return tuple(ranking)


def _returned(hit: Hit, right: bool) -> Returned:
    return Returned(hit.rank, hit.score, hit.citation.title, hit.text[:EXCERPT_CHARS], right)


def _corpus_language(shelf: Library) -> str:
    languages = {document.language for same in shelf.documents.values() for document in same}
    return languages.pop() if len(languages) == 1 else "all"


def _digest(question: Question) -> str:
    said = repr((question.asked, question.answerable, sorted(set(question.answers)), [*map(repr, question.gold)]))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:12]
