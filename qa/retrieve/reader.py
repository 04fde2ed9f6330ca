"""Reading: whether a passage answers a question, from the token vectors of both side by side.

Late interaction asks how much of the question a passage matches. A near miss (the right place, the wrong year) matches
nearly all of it, so the reader also looks at *what* is not matched and at whether something of the kind that is asked
for stands next to what is. It points at the answer: token j of the passage gets a logit t_j, nothing the logit 0, and

    score(q, d) = log sum_j exp(t_j)

is the log-odds of "the answer stands here" against "nothing answers". With similarities S_ij = q_i . d_j (centred,
projected token vectors, as in ``late.py``) the logits come from, for each token of the passage,

- coverage: sum_i s_ih max_{j' near j} S_ij', linear and squared, within each of ``WINDOWS`` and anywhere, where the
  salience s_h of the question's tokens is learned in ``HEADS`` ways on top of their rarity;
- what is covered and what is not: sum_i s_i0 v_i max_j' S_ij', with ``VALUES`` projections v_i of q_i, likewise;
- what the token is (``KINDS`` projections of its vector), whether it is what the question asks for (``TYPES`` bilinear
  forms of it and of the question's focus, a learned mean of its tokens), and how it differs from what it matches
  (its projection times that of a mean of the question's tokens with weights exp(``ALIGNED`` S_ij));

followed by convolutions over neighbouring tokens (a decomposable attention, Parikh et al., EMNLP 2016, with the
convolutions of QANet, Yu et al., ICLR 2018, in place of recurrence), which the coverage anywhere in the passage shifts.
The weights are made by ``evals/training/reader.py`` for the packaged encoder and its statistics, and are of no use with
others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from qa.encode.centring import Statistics

Floats = npt.NDArray[np.float32]

SHIPPED: Final = Path(__file__).parent / "data" / "reader.npz"
HEADS: Final = 4
VALUES: Final = 24
"""Numbers that say what of the question is covered, where the heads say how much."""
KINDS: Final = 48
TYPES: Final = 8
WIDTH: Final = 32
"""Dimensions in which what is asked for and what is given are compared."""
ALIGNED: Final = 8.0
"""How sharply a passage token chooses the question tokens that it is compared with."""
WHOLE: Final = 32
"""Numbers that a passage as a whole adds to what its tokens say."""
HIDDEN: Final = 96
WINDOWS: Final = (1, 9, 33)
"""Passage tokens that count as near, the token itself in the middle."""
SPREADS: Final = (1, 2, 4)
"""Distance between the five tokens that each convolution sees."""
TEMPERATURE: Final = 4.0
"""The network is too sure of itself for its probabilities to be fused as they are: of 1, 2 and 4 this ranked best where
``fuse.SHIPPED`` was chosen."""
_GAP: Final = max(2 * max(SPREADS), max(WINDOWS) // 2)
"""Places between two passages: further than any token sees."""
_TILE: Final = 24
"""Passage tokens multiplied at a time: products so small (24 * 96 * 96 multiplications) OpenBLAS does in the calling
thread. Larger ones it shares between threads, and searches side by side then wait for each other's."""
_SALIENCE: Final = 3.0
_EPSILON: Final = 1e-5
_WHOLE_TEXT: Final = re.compile(
    r"[”』」》\"'](?:主要|都|到底|究竟)?(?:讲|说|写|谈)(?:了|的是|的)?(?:些|点)?(?:什么|啥)"
    r"|^what (?:does|do|did|is|was|are) [“‘\"'].{1,300}[”’\"'](?: mainly)? (?:say|about|tell)\b",
    re.IGNORECASE,
)


