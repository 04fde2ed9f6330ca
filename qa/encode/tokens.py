"""Text to token ids: prompt in front, special tokens around, cut to the model's length, each token's place known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from qa.encode.encoder import Encoded, Floats, Ints
from qa.types import Span

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

_SURROGATES: Final = re.compile("[\ud800-\udfff]")
"""Half characters, which no encoding of text can carry; the tokenizer refuses them."""
CHARS_PER_TOKEN: Final = 64
"""More characters than a token ever stands for: what lies behind this many for each token of the limit is cut."""


@dataclass(frozen=True, slots=True)
class Tokenised:
    """One input of a model. ``ids``: [n] int64; ``kept``: [n] bool, false for the prompt's and special tokens."""

    ids: npt.NDArray[np.int64]
    kept: npt.NDArray[np.bool_]

    def encoded(self, vector: Floats, states: Floats) -> Encoded:
        """``vector`` [dims] and hidden ``states`` [n, layers * dims] as the contract wants them.

        The states of each layer are brought to norm 1 before they are joined, so that all have the same say.
        """
        ids: Ints = self.ids[self.kept].astype(np.int32)
        kept = states[self.kept]
        layers = _layers(kept.shape[1], len(vector))
        joined = unit(kept.reshape(len(kept), layers, kept.shape[1] // layers)).reshape(kept.shape)
        return Encoded(unit(vector), unit(joined), ids)


class Tokens:
    """A tokenizer with the two prompts of a model. Safe to share between threads and after a fork."""

    def __init__(self, tokenizer: Tokenizer, query_prompt: str, passage_prompt: str, max_tokens: int) -> None:
        """Texts are encoded one by one, so the library starts no threads of its own."""
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self.query_prompt = query_prompt
        self.passage_prompt = passage_prompt
        self.max_tokens = max_tokens

    @property
    def serialised(self) -> str:
        """The tokenizer as JSON."""
        return str(self._tokenizer.to_str())

    def query(self, text: str) -> Tokenised:
        """A question as the model's input."""
        return self._cut(self.query_prompt, text)

    def passage(self, text: str) -> Tokenised:
        """A passage as the model's input."""
        return self._cut(self.passage_prompt, text)

    def offsets(self, text: str) -> list[Span]:
        """Character span in ``text`` of each token that is kept; a blank in front of a word is not part of it."""
        encoding, kept = self._encode(self.passage_prompt, text)
        start = len(self.passage_prompt)
        spans = (span for span, wanted in zip(encoding.offsets, kept, strict=True) if wanted)
        return [_tight(text, max(first - start, 0), last - start) for first, last in spans]

    def count(self, text: str) -> int:
        """Tokens that are kept of an uncut ``text``."""
        return int(self._encode(self.passage_prompt, text)[1].sum())

    def _cut(self, prompt: str, text: str) -> Tokenised:
        encoding, kept = self._encode(prompt, text[: self.max_tokens * CHARS_PER_TOKEN])
        ids = np.array(encoding.ids, np.int64)
        over = len(ids) - self.max_tokens
        if over > 0:
            end = len(ids) - _closing(encoding.special_tokens_mask)
            dropped = np.s_[end - over : end]
            ids, kept = np.delete(ids, dropped), np.delete(kept, dropped)
        return Tokenised(ids, kept)

    def _encode(self, prompt: str, text: str) -> tuple[Encoding, npt.NDArray[np.bool_]]:
        encoding = self._tokenizer.encode(prompt + _SURROGATES.sub("\ufffd", text))
        ends = np.array(encoding.offsets, np.int64).reshape(-1, 2)[:, 1]
        special = np.array(encoding.special_tokens_mask, np.bool_)
        return encoding, ~special & (ends > len(prompt))


def unit(vectors: Floats) -> Floats:
    """Rows divided by their L2 norm; a row of zeros stays."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    result: Floats = (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)
    return result


def _layers(width: int, dims: int) -> int:
    """How many layers' states stand side by side; one where a model's head changes the length of its vectors."""
    return 1 if width % dims else width // dims


def _tight(text: str, start: int, end: int) -> Span:
    while start < end - 1 and text[start].isspace():
        start += 1
    return start, end


def _closing(special: list[int]) -> int:
    """How many special tokens stand at the end."""
    return next((count for count, flag in enumerate(reversed(special)) if not flag), 0)
