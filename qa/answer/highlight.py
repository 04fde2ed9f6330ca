"""The answering words inside a sentence: the run of words that is most likely to be what is asked for.

Every run of up to ``MAX_WORDS`` words is weighed by linear evidence, the weights fitted to questions with answers by
``python -m qa.evaluate.highlights``. Contextual tokens of an answer lie near the token that asks (谁, when), and what
stands around an answer repeats the question, which the answer itself does not.
"""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from qa.answer.candidates import Candidate
from qa.answer.score import Asked
from qa.answer.wanted import Kind, answering, kinds, spans
from qa.types import Span

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MAX_WORDS: Final = 24
AROUND: Final = 4
"""Words on each side that count as what stands around."""
PRECISE: Final[frozenset[Kind]] = frozenset({"date", "figure"})
"""Kinds whose expressions tell where a thing begins and ends."""
BESIDE: Final = 2
"""Tokens of the question on each side of those that ask."""

_PIECE = re.compile(r"[A-Za-z0-9]+(?:[.,:'’%-]+[A-Za-z0-9]+)*%?|[\u3400-\u9fff]+|[^\s]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_STOP = frozenset("，。；：！？,;:!?、（）()")
_OPENS = frozenset(
    "是 为 叫 由 在 于 有 包括 达 到 以 被 称 : ： “ 《 （ ( is was are were by at in on of to the a".split()
)
_FUNCTION = frozenset(
    "的 了 是 在 和 与 及 或 而 并 也 都 就 被 把 为 由 于 有 从 对 其 该 等 the a an of in on at by to and or is was "
    "are were for with that which as it its from".split()
)


@dataclass(frozen=True, slots=True)
class Weights:
    """What each kind of evidence for a run of words counts.

    ``asking``: mean similarity with the tokens that ask; ``asking_edge``: of its first and last word,
    ``asking_best``: of its best word. ``before``, ``behind``: similarity of the word before (behind) it with the
    question's tokens before (behind) those that ask: 由谁主办 is answered by what stands between 由 and 主办.
    ``matched``: mean similarity with the best token of the question; ``around``: the same of the words on each side;
    ``left``: of the word before. ``repeated``: share of the run that stands in the question. ``size``: log of its
    number of words; ``size_open``: the same where the question names no kind of thing, ``size_list``: where it asks
    for several; ``size_square``: ``size`` squared. ``kind``: how nearly it is a thing of a wanted kind (intersection
    over union); ``kind_within``: greatest share of such a thing that it holds. ``starts``, ``ends``: it begins
    behind, or ends before, a stop. ``stops``: stops inside; ``commas``: enumeration commas inside where several
    things are asked for. ``opened``: a word that introduces answers stands before it. ``hangs``: it begins or ends
    with a function word (0, 1, 2). ``unbalanced``: it holds one half of a pair of brackets or quotes.
    """

    asking: float = 0.0
    asking_edge: float = 0.0
    asking_best: float = 0.0
    before: float = 0.0
    behind: float = 0.0
    matched: float = 0.0
    around: float = 0.0
    left: float = 0.0
    repeated: float = 0.0
    size: float = 0.0
    size_open: float = 0.0
    size_list: float = 0.0
    size_square: float = 0.0
    kind: float = 0.0
    kind_within: float = 0.0
    starts: float = 0.0
    ends: float = 0.0
    stops: float = 0.0
    commas: float = 0.0
    opened: float = 0.0
    hangs: float = 0.0
    unbalanced: float = 0.0


SHIPPED: Final = Weights(
    asking=1.01,
    asking_edge=0.43,
    asking_best=4.77,
    before=6.67,
    behind=8.06,
    matched=-1.55,
    around=5.59,
    left=1.65,
    repeated=-1.46,
    size=0.25,
    size_open=0.28,
    size_list=0.16,
    size_square=-0.004,
    kind=5.17,
    kind_within=1.10,
    starts=-0.39,
    ends=0.88,
    stops=-0.33,
    commas=0.72,
    opened=0.58,
    hangs=-0.32,
    unbalanced=-0.92,
)


def answer_words(asked: Asked, sentence: Candidate, weights: Weights = SHIPPED) -> list[Span]:
    """Where in a sentence's text the words stand that answer: every date or figure where one is asked for, else the run
    that is most likely; all of it where it has no words."""
    things = answering(asked.text, sentence.text, tuple(kind for kind in kinds(asked.text) if kind in PRECISE))
    runs = candidate_runs(sentence.text)
    if things or not runs:
        return things or [(0, len(sentence.text))]
    return [runs[int(np.argmax(evidence(asked, sentence, runs) @ np.array(astuple(weights))))]]


def word_spans(text: str) -> list[Span]:
    """Words and single signs, in order."""
    import rjieba

    found: list[Span] = []
    for piece in _PIECE.finditer(text):
        start = piece.start()
        if not _HAN.match(piece[0]):
            found.append(piece.span())
            continue
        for word in rjieba.cut(piece[0], hmm=False):
            found.append((start, start + len(word)))
            start += len(word)
    return found


def candidate_runs(text: str) -> list[Span]:
    """Runs of words that neither begin nor end with a stop."""
    words = word_spans(text)
    stop = [text[a:b] in _STOP for a, b in words]
    return [
        (words[i][0], words[j][1])
        for i in range(len(words))
        if not stop[i]
        for j in range(i, min(i + MAX_WORDS, len(words)))
        if not stop[j]
    ]


def evidence(asked: Asked, sentence: Candidate, runs: list[Span]) -> Floats:
    """[runs, kinds of evidence] in the order of the fields of ``Weights``."""
    words = word_spans(sentence.text)
    said = [sentence.text[a:b] for a, b in words]
    first = {start: place for place, (start, _) in enumerate(words)}
    last = {end: place + 1 for place, (_, end) in enumerate(words)}
    starts, ends = np.array([first[start] for start, _ in runs]), np.array([last[end] for _, end in runs])
    columns = _likenesses(asked, sentence, words, starts, ends) | _shapes(asked.text, said, starts, ends)
    things = [span for kind in kinds(asked.text) for span in spans(kind, sentence.text)]
    columns["kind"], columns["kind_within"] = _alike(runs, things)
    columns["unbalanced"] = np.array([_unbalanced(sentence.text[a:b]) for a, b in runs], float)
    return np.stack([columns[field.name] for field in fields(Weights)], axis=1)


def _likenesses(asked: Asked, sentence: Candidate, words: list[Span], starts: Ints, ends: Ints) -> dict[str, Floats]:
    """What contextual tokens tell, [runs] each."""
    own, (before, behind) = sentence.similarities, _beside(asked.asking)
    rows = own[asked.asking] if asked.asking.any() else own
    asking, matched = _of_words(sentence, words, rows), _of_words(sentence, words, own)
    return {
        "asking": _means(asking, starts, ends),
        "asking_edge": asking[starts] + asking[ends - 1],
        "asking_best": _greatest(asking, starts, ends),
        "before": np.concatenate([[0.0], _of_words(sentence, words, own[before])])[starts],
        "behind": np.concatenate([_of_words(sentence, words, own[behind]), [0.0]])[ends],
        "matched": _means(matched, starts, ends),
        "around": _around(matched, starts, ends),
        "left": np.concatenate([[0.0], matched])[starts],
    }


def _shapes(question: str, said: list[str], starts: Ints, ends: Ints) -> dict[str, Floats]:
    """What the words themselves tell, [runs] each."""
    wanted = kinds(question)
    size, listed = np.log(ends - starts), float("list" in wanted)
    stop, comma = _flags(said, _STOP), _flags(said, frozenset("、"))
    function = _flags(said, _FUNCTION)
    asked = question.lower()
    return {
        "repeated": _means(np.array([word.lower() in asked for word in said], float), starts, ends),
        "size": size,
        "size_open": size * float(not wanted),
        "size_list": size * listed,
        "size_square": size**2,
        "starts": np.concatenate([[1.0], stop])[starts],
        "ends": np.concatenate([stop, [1.0]])[ends],
        "stops": _sums(stop - comma, starts, ends),
        "commas": _sums(comma, starts, ends) * listed,
        "opened": np.concatenate([[0.0], _flags(said, _OPENS)])[starts],
        "hangs": function[starts] + function[ends - 1],
    }


def _flags(said: list[str], known: frozenset[str]) -> Floats:
    return np.array([word.lower() in known for word in said], float)


def _beside(asking: npt.NDArray[np.bool_]) -> tuple[slice, slice]:
    """The tokens of a question before and behind those that ask; none where nothing asks."""
    places = np.flatnonzero(asking)
    if not len(places):
        return slice(0, 0), slice(0, 0)
    first, last = int(places[0]), int(places[-1])
    return slice(max(first - BESIDE, 0), first), slice(last + 1, last + 1 + BESIDE)


def _of_words(sentence: Candidate, words: list[Span], rows: npt.NDArray[np.float32]) -> Floats:
    """[words] the best similarity with any of the rows, the mean over the tokens of a word; 0 without either."""
    found = np.zeros(len(words))
    if not len(rows):
        return found
    best = rows.max(axis=0, initial=-1.0)
    for place, (start, end) in enumerate(words):
        inside = (sentence.middles >= start) & (sentence.middles <= end)
        if inside.any():
            found[place] = best[inside].mean()
    return found


def _greatest(values: Floats, starts: Ints, ends: Ints) -> Floats:
    return np.array([values[start:end].max() for start, end in zip(starts, ends, strict=True)])


def _sums(values: Floats, starts: Ints, ends: Ints) -> Floats:
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(total[ends] - total[starts])


def _means(values: Floats, starts: Ints, ends: Ints) -> Floats:
    return _sums(values, starts, ends) / (ends - starts)


def _around(values: Floats, starts: Ints, ends: Ints) -> Floats:
    """The mean of the words on each side."""
    left, right = np.maximum(starts - AROUND, 0), np.minimum(ends + AROUND, len(values))
    outside = _sums(values, left, starts) + _sums(values, ends, right)
    return np.asarray(outside / np.maximum(starts - left + right - ends, 1))


def _alike(runs: list[Span], things: list[Span]) -> tuple[Floats, Floats]:
    """[runs] intersection over union with the most alike of the things, and the greatest share of one that a run holds;
    0 without any."""
    if not things:
        return np.zeros(len(runs)), np.zeros(len(runs))
    (a, b), (c, d) = np.array(runs).T[:, :, None], np.array(things).T[:, None, :]
    common = np.maximum(np.minimum(b, d) - np.maximum(a, c), 0)
    return (common / (b - a + d - c - common)).max(axis=1), (common / (d - c)).max(axis=1)


def _unbalanced(text: str) -> bool:
    return any(text.count(one) != text.count(other) for one, other in ("“”", "《》", "（）", "()", "「」"))
