"""The lane from a question to ranked hits, readable in one screen: see ``Lane.search``.

    normalise -> detect language -> encode -> candidates (dense per language, lexical) -> late interaction -> fuse
    -> group copies -> calibrate

Candidates are gathered per passage language, with a quota each, because vectors of one language crowd those of the
other out (notes §3, "A mixed collection"). Dense candidates come from centred vectors in every direction: late
interaction ranks them afterwards, and its 384 dimensions carry what centring loses within one language.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import numpy.typing as npt

from qa.encode.centring import Statistics, centre_tokens, centre_vector
from qa.encode.encoder import Encoded, Encoder
from qa.encode.language import detect
from qa.ingest.normalise import normalise_query
from qa.ingest.words import question_words
from qa.retrieve.calibrate import Calibration, Features
from qa.retrieve.fuse import fuse
from qa.retrieve.late import maxsim, token_weights
from qa.retrieve.names import shared_names
from qa.store.store import Candidates, Snapshot
from qa.types import Filters, Language, Passage, Timings

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

DENSE_CANDIDATES = 50
"""Per passage language."""
LEXICAL_CANDIDATES = 30
DOCUMENT_SHARE = 0.8
"""How much of the evidence of a name is that of the document, the rest is the passage's own."""
FIGURE = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Question:
    """A question made ready: ``text`` normalised, ``words`` for the lexical index."""

    text: str
    language: Language
    words: tuple[str, ...]
    encoded: Encoded


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage with its place in the ranking; ``copies`` are other passages of its group that were found too."""

    passage: Passage
    score: float
    probability: float
    features: Features
    tokens: Floats
    """[question tokens, passage tokens] similarities."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What the lane returns: hits best first, and how long each stage took."""

    question: Question
    hits: tuple[Ranked, ...]
    took_ms: Timings


@dataclass(frozen=True, slots=True)
class _Pool:
    """Candidates with their evidence, all arrays [candidates]."""

    rows: Rows
    late: Floats
    dense: Floats
    lexical: Floats
    names: list[float | None]
    fused: Floats
    matrices: list[Floats]


class Lane:
    """Searches snapshots of one store with one encoder."""

    def __init__(self, encoder: Encoder, statistics: Statistics, calibration: Calibration) -> None:
        self._encoder = encoder
        self._statistics = statistics
        self.calibration = calibration

    def search(self, snapshot: Snapshot, query: str, *, top_k: int, filters: Filters | None = None) -> Ranking:
        """The best ``top_k`` passages, copies grouped, deterministic."""
        began = perf_counter()
        question = self.question(query)
        encoded = perf_counter()
        allowed = snapshot.allowed(filters)
        found = self._candidates(snapshot, question, allowed)
        gathered = perf_counter()
        hits = self._rank(snapshot, question, found, top_k)
        done = perf_counter()
        return Ranking(question, hits, _timings(began, encoded, gathered, done))

    def question(self, query: str) -> Question:
        """Normalise, detect the language, encode."""
        text = normalise_query(query)
        encoded = self._encoder.encode_queries([text])[0]
        return Question(text, detect(text), tuple(question_words(text)), encoded)

    def likeness(self, text: str, passage: str) -> float:
        """Late-interaction support that a passage gives a text: the mean over its tokens of their best match."""
        said, known = self._encoder.encode_queries([text])[0], self._encoder.encode_passages([passage])[0]
        if not len(said.tokens) or not len(known.tokens):
            return 0.0
        query = centre_tokens(self._statistics, said.tokens, detect(text), "query")
        found = centre_tokens(self._statistics, known.tokens, detect(passage), "passage")
        return float((query @ found.T).max(axis=1).mean())

    def _candidates(self, snapshot: Snapshot, question: Question, allowed: Rows | None) -> tuple[Rows, Candidates]:
        vector = centre_vector(self._statistics, question.encoded.vector, question.language, "query")
        dense = [snapshot.dense(vector, language, DENSE_CANDIDATES, allowed) for language in snapshot.languages]
        lexical = snapshot.lexical(question.words, LEXICAL_CANDIDATES, allowed)
        rows = np.unique(np.concatenate([lexical.rows, *(found.rows for found in dense)]))
        return rows.astype(np.int64), lexical

    def _rank(
        self, snapshot: Snapshot, question: Question, found: tuple[Rows, Candidates], top_k: int
    ) -> tuple[Ranked, ...]:
        rows, lexical = found
        passages = {row: p for row, p in zip(rows.tolist(), snapshot.passages(rows), strict=True) if p is not None}
        rows = np.array(sorted(passages), np.int64)
        if not len(rows):
            return ()
        weights = token_weights(snapshot.document_frequency(question.encoded.token_ids), snapshot.size)
        pool = self._pool(snapshot, question, rows, lexical, [passages[row] for row in rows.tolist()], weights)
        order = _best_of_groups(pool, [passages[row].group for row in rows.tolist()])
        features = _features(snapshot, question, pool, order, passages, weights, top_k)
        # The order is the lane's: no hit may claim more than one before it.
        chances = np.minimum.accumulate(self.calibration.probabilities(features))
        return tuple(
            Ranked(passages[int(rows[i])], float(pool.fused[i]), float(chance), feature, pool.matrices[i])
            for i, chance, feature in zip(order, chances, features, strict=False)
        )

    def _pool(
        self,
        snapshot: Snapshot,
        question: Question,
        rows: Rows,
        lexical: Candidates,
        passages: Sequence[Passage],
        weights: Floats,
    ) -> _Pool:
        tokens = centre_tokens(self._statistics, question.encoded.tokens, question.language, "query")
        matrices = snapshot.late_scores(tokens, rows)
        late = maxsim(matrices, weights)
        dense = self._dense(snapshot, question, rows, passages)
        bm25 = _spread(lexical, rows)
        same = np.array([passage.language == question.language for passage in passages])
        names = _names(question, passages)
        known = np.array([share or 0.0 for share in names], np.float32)
        return _Pool(rows, late, dense, bm25, names, fuse(late, dense, bm25, known, same), matrices)

    def _dense(self, snapshot: Snapshot, question: Question, rows: Rows, passages: Sequence[Passage]) -> Floats:
        """Centred cosines, [rows], of every candidate, whichever way it was found."""
        vector = centre_vector(self._statistics, question.encoded.vector, question.language, "query")
        raw = snapshot.vectors(rows)
        centred = np.empty_like(raw)
        languages = np.array([passage.language for passage in passages])
        for language in sorted(set(languages.tolist())):
            chosen = languages == language
            centred[chosen] = centre_vector(self._statistics, raw[chosen], language, "passage")
        return np.asarray(centred @ vector, np.float32)


