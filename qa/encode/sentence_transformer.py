"""Any sentence-transformers model, by name or path, on torch."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np

from qa.encode.encoder import Encoded
from qa.encode.tokens import Tokenised, Tokens
from qa.errors import EncoderError
from qa.types import Span

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

QUERY_NAMES: Final = ("query", "search_query")
PASSAGE_NAMES: Final = ("passage", "document", "search_document", "corpus")
E5_PROMPTS: Final = ("query: ", "passage: ")
LONGEST: Final = 8192
"""Tokens of the longest input where a model names no limit."""
HUB_SECONDS: Final = 10
_E5: Final = re.compile(r"(?<![a-z0-9])e5(?![a-z0-9])(?!.*instruct)", re.IGNORECASE)
_SAMPLE_BYTES: Final = 1 << 20


class TorchEncoder:
    """A sentence-transformers model as an encoder. Safe to share between threads."""

    def __init__(self, model: SentenceTransformer, name: str, fingerprint: str) -> None:
        """Raises EncoderError where the model has no tokenizer that tells where its tokens stand."""
        self.model = model
        self._name = name
        self._fingerprint = fingerprint
        self.tokens = _tokens(model, name)

    @property
    def name(self) -> str:
        return self._name

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    @property
    def dims(self) -> int:
        return int(self.model.get_embedding_dimension() or 0)

    @property
    def max_tokens(self) -> int:
        return self.tokens.max_tokens

    def count_tokens(self, text: str) -> int:
        return self.tokens.count(text)

    def token_offsets(self, text: str) -> list[Span]:
        return self.tokens.offsets(text)

    def encode_queries(self, texts: Sequence[str]) -> list[Encoded]:
        return self._encode([self.tokens.query(text) for text in texts], self.tokens.query_prompt, texts)

    def encode_passages(self, texts: Sequence[str]) -> list[Encoded]:
        return self._encode([self.tokens.passage(text) for text in texts], self.tokens.passage_prompt, texts)

    def _encode(self, tokenised: Sequence[Tokenised], prompt: str, texts: Sequence[str]) -> list[Encoded]:
        features: Any = self.model.encode(list(texts), prompt=prompt, output_value=None, show_progress_bar=False)
        return [self._encoded(one, feature) for one, feature in zip(tokenised, features, strict=True)]

    def _encoded(self, tokenised: Tokenised, feature: dict[str, Any]) -> Encoded:
        states = feature["token_embeddings"][feature["attention_mask"].bool()]
        if len(states) != len(tokenised.ids):
            message = f"{self.name} reads {len(states)} tokens where its tokenizer gives {len(tokenised.ids)}."
            raise EncoderError(message, "This model cannot be used here; set QA_ENCODER to another.")
        vector = feature["sentence_embedding"].float().cpu().numpy()
        return tokenised.encoded(vector, states.float().cpu().numpy())


def load(source: str, threads: int = 0, *, name: str = "", fingerprint: str = "", middle: int = 0) -> TorchEncoder:
    """Load a model by name or path; 0 threads means torch's own choice. Raises EncoderError.

    ``middle``: number, from 1, of the layer whose states join the token vectors; 0 for none.
    """
    model = read(source, threads)
    if middle:
        _join_middle(model, middle)
    return TorchEncoder(model, name or source, fingerprint or f"{weights_digest(model)}/fp32")


def read(name: str, threads: int = 0) -> SentenceTransformer:
    """The model itself, on the CPU, from a directory, the local hub cache or the hub. Raises EncoderError."""
    with _silenced():
        import torch

        if threads:
            torch.set_num_threads(threads)
        try:
            return _open(name)
        except Exception as error:  # its many libraries have no common base but this one
            raise _unloadable(name, error) from error


def _open(name: str) -> SentenceTransformer:
    import torch
    from sentence_transformers import SentenceTransformer

    def load(local: bool) -> SentenceTransformer:
        kwargs: Any = {"dtype": torch.float32}
        return SentenceTransformer(name, device="cpu", local_files_only=local, model_kwargs=kwargs).eval()

    try:
        return load(local=True)
    except Exception:
        if Path(name).exists() or not _hub_answers():
            raise
        return load(local=False)


def _hub_answers() -> bool:
    """Whether the hub can be reached at all: its client takes a minute and a half to find out."""
    from huggingface_hub.constants import ENDPOINT, HF_HUB_OFFLINE

    if HF_HUB_OFFLINE:
        return False
    try:
        urlopen(Request(ENDPOINT, method="HEAD"), timeout=HUB_SECONDS).close()
    except HTTPError as error:
        error.close()
    except OSError:
        return False
    return True


def _join_middle(model: SentenceTransformer, layer: int) -> None:
    """Append a step that puts the states of ``layer`` beside the last ones, each of norm 1."""
    import torch

    seen = threading.local()

    def remember(_: object, __: object, output: Any) -> None:
        seen.states = output[0] if isinstance(output, tuple) else output

    class Join(torch.nn.Module):
        def forward(self, features: dict[str, Any]) -> dict[str, Any]:
            parts = [features["token_embeddings"], seen.states]
            features["token_embeddings"] = torch.cat([torch.nn.functional.normalize(p, dim=-1) for p in parts], dim=-1)
            return features

    transformer: Any = model[0]
    transformer.auto_model.encoder.layer[layer - 1].register_forward_hook(remember)
    model.append(Join())


def directory_digest(directory: Path) -> str:
    """16 hex digits of a model directory: names and sizes of its files, and the first and last MiB of each."""
    digest = sha256()
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(directory).as_posix()}\0{size}\0".encode())
        with path.open("rb") as file:
            digest.update(file.read(_SAMPLE_BYTES))
            file.seek(max(0, size - _SAMPLE_BYTES))
            digest.update(file.read())
    return digest.hexdigest()[:16]


def weights_digest(model: SentenceTransformer) -> str:
    """16 hex digits of a loaded model: its modules, its prompts, and a sample of every weight."""
    digest = sha256(repr(([type(module).__name__ for module in model], sorted(model.prompts.items()))).encode())
    for name, weight in sorted(model.state_dict().items()):
        if ".pooler." in name:  # random where a checkpoint leaves it out, and never used
            continue
        flat = weight.detach().reshape(-1)
        sample = flat[:: max(1, len(flat) // 4096)].float().numpy()
        digest.update(f"{name}{tuple(weight.shape)}".encode() + np.ascontiguousarray(sample).tobytes())
    return digest.hexdigest()[:16]


def prompts(name: str, own: Mapping[str, str | None]) -> tuple[str, str]:
    """(query prompt, passage prompt): the model's own; for E5 models without any, theirs; else none."""
    query = next((prompt for key in QUERY_NAMES if (prompt := own.get(key))), "")
    passage = next((prompt for key in PASSAGE_NAMES if (prompt := own.get(key))), "")
    return E5_PROMPTS if not query and not passage and _E5.search(name.rsplit("/", 1)[-1]) else (query, passage)


def _tokens(model: SentenceTransformer, name: str) -> Tokens:
    from tokenizers import Tokenizer

    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        message = f"The tokenizer of {name} does not tell where its tokens stand in the text."
        raise EncoderError(message, "Choose a model that has a tokenizer.json.")
    limit = min(model.max_seq_length or LONGEST, LONGEST)
    return Tokens(Tokenizer.from_str(backend.to_str()), *prompts(name, model.prompts), limit)


@contextmanager
def _silenced() -> Iterator[None]:
    """Loading without progress bars and advice meant for people who train models."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    loggers = [logging.getLogger(name) for name in ("transformers", "sentence_transformers", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _unloadable(name: str, error: Exception) -> EncoderError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if Path(name).exists():
        return EncoderError(
            f"{name} cannot be loaded as a sentence-transformers model: {reason}", "Check the directory."
        )
    return EncoderError(
        f"The model {name} is neither a directory here nor could it be downloaded: {reason}",
        "Check the name and the network, or set QA_ENCODER to the path of a model directory, or to `packaged`.",
    )
