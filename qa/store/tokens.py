"""Token vectors in four bits a dimension: a uniform quantiser whose range is fixed per dimension.

Value ``j`` of a token vector is kept as the code ``round((x - low[j]) / step[j])``, cut to ``0 .. 2**bits - 1``, with
``step = (high - low) / (2**bits - 1)``; it reads back as ``low[j] + code * step[j]``, at most ``step[j] / 2`` away
from every ``x`` inside the range. Inner products are taken on the codes themselves, since

    sum_j q_j * (low_j + code_j * step_j)  =  q . low  +  sum_j (q_j * step_j) * code_j

so that a search never expands the vectors. With four bits, byte ``j`` of a token holds dimension ``j`` in its low
nibble and dimension ``j + d/2`` in its high nibble: both halves unpack to contiguous columns of one matrix product.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Literal

import numpy as np
import numpy.typing as npt

from qa.errors import EncoderError

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint8]

BLOCK = 1024
"""Tokens expanded at a time: their floats stay in the second-level cache (192 dimensions: 0.8 MB)."""
_SMALL = 1 << 18
"""Products of at most so many multiplications OpenBLAS does in the calling thread. Larger ones it shares between
threads that wait for each other: with a busy neighbour that took 10 to 400 ms here instead of 3."""
_QUERIES = 40
"""Question tokens multiplied at a time, so that the tiles stay wide enough."""


class TokenCodec:
    """Packs and compares token vectors. ``low``, ``high``: [d] float32, the range of each dimension."""

    def __init__(self, low: Floats, high: Floats, bits: Literal[4, 8] = 4) -> None:
        """Raises EncoderError for ranges that are no ranges, or an odd ``d`` with four bits."""
        self.low = np.array(low, dtype=np.float32)
        self.high = np.array(high, dtype=np.float32)
        self.bits = bits
        self._validate()
        self.dims = len(self.low)
        self.levels = 2**bits - 1
        self.step = ((self.high - self.low) / self.levels).astype(np.float32)
        self._per_step = np.divide(1, self.step, out=np.zeros_like(self.step), where=self.step > 0)

    def _validate(self) -> None:
        hint = "Build the encoder's token projection anew."
        if self.bits not in (4, 8):
            raise EncoderError(f"Token codes have 4 or 8 bits, not {self.bits}.", hint)
        if self.low.ndim != 1 or self.low.shape != self.high.shape or len(self.low) == 0:
            raise EncoderError(f"Token ranges of shapes {self.low.shape} and {self.high.shape} do not fit.", hint)
        if not (np.isfinite(self.low).all() and np.isfinite(self.high).all() and (self.low <= self.high).all()):
            raise EncoderError("A token range is empty or not finite.", hint)
        if self.bits == 4 and len(self.low) % 2:
            raise EncoderError(f"Token vectors of odd length {len(self.low)} do not fit four bits.", hint)

    @property
    def width(self) -> int:
        """Bytes a token."""
        return self.dims * self.bits // 8

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of everything that gives codes their meaning."""
        return sha256(bytes([self.bits]) + self.low.tobytes() + self.high.tobytes()).hexdigest()

    def encode(self, tokens: Floats) -> Codes:
        """[n, d] float32 -> [n, width] codes. Raises EncoderError for another ``d`` or values that are not finite."""
        if tokens.ndim != 2 or tokens.shape[1] != self.dims:
            raise EncoderError(f"Token vectors of shape {tokens.shape}, expected [n, {self.dims}].")
        scaled = (tokens - self.low) * self._per_step
        if not np.isfinite(scaled).all():
            raise EncoderError("The encoder gave token vectors that are not finite.")
        codes: Codes = np.clip(np.rint(scaled, out=scaled), 0, self.levels, out=scaled).astype(np.uint8)
        return codes if self.bits == 8 else self._fold(codes)

    def _fold(self, codes: Codes) -> Codes:
        half = self.dims // 2
        return np.ascontiguousarray(codes[:, :half] | (codes[:, half:] << np.uint8(4)))

    def decode(self, codes: Codes) -> Floats:
        """[n, width] codes -> [n, d] float32, what :meth:`scores` compares with."""
        expanded = np.empty((len(codes), self.dims), dtype=np.float32)
        self._expand(codes, expanded)
        expanded *= self.step
        expanded += self.low
        return expanded

    def scores(self, queries: Floats, codes: Codes) -> Floats:
        """[q, d] float32, [n, width] codes -> [q, n] inner products with the decoded vectors."""
        some = [self._scores(queries[start : start + _QUERIES], codes) for start in range(0, len(queries), _QUERIES)]
        return np.concatenate(some) if some else np.empty((0, len(codes)), dtype=np.float32)

    def _scores(self, queries: Floats, codes: Codes) -> Floats:
        tile = self._tile(len(queries))
        tiles = np.zeros((BLOCK // tile, tile, self.dims), dtype=np.float32)
        expanded = tiles.reshape(BLOCK, self.dims)
        out = np.empty((-(-len(codes) // tile), len(queries), tile), dtype=np.float32)
        for start in range(0, len(codes), BLOCK):
            block = codes[start : start + BLOCK]
            self._expand(block, expanded[: len(block)])
            into = out[start // tile : (start + BLOCK) // tile]
            np.matmul(queries * self.step, tiles[: len(into)].transpose(0, 2, 1), out=into)
        scores = out.transpose(1, 0, 2).reshape(len(queries), len(out) * tile)[:, : len(codes)]
        scores += np.einsum("qd,d->q", queries, self.low)[:, None]
        return scores

    def _tile(self, queries: int) -> int:
        """Tokens multiplied at a time: a power of two that divides ``BLOCK``."""
        most = max(1, _SMALL // max(1, queries * self.dims))
        return min(BLOCK, 1 << (most.bit_length() - 1))

    def _expand(self, codes: Codes, out: Floats) -> None:
        if self.bits == 8:
            out[:] = codes
            return
        half = self.dims // 2
        out[:, :half] = codes & np.uint8(15)
        out[:, half:] = codes >> np.uint8(4)