def _names(question: Question, passages: Sequence[Passage]) -> list[float | None]:
    """Share of romanised names for each passage; most of it comes from the best passage of the same document.

    An article on Changping need not name it again in the paragraph that answers.
    """
    own = [shared_names(question.text, question.language, _shown(p), p.language) for p in passages]
    best: dict[str, float] = {}
    for passage, share in zip(passages, own, strict=True):
        best[passage.document_id] = max(best.get(passage.document_id, 0.0), share or 0.0)
    return [
        None if share is None else (1 - DOCUMENT_SHARE) * share + DOCUMENT_SHARE * best[passage.document_id]
        for passage, share in zip(passages, own, strict=True)
    ]


def _shown(passage: Passage) -> str:
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


def _best_of_groups(pool: _Pool, groups: Sequence[str]) -> list[int]:
    """Candidates by fused score, ties by row; of each group of copies only the first."""
    order = np.lexsort((pool.rows, -pool.fused))
    seen: set[str] = set()
    chosen = []
    for i in order.tolist():
        if groups[i] not in seen:
            seen.add(groups[i])
            chosen.append(i)
    return chosen


def _features(
    snapshot: Snapshot,
    question: Question,
    pool: _Pool,
    order: Sequence[int],
    passages: dict[int, Passage],
    weights: Floats,
    top_k: int,
) -> list[Features]:
    """Evidence for the first ``top_k`` of ``order``."""
    fused = pool.fused[list(order)]
    median = float(np.median(pool.fused))
    rarity = _rarity(snapshot, question.words)
    first = int(np.argmax(pool.lexical)) if pool.lexical.any() else None
    described = []
    for place, i in enumerate(order[:top_k]):
        passage = passages[int(pool.rows[i])]
        rival = fused[1] if place == 0 and len(fused) > 1 else fused[0] if place else fused[0] - 0.1
        across = passage.language != question.language
        described.append(
            Features(
                late=float(pool.late[i]),
                dense=float(pool.dense[i]),
                margin=float(fused[place] - rival),
                gap=float(fused[place] - median),
                weakest=_weakest(pool.matrices[i], weights),
                rare=0.5 if across else _covered(question.words, rarity, passage),
                figures=_figures(question.text, passage),
                names=1.0 if (share := pool.names[i]) is None else share,
                agreement=0.5 if first is None or across else float(first == i),
                across=float(across),
                length=float(np.log1p(len(weights))),
            )
        )
    return described


def _weakest(similarities: Floats, weights: Floats) -> float:
    """Weighted mean of the best matches of the third of the question (by weight) that is matched worst."""
    if similarities.size == 0:
        return 0.0
    best = similarities.max(axis=1)
    order = np.argsort(best, kind="stable")
    before = np.cumsum(weights[order]) - weights[order]
    share = np.clip(1 / 3 - before, 0, weights[order])
    return float(best[order] @ share / share.sum())


def _rarity(snapshot: Snapshot, words: Sequence[str]) -> dict[str, float]:
    unique = sorted(set(words))
    counts = snapshot.word_frequency(unique)
    return {w: float(np.log((snapshot.size + 1) / (n + 0.5))) for w, n in zip(unique, counts.tolist(), strict=True)}


def _covered(words: Sequence[str], rarity: dict[str, float], passage: Passage) -> float:
    total = sum(max(rarity[word], 0.0) for word in set(words))
    if total <= 0:
        return 0.5
    held = set(question_words(_shown(passage)))
    return sum(max(rarity[word], 0.0) for word in set(words) if word in held) / total


def _figures(question: str, passage: Passage) -> float:
    wanted = set(FIGURE.findall(question))
    if not wanted:
        return 1.0
    held = set(FIGURE.findall(_shown(passage).replace(",", "")))
    return len(wanted & held) / len(wanted)


def _timings(began: float, encoded: float, gathered: float, done: float) -> Timings:
    def milliseconds(start: float, end: float) -> float:
        return round((end - start) * 1000, 2)

    return Timings(
        encode=milliseconds(began, encoded),
        candidates=milliseconds(encoded, gathered),
        rerank=milliseconds(gathered, done),
        total=milliseconds(began, done),
    )
