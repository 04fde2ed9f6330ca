"""Asking an index the questions of a bench folder, and ranking the folder's articles by the passages that come back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa.evaluate.bench import Article, Bench, Direction, Query
from qa.evaluate.outcome import Outcome, Returned, Trial
from qa.evaluate.own import EXCERPT_CHARS, SHOWN, Tell
from qa.types import Filters, Language, Metadata, Source

if TYPE_CHECKING:
    from qa.index import Index
    from qa.retrieve.pool import Pool
    from qa.retrieve.search import Ranked, Ranking

PASSAGES = 50
"""Passages asked for: enough for ten different articles, even where articles have several passages each."""
ARTICLES = 10
"""Articles kept of a ranking."""


@dataclass(frozen=True, slots=True)
class Round:
    """A question put to some of the articles: those of a language (``passage``), its own ``candidates``, or all."""

    query: Query
    cell: str
    passage: Language | None
    candidates: tuple[str, ...]
    judgements: Mapping[str, int]


def sources(bench: Bench) -> Iterator[Source]:
    """The articles as ingest takes them: one document each, known by its id."""
    for article in bench.articles:
        yield Source(
            name=article.id,
            format="text",
            text=article.text,
            raw_sha256=hashlib.sha256(article.text.encode("utf-8", "surrogatepass")).hexdigest(),
            metadata=Metadata(title=article.title),
            locator=article.id,
        )


def rounds(bench: Bench) -> list[Round]:
    """Every question of every file of judgements; without any such file, every question with its own candidates."""
    if not bench.directions:
        return [_candidate_round(query, bench) for query in bench.queries]
    return [one for direction in bench.directions for one in _rounds(bench, direction)]


def ask(index: Index, bench: Bench, *, collection: str, tell: Tell) -> Trial:
    """Put every question to the index, which holds the bench's articles."""
    room, asked = Room(index, bench, collection), rounds(bench)
    outcomes = []
    for done, one in enumerate(asked):
        tell(done, len(asked))
        outcomes.append(room.outcome(one))
    tell(len(asked), len(asked))
    info = next(info for info in index.collections() if info.name == collection)
    notes = _notes(len(bench.articles), info.documents)
    encoder = index.store.identity.fingerprint
    return Trial(bench.name, bench.sha256, info.documents, info.passages, tuple(outcomes), notes, encoder)


class Room:
    """An index that holds the articles of a bench, by the names that the bench gives them."""

    def __init__(self, index: Index, bench: Bench, collection: str) -> None:
        from qa.ingest.pipeline import document_id

        self._index = index
        self._snapshot = index.store.snapshot(collection)
        self._articles = {article.id: article for article in bench.articles}
        self._names = {document_id(collection, source): source.name for source in sources(bench)}
        self._ids = {name: identity for identity, name in self._names.items()}

    def search(self, one: Round) -> Ranking:
        """The lane itself: citations and highlights are not needed here."""
        return self._index.lane.search(self._snapshot, one.query.text, top_k=PASSAGES, filters=self._filters(one))

    def pool(self, one: Round) -> Pool:
        """What the lane gathers for a question, before it is ranked."""
        lane = self._index.lane
        return lane.pool(self._snapshot, lane.question(one.query.text), self._filters(one))

    def name(self, hit: Ranked) -> str:
        """Which article a hit stands in."""
        return self.named(hit.passage.document_id)

    def named(self, document_id: str) -> str:
        """The name that the bench gives a document."""
        return self._names[document_id]

    def outcome(self, one: Round) -> Outcome:
        """Put one question to the articles and judge what comes back."""
        ranking = self.search(one)
        return Outcome(
            question=one.query.id,
            need=one.query.need,
            cell=one.cell,
            language=one.query.language,
            text=one.query.text,
            kinds=(),
            answerable=_answerable(one),
            judgements=dict(one.judgements),
            ranking=tuple(self._order(ranking, one)[:ARTICLES]),
            confidence=ranking.confidence,
            answered=bool(ranking.hits)
            and self._index.lane.calibration.answers(ranking.confidence, ranking.hits[0].features),
            took=ranking.took_ms,
            digest=_digest(one),
            wanted="\n".join(self._articles[name].text[:EXCERPT_CHARS] for name, r in one.judgements.items() if r > 0),
            returned=tuple(self._returned(rank, hit, one) for rank, hit in enumerate(ranking.hits[:SHOWN], 1)),
        )

    def _filters(self, one: Round) -> Filters | None:
        if one.candidates:
            return Filters(document_ids=tuple(self._ids[name] for name in one.candidates))
        return Filters(language=one.passage) if one.passage else None

    def _order(self, ranking: Ranking, one: Round) -> list[str]:
        """Articles by their best passage. A passage that stands in several articles (copies) counts for each."""
        copies = self._snapshot.copies([hit.passage.group for hit in ranking.hits])
        order: dict[str, None] = {}
        for hit in ranking.hits:
            carriers = [hit.passage.document_id, *(identity for identity, _ in copies.get(hit.passage.group, []))]
            order |= dict.fromkeys(name for c in carriers if self._searched(name := self._names[c], one))
        return list(order)

    def _searched(self, name: str, one: Round) -> bool:
        if one.candidates:
            return name in one.candidates
        return one.passage is None or self._articles[name].language == one.passage

    def _returned(self, rank: int, hit: Ranked, one: Round) -> Returned:
        name = self.name(hit)
        right = one.judgements.get(name, 0) > 0
        return Returned(
            rank, hit.probability, self._articles[name].title or name, hit.passage.text[:EXCERPT_CHARS], right
        )


def _rounds(bench: Bench, direction: Direction) -> Iterator[Round]:
    """Judged questions, and those that the articles are known not to answer."""
    passage = direction.passage or _language(bench.articles)
    for query in bench.queries:
        if direction.question not in (None, query.language):
            continue
        judgements = direction.judgements.get(query.id, {})
        if judgements or query.answerable is False:
            yield Round(query, _cell(query, passage), direction.passage, (), judgements)


def _candidate_round(query: Query, bench: Bench) -> Round:
    wanted = set(query.candidates)
    pool = [article for article in bench.articles if article.id in wanted] if wanted else bench.articles
    return Round(query, _cell(query, _language(pool)), None, query.candidates, {})


def _cell(query: Query, passage: str | None) -> str:
    return f"{query.language}-{passage or 'all'}"


def _language(articles: Sequence[Article]) -> Language | None:
    """The language of the articles; None where there are several."""
    languages = {article.language for article in articles}
    return languages.pop() if len(languages) == 1 else None


def _answerable(one: Round) -> bool | None:
    if one.query.answerable is not None:
        return one.query.answerable
    return True if one.judgements else None


def _digest(one: Round) -> str:
    said = repr((one.query.text, one.query.answerable, sorted(one.judgements.items()), sorted(one.candidates)))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _notes(articles: int, documents: int) -> tuple[str, ...]:
    if articles == documents:
        return ()
    return (f"{articles - documents} of {articles} articles hold no text after cleaning and cannot be found",)
