"""Citations: where a passage stands, which of its sentences answer, and who else carries it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from qa.answer.candidates import passage_sentences
from qa.encode.encoder import Encoder
from qa.retrieve.search import Ranked
from qa.types import AlsoIn, Citation, Document, Hit, Passage, Span

RIVAL_SHARE = 0.85
"""A second sentence is highlighted too when it matches the question this nearly as well as the best one."""


@dataclass(frozen=True, slots=True)
class Carriers:
    """Which documents carry a group of passages: (document id, title)."""

    by_group: dict[str, list[tuple[str, str]]]

    def others(self, passage: Passage) -> tuple[AlsoIn, ...]:
        """Every carrier but the passage's own document, in order of id."""
        found = sorted(set(self.by_group.get(passage.group, [])))
        return tuple(AlsoIn(identity, title) for identity, title in found if identity != passage.document_id)


def hit(rank: int, ranked: Ranked, document: Document, carriers: Carriers, encoder: Encoder) -> Hit:
    """The hit that users see, with its citation."""
    citation = cite(rank, ranked.passage, document, carriers, highlights(ranked, document, encoder))
    return Hit(rank=rank, score=round(ranked.probability, 4), text=ranked.passage.text, citation=citation)


def cite(
    number: int, passage: Passage, document: Document, carriers: Carriers, marked: Sequence[Span] = ()
) -> Citation:
    """The citation of one passage, marked ``[number]``."""
    about = document.metadata
    return Citation(
        marker=f"[{number}]",
        document_id=document.id,
        passage_id=passage.id,
        title=about.title,
        publisher=about.publisher,
        author=about.author,
        published=about.published,
        url=about.url,
        source=document.name,
        kind=about.kind,
        heading=passage.heading,
        page=passage.page,
        start=passage.start,
        end=passage.end,
        quote=passage.quote,
        sha256=hashlib.sha256(passage.quote.encode("utf-8", "surrogatepass")).hexdigest(),
        highlights=tuple(marked),
        also_in=carriers.others(passage),
    )


def highlights(ranked: Ranked, document: Document, encoder: Encoder) -> list[Span]:
    """Spans of the source: the sentences of the passage that match the question best; none where it has only one.

    A sentence's match is the mean over question tokens of the best similarity that any of its tokens has. Across
    languages all sentences match about equally well: then only the best one is marked.
    """
    if ranked.tokens.size == 0:
        return []
    found = list(passage_sentences(0, ranked, document, encoder))
    if len(found) < 2:
        return []
    scores = [float(sentence.best.mean()) for sentence in found]
    best = max(scores)
    least = RIVAL_SHARE * best if min(scores) < RIVAL_SHARE * best else best
    return [sentence.located.span for sentence, score in zip(found, scores, strict=True) if score >= max(least, 1e-6)]
