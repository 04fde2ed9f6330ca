"""Whether an answer holds what was asked for: gold strings for one's own questions, gold spans for reading sets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from qa.evaluate.dataset import Question
from qa.ingest.normalise import normalise_query

_NO_CHARACTER = re.compile(r"[\W_]")


def holds(question: Question, text: str) -> bool:
    """Whether a text holds every answer of one of the gold quotes; for a comparison, of one quote of every document.

    Compared without white space, in one script and width.
    """
    said = _plain(text)
    right = [(gold.document, _holds_all(question.answers, gold.quote, said)) for gold in question.gold]
    if "comparison" not in question.kinds:
        return any(held for _, held in right)
    return all(any(held for name, held in right if name == document) for document, _ in right)


def character_f1(found: str, gold: Iterable[str]) -> float:
    """F1 of the characters of ``found``, as a bag, against the nearest of the gold strings; letters and figures only.

    The measure of CMRC 2018 (Cui et al., EMNLP 2019) counts the longest common run instead of the bag; the two differ
    where a span repeats characters.
    """
    said = Counter(_letters(found))
    return max((_f1(said, Counter(_letters(text))) for text in gold), default=0.0)


def share(values: Sequence[bool] | Sequence[float]) -> float:
    """The mean; 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def _holds_all(answers: Sequence[str], quote: str, said: str) -> bool:
    """The answers that stand in a quote, of which there is at least one, all said."""
    here = [answer for answer in answers if answer in quote]
    return bool(here) and all(_plain(answer) in said for answer in here)


def _f1(said: Counter[str], gold: Counter[str]) -> float:
    common = (said & gold).total()
    return 2 * common / (said.total() + gold.total()) if common else 0.0


def _plain(text: str) -> str:
    return "".join(normalise_query(text).split())


def _letters(text: str) -> str:
    return _NO_CHARACTER.sub("", normalise_query(text)).lower()
