"""Synthetic passages, any number of them, from a few thousand that were encoded: for measuring size, not quality.

The text is the project's own (`evals/training/articles.jsonl`), cut into passages of 40 to 60 tokens and encoded once.
A synthetic passage starts from one of these and is varied, with a fixed seed:

- words: three in ten are drawn anew by Zipf's law from the words of the text and, in the tail, from a million made-up
  ones, so that the vocabulary goes on growing as that of real collections does;
- vector: ``unit(base + b * (c - d))`` with two more passages c, d of the same language and b between 0.3 and 1, so that
  neighbours lie in clusters of uneven size and spread in the directions in which real passages differ;
- token vectors: those of the base, three in ten replaced by some of other passages.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from re import findall, split

import numpy as np
import numpy.typing as npt

from qa.encode.centring import Statistics, centre_tokens, centre_vector
from qa.encode.encoder import Encoder
from qa.encode.tokens import unit
from qa.ingest.words import words
from qa.store.store import Encoding, NewDocument, NewPassage
from qa.types import Language, Metadata, Piece, Source

SEED = 20261122
LEAST_TOKENS, MOST_TOKENS = 40, 60
DOCUMENTS, PASSAGES = 50, 50
"""Documents written in one transaction, and passages of each."""
BATCH = DOCUMENTS * PASSAGES
PUBLISHERS = 20
RANKS = 1_000_000
REPLACED = 0.3
SPREAD = (0.3, 1.0)
_LANGUAGES: tuple[Language, ...] = ("zh", "en")

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Random = np.random.Generator


@dataclass(frozen=True)
class Base:
    """Encoded passages of one language. ``tokens``: [t, late_dims] of all, passage ``i`` owns ``offsets[i]..[i + 1]``.

    ``articles``: [n] the number of the article that a passage is from.
    """

    language: Language
    texts: tuple[str, ...]
    articles: Ints
    vectors: Floats
    tokens: npt.NDArray[np.float16]
    ids: npt.NDArray[np.int32]
    offsets: Ints

    @cached_property
    def parts(self) -> list[list[str]]:
        """Each text as words and what stands between them."""
        return [_parts(text, self.language) for text in self.texts]

    @cached_property
    def vocabulary(self) -> list[str]:
        """Words, the most frequent first."""
        counts = Counter(part for parts in self.parts for part in parts if part.isalnum())
        return sorted(counts, key=lambda word: (-counts[word], word))

    @cached_property
    def members(self) -> list[Ints]:
        """The passages of each article."""
        return [np.flatnonzero(self.articles == number) for number in np.unique(self.articles)]

    def word(self, rank: int) -> str:
        """The word of a rank: of the text, or made up of its characters."""
        known = self.vocabulary
        if rank < len(known):
            return known[rank]
        digest = sha256(f"{self.language}{rank}".encode()).digest()
        if self.language == "zh":
            return "".join(self._characters[digest[i] << 8 & 0xFFFF | digest[i + 1]] for i in (0, 2))
        return "".join("bdfgklmnprstvz"[byte % 14] + "aeiou"[byte // 14 % 5] for byte in digest[:4])

    @cached_property
    def _characters(self) -> str:
        """65,536 characters, as frequent as in the text."""
        text = "".join(word for word in self.vocabulary if not word.isascii())
        return (text * (1 + 65_536 // max(1, len(text))))[:65_536]


def _parts(text: str, language: Language) -> list[str]:
    if language == "zh":
        import rjieba

        return list(rjieba.cut(text))
    return findall(r"\w+|\W+", text)


def questions(articles: Path, count: int) -> list[str]:
    """Questions of the text, every other one Chinese, in a fixed order."""
    rows = [json.loads(line) for line in articles.read_text("utf-8").splitlines()]
    asked = [question for row in rows for paragraph in row["paragraphs"] for question in paragraph["questions"]]
    order = np.random.default_rng(SEED).permutation(len(asked))[:count].tolist()
    return [asked[i][_LANGUAGES[place % 2]] for place, i in enumerate(order)]


def load(cache: Path, articles: Path, encoder: Encoder, statistics: Statistics) -> list[Base]:
    """The bases of both languages, encoded on first use (a minute or two), read from ``cache`` afterwards."""
    name = sha256(f"{encoder.fingerprint}+{statistics.fingerprint}".encode() + articles.read_bytes()).hexdigest()[:16]
    return [_load(cache / f"base-{name}-{one}.npz", articles, one, encoder, statistics) for one in _LANGUAGES]


def _load(path: Path, articles: Path, language: Language, encoder: Encoder, statistics: Statistics) -> Base:
    texts, numbers = zip(*_passages(articles, language, encoder), strict=True)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **_encoded(texts, language, encoder, statistics))
    with np.load(path) as kept:
        return Base(language, texts, np.array(numbers), **{name: kept[name] for name in kept.files})


def _passages(articles: Path, language: Language, encoder: Encoder) -> Iterator[tuple[str, int]]:
    for number, line in enumerate(articles.read_text("utf-8").splitlines()):
        for paragraph in json.loads(line)["paragraphs"]:
            yield from ((text, number) for text in _short(paragraph[language], language, encoder))


def _short(paragraph: str, language: Language, encoder: Encoder) -> Iterator[str]:
    """Runs of clauses of 40 to 60 tokens; what is left over is dropped."""
    pattern = r"(?<=[，。；！？])" if language == "zh" else r"(?<=[,.;!?]) "
    held = ""
    for clause in split(pattern, paragraph):
        held = f"{held} {clause}".strip() if language == "en" else held + clause
        count = encoder.count_tokens(held)
        if count >= LEAST_TOKENS:
            if count <= MOST_TOKENS:
                yield held
            held = ""


def _encoded(
    texts: Sequence[str], language: Language, encoder: Encoder, statistics: Statistics
) -> dict[str, npt.NDArray[np.generic]]:
    encoded = [one for start in range(0, len(texts), 64) for one in encoder.encode_passages(texts[start : start + 64])]
    tokens = [centre_tokens(statistics, one.tokens, language, "passage").astype(np.float16) for one in encoded]
    return {
        "vectors": np.stack([one.vector for one in encoded]),
        "tokens": np.concatenate(tokens),
        "ids": np.concatenate([one.token_ids for one in encoded]),
        "offsets": np.concatenate([[0], np.cumsum([len(one) for one in tokens])]),
    }


class Synthetic:
    """An endless collection in batches of ``BATCH`` passages; batch ``n`` is always the same."""

    def __init__(self, bases: Sequence[Base], statistics: Statistics) -> None:
        self._bases = bases
        self._statistics = statistics
        self._chances = np.cumsum(1 / (np.arange(RANKS) + 2.7))

    def documents(self, batch: int) -> list[NewDocument]:
        """The documents of a batch: even ones Chinese, odd ones English."""
        return [document for one in (0, 1) for document in self._documents(batch, one)]

    def vectors(self, batch: int, language: int) -> tuple[Floats, Floats]:
        """[BATCH / 2, dims] vectors of the passages of one language, raw and centred, in order."""
        return self._vectors(self._random(batch, language), self._bases[language])[1:]

    def _random(self, batch: int, language: int) -> Random:
        return np.random.default_rng((SEED, batch, language))

    def _vectors(self, random: Random, base: Base) -> tuple[Ints, Floats, Floats]:
        """Which base passages they start from, and both kinds of vectors."""
        count = BATCH // 2
        chances = 1 / (np.arange(len(base.members)) + 3) ** 0.7
        chosen = random.choice(len(base.members), DOCUMENTS // 2, p=chances / chances.sum())
        starts = np.concatenate([random.choice(base.members[article], PASSAGES) for article in chosen])
        one, other = random.integers(len(base.texts), size=(2, count))
        spread = random.uniform(*SPREAD, size=(count, 1)).astype(np.float32)
        raw = unit(base.vectors[starts] + spread * (base.vectors[one] - base.vectors[other]))
        return starts, raw, centre_vector(self._statistics, raw, base.language, "passage")

    def _documents(self, batch: int, language: int) -> Iterator[NewDocument]:
        base, random = self._bases[language], self._random(batch, language)
        starts, raw, centred = self._vectors(random, base)
        for number in range(DOCUMENTS // 2):
            here = slice(number * PASSAGES, (number + 1) * PASSAGES)
            texts = self._texts(random, [base.parts[start] for start in starts[here].tolist()], base)
            tokens = [_tokens(random, base, start) for start in starts[here].tolist()]
            encodings = [
                Encoding(v, c, t, ids) for v, c, (t, ids) in zip(raw[here], centred[here], tokens, strict=True)
            ]
            yield _document(f"s{batch:06d}-{base.language}-{number:02d}", base.language, texts, encodings)

    def _texts(self, random: Random, texts: Sequence[Sequence[str]], base: Base) -> list[list[str]]:
        """The parts of some texts, some of their words drawn anew."""
        parts = [part for text in texts for part in text]
        drawn = np.flatnonzero(random.random(len(parts)) < REPLACED)
        ranks = np.searchsorted(self._chances, random.random(len(drawn)) * self._chances[-1])
        for i, rank in zip(drawn.tolist(), ranks.tolist(), strict=True):
            if parts[i].isalnum():
                parts[i] = base.word(rank)
        ends = np.cumsum([len(text) for text in texts]).tolist()
        return [parts[end - len(text) : end] for text, end in zip(texts, ends, strict=True)]


@lru_cache(100_000)
def _words(part: str) -> list[str]:
    return words(part)


def _tokens(random: Random, base: Base, start: int) -> tuple[Floats, npt.NDArray[np.int32]]:
    places = np.arange(base.offsets[start], base.offsets[start + 1])
    drawn = random.random(len(places)) < REPLACED
    places[drawn] = random.integers(len(base.ids), size=int(drawn.sum()))
    return base.tokens[places].astype(np.float32), base.ids[places]


def _document(identity: str, language: Language, parts: list[list[str]], encodings: list[Encoding]) -> NewDocument:
    texts = ["".join(some) for some in parts]
    source = "\n".join(texts)
    number = int(sha256(identity.encode()).hexdigest()[:8], 16)
    day = f"{2016 + number % 10}-{1 + number // 16 % 12:02d}-{1 + number // 256 % 28:02d}"
    metadata = Metadata(title=identity, publisher=f"publisher {number % PUBLISHERS}", published=day)
    digest = sha256(source.encode()).hexdigest()
    passages, place = [], 0
    for ordinal, (text, some, encoding) in enumerate(zip(texts, parts, encodings, strict=True)):
        key = sha256(f"{identity}\0{ordinal}".encode()).hexdigest()
        piece = Piece(place, place + len(text), text, text, None, None, language)
        line = " ".join(word for part in some for word in _words(part))
        passages.append(NewPassage(piece, key[:20], line, key, encoding))
        place += len(text) + 1
    return NewDocument(
        id=identity,
        source=Source(f"{identity}.txt", "text", source, digest, metadata),
        language=language,
        passages=tuple(passages),
        fingerprints=tuple(int(passage.encode_key[:16], 16) for passage in passages),
    )


def exact(synthetic: Synthetic, batches: int, queries: Floats, language: int, limit: int) -> tuple[Ints, Floats]:
    """The ``limit`` nearest passages of one language by brute force: [queries, limit] places among the passages of that
    language in the order of writing, and their scores, best first. Vectors are rounded to half precision as stores do.
    """
    places, scores = np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32)
    for batch in range(batches):
        centred = synthetic.vectors(batch, language)[1].astype(np.float16).astype(np.float32)
        here = np.broadcast_to(np.arange(len(centred)) + batch * len(centred), (len(queries), len(centred)))
        scores = np.concatenate([scores, queries @ centred.T], axis=1)
        places = np.concatenate([places, here], axis=1)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :limit]
        places, scores = np.take_along_axis(places, best, 1), np.take_along_axis(scores, best, 1)
    return places, scores
