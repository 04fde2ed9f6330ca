"""The fast path: an exported encoder on ONNX Runtime, without torch.

Every text is a run of its own, without padding: a text's vectors do not depend on what is encoded with it. Texts run
side by side, one thread each; a single text is spread over the threads, unless another one is being spread already.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from qa.encode.encoder import Encoded
from qa.encode.tokens import Tokenised, Tokens
from qa.errors import EncoderError
from qa.types import Span

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

CARD: Final = "encoder.json"
MODEL: Final = "model.onnx"
WEIGHTS: Final = "weights.bin"
TOKENIZER: Final = "tokenizer.json"
MOST_THREADS_A_TEXT: Final = 4
"""A question is too short to gain from more."""
SLOW_FUSIONS: Final = ["SkipLayerNormFusion"]
"""The fused operator takes 0.5 ms for 230 tokens where the two that it replaces take 0.1."""


@dataclass(frozen=True, slots=True)
class Card:
    """What an exported encoder says of itself."""

    name: str
    fingerprint: str
    dims: int
    max_tokens: int
    query_prompt: str
    passage_prompt: str

    def write(self, directory: Path) -> None:
        """Write ``encoder.json``."""
        (directory / CARD).write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> Card:
        """Read ``encoder.json``. Raises EncoderError."""
        try:
            return cls(**json.loads((directory / CARD).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise _damaged(directory, error) from error


class FastEncoder:
    """An exported encoder. Safe to share between threads."""

    def __init__(self, directory: Path, threads: int = 0) -> None:
        """Load the export in ``directory``; 0 threads means one per core. Raises EncoderError."""
        self._card = Card.read(directory)
        self._tokens = tokens(directory, self._card)
        self._threads = threads or cores()
        self._bulk = session(directory / MODEL, 1)
        alone = min(self._threads, MOST_THREADS_A_TEXT)
        self._spread = session(directory / MODEL, alone) if alone > 1 else self._bulk
        self._spreading = Lock()

    @property
    def name(self) -> str:
        return self._card.name

    @property
    def fingerprint(self) -> str:
        return self._card.fingerprint

    @property
    def dims(self) -> int:
        return self._card.dims

    @property
    def max_tokens(self) -> int:
        return self._card.max_tokens

    def count_tokens(self, text: str) -> int:
        return self._tokens.count(text)

    def token_offsets(self, text: str) -> list[Span]:
        return self._tokens.offsets(text)

    def encode_queries(self, texts: Sequence[str]) -> list[Encoded]:
        return self._encode(self._tokens.query, texts)

    def encode_passages(self, texts: Sequence[str]) -> list[Encoded]:
        return self._encode(self._tokens.passage, texts)

    def _encode(self, tokenise: Callable[[str], Tokenised], texts: Sequence[str]) -> list[Encoded]:
        if len(texts) == 1:
            return [self._alone(tokenise(texts[0]))]
        work = partial(_work, self._bulk, tokenise)
        longest_first = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        with ThreadPoolExecutor(min(self._threads, len(texts) or 1)) as pool:
            done = pool.map(work, (texts[i] for i in longest_first))
            encoded = dict(zip(longest_first, done, strict=True))
        return [encoded[i] for i in range(len(texts))]

    def _alone(self, tokenised: Tokenised) -> Encoded:
        if not self._spreading.acquire(blocking=False):
            return run(self._bulk, tokenised)
        try:
            return run(self._spread, tokenised)
        finally:
            self._spreading.release()


def cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def session(path: Path, threads: int) -> InferenceSession:
    """An ONNX Runtime session; with one thread it computes on the caller's. Raises EncoderError for a damaged file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that wait busily for each other make a question slower as soon as anything else runs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOW_FUSIONS
        )
    except Exception as error:  # its exceptions have no common base but this one
        raise _damaged(path.parent, error) from error


def run(session: InferenceSession, tokenised: Tokenised) -> Encoded:
    """Encode one text."""
    vector, states = session.run(["vector", "tokens"], {"ids": tokenised.ids[None]})
    return tokenised.encoded(vector[0], states[0])


def _work(session: InferenceSession, tokenise: Callable[[str], Tokenised], text: str) -> Encoded:
    return run(session, tokenise(text))


def tokens(directory: Path, card: Card) -> Tokens:
    """The tokenizer of an export. Raises EncoderError."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(directory / TOKENIZER))
    except Exception as error:  # the library raises Exception itself
        raise _damaged(directory, error) from error
    return Tokens(tokenizer, card.query_prompt, card.passage_prompt, card.max_tokens)


def _damaged(directory: Path, error: Exception) -> EncoderError:
    return EncoderError(
        f"The encoder in {directory} cannot be loaded: {error}", f"Delete {directory} to build it anew."
    )
