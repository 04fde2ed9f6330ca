"""The lane from a question to ranked hits, readable in one screen: see ``Lane.search``.

normalise -> detect language -> encode -> candidates (dense per language, lexical) -> late interaction -> fuse
-> read the best -> fuse again -> group copies -> calibrate
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
import numpy.typing as npt

from qa import tracing
from qa.encode.centring import Statistics, centre_tokens
from qa.encode.encoder import Encoder
from qa.encode.language import detect
from qa.ingest.normalise import normalise_query
from qa.ingest.words import question_words
from qa.retrieve.calibrate import Calibration, Features
from qa.retrieve.features import FIRST, describe
from qa.retrieve.fuse import SHIPPED, Blend, fuse
from qa.retrieve.glossary import Glossary
from qa.retrieve.pool import Gatherer, Pool, Question
from qa.retrieve.reader import pointing, readable, reader_for, tempered
from qa.store.store import Snapshot
from qa.types import Filters, Passage, Timings

Floats = npt.NDArray[np.float32]

READ = 6
"""Candidates that are read, the best by everything else."""


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
    confidence: float
    """That one of the first hits answers; 0 without hits."""
    took_ms: Timings


class Lane:
    """Searches snapshots of one store with one encoder."""

    def __init__(
        self,
        encoder: Encoder,
        statistics: Statistics,
        glossary: Glossary,
        calibration: Calibration,
        blend: Blend = SHIPPED,
    ) -> None:
        self.encoder = encoder
        self.statistics = statistics
        self.glossary = glossary
        self.calibration = calibration
        self.gatherer = Gatherer(statistics, glossary)
        self._reader = reader_for(statistics)
        self._blend = blend

    def search(self, snapshot: Snapshot, query: str, *, top_k: int, filters: Filters | None = None) -> Ranking:
        """The best ``top_k`` passages, copies grouped, deterministic."""
        began = perf_counter()
        with tracing.span("encode"):
            question = self.question(query)
        encoded = perf_counter()
        with tracing.span("candidates"):
            found = self.gatherer.candidates(snapshot, question, filters)
        gathered = perf_counter()
        with tracing.span("rerank"):
            pool = self.read(snapshot, question, self.gatherer.pool(snapshot, question, found))
            hits, confidence = self._rank(question, pool, top_k)
        done = perf_counter()
        return Ranking(question, hits, confidence, _timings(began, encoded, gathered, done))

    def question(self, query: str) -> Question:
        """Normalise, detect the language, encode."""
        text = normalise_query(query)
        encoded = self.encoder.encode_queries([text])[0]
        return Question(text, detect(text), tuple(question_words(text)), encoded)

    def likeness(self, text: str, passage: str) -> float:
        """Late-interaction support that a passage gives a text: the mean over its tokens of their best match."""
        said, known = self.encoder.encode_queries([text])[0], self.encoder.encode_passages([passage])[0]
        if not len(said.tokens) or not len(known.tokens):
            return 0.0
        query = centre_tokens(self.statistics, said.tokens, detect(text), "query")
        found = centre_tokens(self.statistics, known.tokens, detect(passage), "passage")
        return float((query @ found.T).max(axis=1).mean())

    def pool(self, snapshot: Snapshot, question: Question, filters: Filters | None = None) -> Pool:
        """Everything that is known of the candidates when they are ranked."""
        found = self.gatherer.candidates(snapshot, question, filters)
        return self.read(snapshot, question, self.gatherer.pool(snapshot, question, found))

    def read(self, snapshot: Snapshot, question: Question, pool: Pool) -> Pool:
        """``pool`` with what the reader says of its best candidates; as it is where no reader knows this encoder or
        such questions."""
        if self._reader is None or not pool.passages or not pointing(question.text):
            return pool
        scores = fuse(pool.evidence, pool.same_language, self._blend)
        best = _best_of_groups(pool, scores)[:READ]
        chosen = [i for i in best if readable(pool.passages[i].quote)]
        if not chosen:
            return pool
        probed = snapshot.late_scores(self._reader.probes, pool.rows[chosen])
        matrices = [pool.matrices[i] for i in chosen]
        odds, shares = pool.odds.copy(), pool.evidence.read.copy()
        odds[chosen] = self._reader.scores(pool.tokens, pool.weights, matrices, probed)
        shares[chosen] = tempered(odds[chosen])
        # What cannot be read is neither better nor worse than what can.
        shares[best] = np.where(np.isnan(odds[best]), shares[chosen].mean(), shares[best])
        return replace(pool, odds=odds, evidence=replace(pool.evidence, read=shares))

    def _rank(self, question: Question, pool: Pool, top_k: int) -> tuple[tuple[Ranked, ...], float]:
        if not pool.passages:
            return (), 0.0
        scores = fuse(pool.evidence, pool.same_language, self._blend)
        order = _best_of_groups(pool, scores)[: max(top_k, FIRST)]
        features = describe(question, pool, scores, order)
        confidence = self.calibration.confidence(features[0])
        # The order is the lane's: no hit may claim more than one before it, nor the first more than all together.
        chances = np.minimum(np.minimum.accumulate(self.calibration.scores(features)), confidence)
        hits = tuple(
            Ranked(pool.passages[i], float(scores[i]), float(chance), feature, pool.matrices[i])
            for i, chance, feature in zip(order[:top_k], chances, features, strict=False)
        )
        return hits, confidence


def _best_of_groups(pool: Pool, scores: Floats) -> list[int]:
    """Candidates by score, ties by row; of each group of copies only the first."""
    seen: set[str] = set()
    chosen = []
    for i in np.lexsort((pool.rows, -scores)).tolist():
        if pool.passages[i].group not in seen:
            seen.add(pool.passages[i].group)
            chosen.append(i)
    return chosen


def _timings(began: float, encoded: float, gathered: float, done: float) -> Timings:
    def milliseconds(start: float, end: float) -> float:
        return round((end - start) * 1000, 2)

    return Timings(
        encode=milliseconds(began, encoded),
        candidates=milliseconds(encoded, gathered),
        rerank=milliseconds(gathered, done),
        total=milliseconds(began, done),
    )
