"""Gathering candidates for a question, and what speaks for each: ``Gatherer.pool``.

Candidates are gathered per passage language, with a quota each, because vectors of one language crowd those of the
other out (notes §3, "A mixed collection"). Dense candidates come from centred vectors in every direction: late
interaction ranks them afterwards, and its dimensions carry what centring loses within one language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qa.encode.centring import Statistics, centre_tokens, centre_vector
from qa.encode.encoder import Encoded
from qa.retrieve.coverage import covered, rarity
from qa.retrieve.fuse import Evidence, relative_lexical
from qa.retrieve.glossary import Glossary
from qa.retrieve.late import Matches, matches, token_weights
from qa.retrieve.names import shared_names
from qa.store.store import Candidates, Snapshot
from qa.types import Filters, Language, Passage

Floats = npt.NDArray[np.float32]
Booleans = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]

DENSE_CANDIDATES = 50
"""Per passage language."""
LEXICAL_CANDIDATES = 30
COVERED_CANDIDATES = 24
"""Candidates of the question's own language in which its words are counted: those further down are hardly ever best."""
GLOSSARY_CANDIDATES = 40
"""Candidates of another language that the dictionary looks at: to find words costs more than to compare vectors."""
DOCUMENT_SHARE = 0.8
"""How much of the evidence of a name is that of the document, the rest is the passage's own."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question made ready: ``text`` normalised, ``words`` for the lexical index."""

    text: str
    language: Language
    words: tuple[str, ...]
    encoded: Encoded


@dataclass(frozen=True, slots=True)
class Pool:
    """Candidates of a question in order of ``rows``, all [candidates]. ``late``: the linear late-interaction score.
    ``names``: share of romanised names, None where there are none. ``rarity``: of the question's words
    (``coverage.rarity``). ``matrices``: [question tokens, passage tokens]
    similarities each. ``tokens``: [question tokens, dims] as they were compared, ``weights``: [question tokens].
    ``odds``: the reader's log-odds (``reader.py``), NaN for what was not read."""

    rows: Rows
    passages: list[Passage]
    same_language: Booleans
    evidence: Evidence
    late: Floats
    names: list[float | None]
    rarity: dict[str, float]
    matrices: list[Floats]
    tokens: Floats
    weights: Floats
    odds: Floats


class Gatherer:
    """Collects evidence from snapshots of one store."""

    def __init__(self, statistics: Statistics, glossary: Glossary) -> None:
        self._statistics = statistics
        self._glossary = glossary

    def candidates(
        self, snapshot: Snapshot, question: Question, filters: Filters | None = None
    ) -> tuple[Rows, Candidates]:
        """Rows to look at closely, and the lexical candidates among them."""
        allowed = snapshot.allowed(filters)
        vector = self._vector(question)
        dense = [snapshot.dense(vector, language, DENSE_CANDIDATES, allowed) for language in snapshot.languages]
        lexical = snapshot.lexical(question.words, LEXICAL_CANDIDATES, allowed)
        rows = np.unique(np.concatenate([lexical.rows, *(found.rows for found in dense)]))
        return rows.astype(np.int64), lexical

    def pool(self, snapshot: Snapshot, question: Question, found: tuple[Rows, Candidates]) -> Pool:
        """The evidence for what ``candidates`` found; rows deleted meanwhile are left out."""
        held = {row: p for row, p in zip(found[0].tolist(), snapshot.passages(found[0]), strict=True) if p is not None}
        rows, passages = np.array(sorted(held), np.int64), [held[row] for row in sorted(held)]
        weights = token_weights(snapshot.document_frequency(question.encoded.token_ids), snapshot.size)
        tokens = centre_tokens(self._statistics, question.encoded.tokens, question.language, "query")
        matrices = snapshot.late_scores(tokens, rows)
        matched = matches(matrices, weights)
        same = np.array([passage.language == question.language for passage in passages], bool)
        names, weighed = _names(question, passages), rarity(snapshot, question.words)
        lexical = _spread(found[1], rows)
        evidence = Evidence(
            squared=matched.squared,
            window=matched.window,
            dense=self._dense(snapshot, question, rows, passages),
            lexical=lexical,
            names=np.array([share or 0.0 for share in names], np.float32),
            glossary=self._translated(question, passages, same, matched),
            covered=_covered(weighed, passages, same, matched.squared + matched.window + relative_lexical(lexical)),
            read=np.zeros(len(rows), np.float32),
        )
        unread = np.full(len(rows), np.nan, np.float32)
        return Pool(rows, passages, same, evidence, matched.linear, names, weighed, matrices, tokens, weights, unread)

    def _vector(self, question: Question) -> Floats:
        return centre_vector(self._statistics, question.encoded.vector, question.language, "query")

    def _translated(self, question: Question, passages: Sequence[Passage], same: Booleans, matched: Matches) -> Floats:
        """Share of the question found by dictionary in the candidates of the other language that match best, [n]."""
        shares = np.zeros(len(passages), np.float32)
        others = np.flatnonzero(~same)
        others = others[np.argsort(-(matched.squared + matched.window)[others], kind="stable")[:GLOSSARY_CANDIDATES]]
        texts = [shown(passages[i]) for i in others.tolist()]
        shares[others] = self._glossary.coverage(question.words, question.language, texts)
        return shares

    def _dense(self, snapshot: Snapshot, question: Question, rows: Rows, passages: Sequence[Passage]) -> Floats:
        """Centred cosines, [rows], of every candidate, whichever way it was found."""
        raw = snapshot.vectors(rows)
        centred = np.empty_like(raw)
        languages = np.array([passage.language for passage in passages])
        for language in sorted(set(languages.tolist())):
            chosen = languages == language
            centred[chosen] = centre_vector(self._statistics, raw[chosen], language, "passage")
        return np.asarray(centred @ self._vector(question), np.float32)


def _covered(weights: dict[str, float], passages: Sequence[Passage], same: Booleans, promise: Floats) -> Floats:
    """Share of the question's words in the candidates of its language that promise most, [n]; 0 in all others."""
    shares = np.zeros(len(passages), np.float32)
    ours = np.flatnonzero(same)
    ours = ours[np.argsort(-promise[ours], kind="stable")[:COVERED_CANDIDATES]]
    shares[ours] = covered(weights, [shown(passages[i]) for i in ours.tolist()])
    return shares


def _names(question: Question, passages: Sequence[Passage]) -> list[float | None]:
    """Share of romanised names for each passage; most of it comes from the best passage of the same document.

    An article on Changping need not name it again in the paragraph that answers.
    """
    own = [shared_names(question.text, question.language, shown(p), p.language) for p in passages]
    best: dict[str, float] = {}
    for passage, share in zip(passages, own, strict=True):
        best[passage.document_id] = max(best.get(passage.document_id, 0.0), share or 0.0)
    return [
        None if share is None else (1 - DOCUMENT_SHARE) * share + DOCUMENT_SHARE * best[passage.document_id]
        for passage, share in zip(passages, own, strict=True)
    ]


def shown(passage: Passage) -> str:
    """The passage with its heading, as it is matched."""
    return f"{passage.heading or ''} {passage.search_text}"


def _spread(candidates: Candidates, rows: Rows) -> Floats:
    """Scores of candidates laid out over ``rows`` (sorted), 0 where a row is no candidate."""
    scores = np.zeros(len(rows), np.float32)
    places = np.searchsorted(rows, candidates.rows)
    inside = places < len(rows)
    inside[inside] = rows[places[inside]] == candidates.rows[inside]
    scores[places[inside]] = candidates.scores[inside]
    return scores
