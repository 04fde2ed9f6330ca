"""What an encoder gives: one vector and the token vectors of a text, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Encoded:
    """One encoded text.

    ``vector``: [dims] float32, L2 norm 1. ``tokens``: [n, dims or 2 * dims] float32, the last hidden states, joined by
    those of a middle layer where the encoder gives them, L2 norm 1 each, with the prompt's and the special tokens
    dropped. ``token_ids``: [n] int32, the vocabulary id of each row.
    """

    vector: Floats
    tokens: Floats
    token_ids: Ints


class Encoder(Protocol):
    """Turns texts into vectors. Implementations: the packaged encoder, any sentence-transformers model."""

    @property
    def name(self) -> str:
        """What a user calls it: `packaged`, or the model's name or path."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever vectors of this encoder stop being comparable with those made before."""

    @property
    def dims(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """Longest input in tokens, prompt and special tokens included; what is longer is cut."""

    def count_tokens(self, text: str) -> int:
        """Tokens of ``text`` without prompt and special tokens."""

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        """Character span in ``text`` of each token, in the order of ``Encoded.tokens`` of an uncut text."""

    def encode_queries(self, texts: Sequence[str]) -> list[Encoded]:
        """Encode questions, in order. Raises EncoderError."""

    def encode_passages(self, texts: Sequence[str]) -> list[Encoded]:
        """Encode passages, in order. Raises EncoderError."""