class Reader:
    """Reads passages for one encoder's token vectors. Safe to share between threads."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        """``weights``: as ``evals/training/reader.py`` writes them. Raises KeyError where one is missing."""
        self._w = {name: np.asarray(array, np.float32) for name, array in weights.items()}
        self.probes: Floats = np.concatenate([self._w["kinds.weight"], self._w["given.weight"]])
        """[probes, dims] vectors whose inner products with a passage's token vectors ``scores`` asks for."""
        self._taps = {
            name: np.ascontiguousarray(array.transpose(2, 1, 0)) for name, array in self._w.items() if array.ndim == 3
        }

    def scores(
        self, question: Floats, weights: Floats, similarities: Sequence[Floats], probed: Sequence[Floats]
    ) -> Floats:
        """[passages] log-odds that each passage holds the answer.

        ``question``: [n, dims] token vectors, ``weights``: [n] by rarity (``late.token_weights``). For each passage its
        ``similarities`` with the question, [n, tokens], and ``probed`` with ``probes``, [probes, tokens]. A question or
        a passage without tokens is answered by nothing: -inf.
        """
        read = np.full(len(similarities), -np.inf, np.float32)
        held = [i for i, matrix in enumerate(similarities) if matrix.size]
        if held:
            strip = _Strip([similarities[i].shape[1] for i in held])
            matrices, found = [similarities[i] for i in held], [probed[i] for i in held]
            logits = self._logits(strip, question, self._saliences(question, weights), matrices, found)
            read[held] = [_log_sum(logits[place]) for place in strip.places]
        return read

    def _saliences(self, question: Floats, weights: Floats) -> Floats:
        """[n, heads], each head's sum 1."""
        return _softmax(np.log(weights + 1e-9)[:, None] + _SALIENCE * self._linear("salience", question))

    def _wanted(self, question: Floats) -> Floats:
        """[types, width] what the question asks for."""
        focus = _softmax(self._linear("attention", question))
        forms = self._w["asked.weight"].reshape(TYPES, WIDTH, -1) @ (focus * question).sum(axis=0)
        return np.asarray(forms, np.float32)

    def _logits(
        self, strip: _Strip, question: Floats, salience: Floats, matrices: Sequence[Floats], probed: Sequence[Floats]
    ) -> Floats:
        """[strip] logits of every token of the passages that ``strip`` lays out."""
        carried = np.concatenate([salience, question @ self._w["values.weight"].T * salience[:, :1]], axis=1)
        laid = strip.laid(matrices, -1.0)
        near = [_covered(salience, carried, _tiled(best)) for best in _near(laid)]
        whole = self._whole(question, salience, carried, matrices)
        found = _tiled(strip.laid(probed, 0.0))
        kinds, given = found[:, :KINDS], found[:, KINDS:]
        matched = (question @ self._w["matched.weight"].T).T @ _tiled(_softmax(np.float32(ALIGNED) * laid))
        parts = [*near, kinds, self._wanted(question) @ given, matched * given]
        inputs = np.concatenate(parts, axis=1).transpose(0, 2, 1).reshape(len(strip.inside), -1)
        first = self._convolved("first", inputs * strip.inside, 1) + self._linear("whole_3", whole)[strip.passage]
        states = _gelu(self._normed("norms.0", first))
        for i, spread in enumerate(SPREADS):
            seen = self._convolved(f"convolutions.{i}", states * strip.inside, spread)
            states = states + _gelu(self._normed(f"norms.{i + 1}", seen))
        pointed = _product(states, self._w["pointer.weight"].T) + self._w["pointer.bias"]
        return np.asarray(pointed[:, 0] + self._linear("whole_2", whole)[strip.passage, 0])

    def _whole(self, question: Floats, salience: Floats, carried: Floats, matrices: Sequence[Floats]) -> Floats:
        """[passages, whole] what can be said of each passage as a whole: coverage of the question anywhere in it, what
        the question holds, and its length."""
        anywhere = np.stack([matrix.max(axis=1) for matrix in matrices], axis=1)
        held = np.append(carried[:, HEADS:].sum(axis=0), np.log1p(len(question)) / 3).astype(np.float32)
        said = np.concatenate([_covered(salience, carried, anywhere).T, np.tile(held, (len(matrices), 1))], axis=1)
        return _gelu(self._linear("whole_1", said))

    def _linear(self, name: str, values: Floats) -> Floats:
        return np.asarray(values @ self._w[f"{name}.weight"].T + self._w[f"{name}.bias"], np.float32)

    def _normed(self, name: str, values: Floats) -> Floats:
        """Layer normalisation over the last axis."""
        normed: Floats = values - values.mean(axis=-1, keepdims=True)
        normed /= np.sqrt(np.square(normed).mean(axis=-1, keepdims=True) + _EPSILON)
        normed *= self._w[f"{name}.weight"]
        normed += self._w[f"{name}.bias"]
        return normed

    def _convolved(self, name: str, values: Floats, spread: int) -> Floats:
        """A convolution over tokens, [tokens, inputs] -> [tokens, outputs], with zeros beyond both ends."""
        taps = self._taps[f"{name}.weight"]
        side = len(taps) // 2 * spread
        padded = np.pad(values, ((side, side), (0, 0)))
        total = _product(padded[: len(values)], taps[0])
        for k, tap in enumerate(taps[1:], 1):
            total += _product(padded[k * spread : k * spread + len(values)], tap)
        return np.asarray(total + self._w[f"{name}.bias"], np.float32)


