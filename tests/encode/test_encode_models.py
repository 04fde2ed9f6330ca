"""Other models: a real one from a package, tiny ones of other architectures, and names that lead nowhere."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest

from qa.config import Settings
from qa.encode import centring, sentence_transformer
from qa.encode.encoder import Encoder
from qa.encode.export import export, exported
from qa.encode.load import load, statistics_for
from qa.encode.onnx import FastEncoder
from qa.encode.sentence_transformer import TorchEncoder, prompts
from qa.errors import EncoderError

ENGLISH = ("The quick brown fox jumps over the lazy dog.", "unbelievably long-winded explanations", "Who?")


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def chosen(cache_dir: Path, minilm: str) -> Settings:
    return Settings(encoder=minilm, engine="fast", cache_dir=cache_dir, threads=2)


@pytest.fixture(scope="module")
def slow(chosen: Settings) -> Encoder:
    return load(chosen.model_copy(update={"engine": "torch"}))


def test_a_model_by_path_runs_on_torch(slow: Encoder, minilm: str) -> None:
    encoded = slow.encode_queries(["hello unbelievable world"])[0]

    assert isinstance(slow, TorchEncoder)
    assert (slow.name, slow.dims, slow.max_tokens) == (minilm, 384, 256)
    assert encoded.tokens.shape == (slow.count_tokens("hello unbelievable world"), 384)
    assert slow.token_offsets("hello world") == [(0, 5), (6, 11)]


def test_a_model_without_prompts_gets_none(slow: Encoder) -> None:
    query, passage = slow.encode_queries(["a text"])[0], slow.encode_passages(["a text"])[0]

    assert float(query.vector @ passage.vector) == pytest.approx(1, abs=1e-5)


def test_its_order_is_kept(slow: Encoder) -> None:
    together = slow.encode_passages(ENGLISH)

    assert all(
        float(one.vector @ slow.encode_passages([text])[0].vector) == pytest.approx(1, abs=1e-4)
        for text, one in zip(ENGLISH, together, strict=True)
    )


def test_the_export_is_used_and_agrees(chosen: Settings, slow: Encoder, minilm: str) -> None:
    assert exported(minilm, chosen) is None
    said: list[str] = []

    directory = export(minilm, chosen, said.append)
    quick = load(chosen)

    assert exported(minilm, chosen) == directory
    assert isinstance(quick, FastEncoder)
    assert quick.name == minilm
    assert (quick.dims, quick.max_tokens) == (slow.dims, slow.max_tokens)
    assert quick.fingerprint.split("/")[0] == slow.fingerprint.split("/")[0]
    assert said
    for one, other in zip(quick.encode_passages(ENGLISH), slow.encode_passages(ENGLISH), strict=True):
        assert float(one.vector @ other.vector) >= 0.995
        assert one.token_ids.tolist() == other.token_ids.tolist()


def _tiny(kind: str, tokenizer: str, directory: Path) -> Path:
    """A model of another architecture with random weights, saved as a sentence-transformers directory."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import AutoModel, AutoTokenizer, DistilBertConfig, RobertaConfig

    torch.manual_seed(0)
    # Weights large enough that every token and place counts.
    sizes = {"vocab_size": 30522, "pad_token_id": 0, "initializer_range": 0.1}
    if kind == "distilbert":
        config: Any = DistilBertConfig(dim=64, n_layers=2, n_heads=2, hidden_dim=128, **sizes)
    else:
        config = RobertaConfig(
            hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128, **sizes
        )
    directory.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        AutoModel.from_config(config).save_pretrained(directory / "bare")
        AutoTokenizer.from_pretrained(tokenizer).save_pretrained(directory / "bare")
        model = SentenceTransformer(
            modules=[Transformer(str(directory / "bare"), max_seq_length=64), Pooling(64, pooling_mode="cls")],
            device="cpu",
        )
        model.prompts = {"query": "ask: ", "document": "tell: "}
        model.save(str(directory / kind))
    return directory / kind


@pytest.fixture(scope="module", params=["distilbert", "roberta"])
def tiny(request: pytest.FixtureRequest, minilm: str, cache_dir: Path) -> Settings:
    """Settings that name a tiny model whose fast path was built: traced by torch, or built as a BERT."""
    name = str(_tiny(request.param, minilm, cache_dir / request.param))
    settings = Settings(encoder=name, engine="fast", cache_dir=cache_dir, threads=2)
    export(name, settings)
    return settings


def test_other_architectures_are_exported(tiny: Settings) -> None:
    quick, slow = load(tiny), load(tiny.model_copy(update={"engine": "torch"}))

    assert isinstance(quick, FastEncoder)
    assert quick.max_tokens == slow.max_tokens == 64
    for one, other in zip(quick.encode_queries(ENGLISH), slow.encode_queries(ENGLISH), strict=True):
        assert float(one.vector @ other.vector) >= 0.995
        assert float((one.tokens * other.tokens).sum(axis=1).mean()) >= 0.995
    assert float(quick.encode_queries(ENGLISH)[0].vector @ quick.encode_queries(ENGLISH)[2].vector) < 0.99


def test_its_own_prompts_are_used(tiny: Settings) -> None:
    encoder = load(tiny)

    query, passage = encoder.encode_queries(["a text"])[0], encoder.encode_passages(["a text"])[0]

    assert float(query.vector @ passage.vector) < 0.9999
    assert query.token_ids.tolist() == passage.token_ids.tolist()


def test_another_model_gets_statistics_of_its_own(tiny: Settings) -> None:
    encoder = load(tiny)
    said: list[str] = []

    statistics = statistics_for(encoder, tiny, said.append)

    assert len(said) == 1
    assert statistics.encoder == centring.model_of(encoder.fingerprint)
    assert statistics.projection.shape == (64, 64)
    assert statistics_for(encoder, tiny, said.append).fingerprint == statistics.fingerprint
    assert len(said) == 1


def test_an_export_belongs_to_what_the_directory_holds(minilm: str, tmp_path: Path) -> None:
    from qa.encode.export import export_name

    copy = tmp_path / "model"
    shutil.copytree(minilm, copy, ignore=shutil.ignore_patterns("data_config.json"))
    before = export_name(str(copy))
    weights = copy / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)

    assert export_name(str(copy)) != before


def test_a_name_that_cannot_be_downloaded_is_explained() -> None:
    with pytest.raises(EncoderError, match="no-such-company/no-such-model") as caught:
        sentence_transformer.load("no-such-company/no-such-model")

    assert "QA_ENCODER" in caught.value.hint


def test_a_directory_without_a_model_is_explained(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="cannot be loaded as a sentence-transformers model"):
        sentence_transformer.load(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "own", "expected"),
    [
        ("intfloat/multilingual-e5-base", {}, ("query: ", "passage: ")),
        ("intfloat/e5-large-v2", {"query": "", "document": ""}, ("query: ", "passage: ")),
        ("intfloat/multilingual-e5-large-instruct", {}, ("", "")),
        ("BAAI/bge-m3", {}, ("", "")),
        ("/data/e5/minilm", {}, ("", "")),
        ("some/model", {"query": "q: ", "document": "d: "}, ("q: ", "d: ")),
        ("some/e5-model", {"query": "q: "}, ("q: ", "")),
        ("nomic/embed", {"search_query": "sq: ", "search_document": "sd: ", "x": None}, ("sq: ", "sd: ")),
    ],
)
def test_prompts_are_the_models_own(name: str, own: dict[str, str | None], expected: tuple[str, str]) -> None:
    assert prompts(name, own) == expected
