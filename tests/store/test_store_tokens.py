"""The token codec: its layout by hand, its error bound by property."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_samples import seeded, unit

from qa.errors import EncoderError
from qa.store.tokens import BLOCK, TokenCodec


def ranges(low: list[float], high: list[float], bits: Literal[4, 8] = 4) -> TokenCodec:
    return TokenCodec(np.array(low, np.float32), np.array(high, np.float32), bits)


def test_layout_of_four_bits_by_hand() -> None:
    # Steps of 1 and 2: codes 3, 15, 0 and (9-1)/2 = 4; bytes hold (0, 2) and (1, 3), the second in the high nibble.
    codec = ranges([0, 0, 0, 1], [15, 15, 15, 31])
    codes = codec.encode(np.array([[3.2, 99, -5, 9]], np.float32))
    assert codes.tolist() == [[3 + 16 * 0, 15 + 16 * 4]]
    assert codec.decode(codes).tolist() == [[3, 15, 0, 9]]
    assert codec.scores(np.array([[1, 10, 100, 1000]], np.float32), codes).tolist() == [[3 + 150 + 0 + 9000]]


def test_eight_bits_take_a_byte_a_dimension() -> None:
    codec = ranges([0, 0, 0], [255, 255, 510], bits=8)
    codes = codec.encode(np.array([[7, 300, 21]], np.float32))
    assert codes.tolist() == [[7, 255, 10]]  # 21 / 2 = 10.5 rounds to even
    assert codec.decode(codes).tolist() == [[7, 255, 20]]
    assert codec.scores(np.ones((1, 3), np.float32), codes).tolist() == [[282]]


@given(
    st.integers(1, 20),
    st.integers(0, 40),
    st.integers(0, 2**32 - 1),
    st.sampled_from([4, 8]),
    st.floats(0.0625, 10, width=32),
)
def test_error_is_at_most_half_a_step(half: int, count: int, seed: int, bits: Literal[4, 8], spread: float) -> None:
    rng = np.random.default_rng(seed)
    low = rng.normal(size=2 * half).astype(np.float32)
    codec = TokenCodec(low, low + np.float32(spread) * rng.random(2 * half).astype(np.float32), bits)
    tokens = rng.uniform(codec.low, codec.high, (count, 2 * half)).astype(np.float32)
    codes = codec.encode(tokens)
    assert codes.shape == (count, codec.width)
    assert (np.abs(codec.decode(codes) - tokens) <= codec.step / 2 + 1e-5 * (1 + np.abs(low))).all()


@given(st.integers(0, 2**32 - 1), st.sampled_from([4, 8]), st.integers(0, 5), st.sampled_from([0, 1, BLOCK, BLOCK + 1]))
def test_scores_are_products_with_what_is_decoded(seed: int, bits: Literal[4, 8], asked: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    codec = TokenCodec(np.full(6, -0.5, np.float32), np.full(6, 0.75, np.float32), bits)
    codes = rng.integers(0, 256, (count, codec.width), dtype=np.uint8)
    queries = rng.normal(size=(asked, 6)).astype(np.float32)
    np.testing.assert_allclose(codec.scores(queries, codes), queries @ codec.decode(codes).T, rtol=1e-4, atol=1e-4)


def test_scores_are_close_to_those_of_the_vectors() -> None:
    rng = seeded("close")
    codec = TokenCodec(np.full(192, -0.25, np.float32), np.full(192, 0.25, np.float32))
    queries, tokens = unit(rng, 20, 192), unit(rng, 500, 192)
    error = np.abs(codec.scores(queries, codec.encode(tokens)) - queries @ tokens.T)
    assert error.max() < 0.04  # uniform errors of 1/60 at most, spread over 192 dimensions


def test_a_dimension_without_range_reads_back_as_its_only_value() -> None:
    codec = ranges([0.5, 0], [0.5, 15])
    assert codec.decode(codec.encode(np.array([[9, 4]], np.float32))).tolist() == [[0.5, 4]]


def test_digest_changes_with_range_and_bits() -> None:
    digests = {ranges([0, 0], [1, 1]).digest, ranges([0, 0], [1, 2]).digest, ranges([0, 0], [1, 1], 8).digest}
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("low", "high", "bits"),
    [([0], [1], 4), ([0, 0], [1], 4), ([], [], 4), ([1, 0], [0, 1], 4), ([0, 0], [1, np.nan], 4), ([0, 0], [1, 1], 5)],
)
def test_ranges_that_are_none_are_refused(low: list[float], high: list[float], bits: Literal[4, 8]) -> None:
    with pytest.raises(EncoderError):
        ranges(low, high, bits)


@pytest.mark.parametrize("tokens", [np.zeros((2, 3)), np.zeros(2), np.array([[np.nan, 0]]), np.array([[np.inf, 0]])])
def test_tokens_that_do_not_fit_are_refused(tokens: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    with pytest.raises(EncoderError):
        ranges([0, 0], [1, 1]).encode(tokens.astype(np.float32))