class _Strip:
    """Passages one after the other with room around each, so that all are computed at once and none sees another."""

    def __init__(self, lengths: Sequence[int]) -> None:
        """``lengths``: tokens of each passage, none 0."""
        starts = np.cumsum([_GAP, *(length + _GAP for length in lengths)])
        self.places = [slice(start, start + length) for start, length in zip(starts.tolist(), lengths, strict=False)]
        # The strip ends with a whole tile.
        end = -(-int(starts[-1]) // _TILE) * _TILE
        self.passage = np.repeat(np.arange(len(lengths)), np.diff([0, *starts[1:-1], end]))
        """[strip] which passage each place belongs to, or the room before or after it."""
        self.inside: Floats = np.zeros((end, 1), np.float32)
        """[strip, 1] 1 where there is a token."""
        for place in self.places:
            self.inside[place] = 1

    def laid(self, parts: Sequence[Floats], empty: float) -> Floats:
        """[rows, tokens] of each passage -> [rows, strip]."""
        laid = np.full((len(parts[0]), len(self.inside)), empty, np.float32)
        for place, part in zip(self.places, parts, strict=True):
            laid[:, place] = part
        return laid


@cache
def shipped() -> tuple[str, Reader]:
    """The reader that ships, and the fingerprint of the statistics whose token vectors it was trained on."""
    with np.load(SHIPPED, allow_pickle=False) as file:
        weights = {name: file[name] for name in file.files if name != "statistics"}
        return str(file["statistics"]), Reader(weights)


def reader_for(statistics: Statistics) -> Reader | None:
    """The reader of these statistics' token vectors; None where there is none, as for any encoder but the packaged."""
    fingerprint, reader = shipped()
    return reader if fingerprint == statistics.fingerprint else None


def readable(quote: str) -> bool:
    """Whether a passage's source is running text: no two lines in a row have bars or tabs in them, as in a table, of
    which the reader knows nothing."""
    barred = ["|" in line or "\t" in line for line in quote.split("\n")]
    return not any(one and next_ for one, next_ in pairwise(barred))


def pointing(question: str) -> bool:
    """Whether a question asks for something that can be pointed at, not for what a text says as a whole: of such
    questions too the reader knows nothing."""
    return not _WHOLE_TEXT.search(question)


def tempered(odds: Floats) -> Floats:
    """Log-odds, divided by ``TEMPERATURE``, as shares 0..1 that can be weighed against cosines."""
    return np.asarray(1 / (1 + np.exp(-np.clip(odds / TEMPERATURE, -30, 30))), np.float32)


def _covered(salience: Floats, carried: Floats, best: Floats) -> Floats:
    """Coverage, [..., 2 * heads + values, places], of a question whose tokens have their ``best`` match, [..., n,
    places], by ``carried`` weights, [n, heads + values], and squared by ``salience``, [n, heads]."""
    return np.concatenate([carried.T @ best, salience.T @ np.square(np.maximum(best, 0))], axis=-2)


def _tiled(matrix: Floats) -> Floats:
    """[rows, strip] -> [tiles, rows, ``_TILE``]."""
    return matrix.reshape(len(matrix), -1, _TILE).transpose(1, 0, 2)


def _product(values: Floats, matrix: Floats) -> Floats:
    """[strip, inputs] @ [inputs, outputs], a tile at a time."""
    tiles = values.reshape(-1, _TILE, values.shape[1]) @ matrix
    return np.asarray(tiles.reshape(len(values), -1))


def _near(matrix: Floats) -> list[Floats]:
    """For each of ``WINDOWS`` [n, strip] the best similarity within so many tokens around each."""
    best, reach, found = matrix, 1, []
    for window in WINDOWS:
        while reach < window:
            step = min(reach, window - reach)
            best, reach = np.maximum(best, _ahead(best, step)), reach + step
        found.append(_ahead(best, -(window // 2)))
    return found


def _ahead(matrix: Floats, step: int) -> Floats:
    """Columns ``step`` further on (back, if negative), -1 where there are none."""
    moved = np.full_like(matrix, -1.0)
    if step >= 0:
        moved[:, : matrix.shape[1] - step] = matrix[:, step:]
    else:
        moved[:, -step:] = matrix[:, :step]
    return moved


def _softmax(values: Floats) -> Floats:
    """Over the first axis."""
    exponentials = np.exp(values - values.max(axis=0))
    return np.asarray(exponentials / exponentials.sum(axis=0), np.float32)


def _gelu(values: Floats) -> Floats:
    """GELU (Hendrycks and Gimpel, arXiv:1606.08415), its approximation x / 2 * (1 + tanh(y)) = x / (1 + exp(-2 y))."""
    inner = np.square(values)
    inner *= np.float32(-2 * 0.044715 * np.sqrt(2 / np.pi))
    inner -= np.float32(2 * np.sqrt(2 / np.pi))
    inner *= values
    np.exp(np.minimum(inner, 80, out=inner), out=inner)
    inner += 1
    return np.asarray(np.divide(values, inner, out=inner))


def _log_sum(logits: Floats) -> float:
    best = float(logits.max())
    return best + float(np.log(np.exp(logits - best).sum()))
