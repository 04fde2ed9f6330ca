"""The packaged encoder: its fast path against float32, alone and in company, without torch."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from qa.config import Settings
from qa.encode import export, onnx, wheel
from qa.encode.encoder import Encoded, Encoder
from qa.encode.load import load
from qa.errors import EncoderError

WITHOUT_TORCH = """
import sys
from qa.config import settings
from qa.encode.load import load
print(load(settings()).encode_queries(["谁？"])[0].vector.shape)
heavy = {"torch", "transformers", "sentence_transformers", "onnx", "filelock", "safetensors"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


@pytest.fixture(scope="module")
def torch_encoder(settings: Settings) -> Encoder:
    return load(settings.model_copy(update={"engine": "torch"}))


def test_it_says_what_it_is(packaged_encoder: Encoder) -> None:
    assert packaged_encoder.name == "packaged"
    assert (packaged_encoder.dims, packaged_encoder.max_tokens) == (384, 512)
    assert packaged_encoder.fingerprint.startswith("packaged-")


def test_vectors_have_the_promised_shapes(packaged_encoder: Encoder, texts: tuple[str, ...]) -> None:
    for text, one in zip(texts, packaged_encoder.encode_passages(texts), strict=True):
        assert one.vector.shape == (384,)
        assert one.tokens.shape == (packaged_encoder.count_tokens(text), 768)
        assert one.token_ids.shape == (len(one.tokens),)
        assert (one.vector.dtype, one.tokens.dtype, one.token_ids.dtype) == (np.float32, np.float32, np.int32)
        assert np.linalg.norm(one.vector) == pytest.approx(1, abs=1e-5)
        assert np.linalg.norm(one.tokens, axis=1) == pytest.approx(np.ones(len(one.tokens)), abs=1e-5)


def test_it_agrees_with_sentence_transformers(
    packaged_encoder: Encoder, torch_encoder: Encoder, texts: tuple[str, ...]
) -> None:
    for quick, slow in (
        (packaged_encoder.encode_queries(texts), torch_encoder.encode_queries(texts)),
        (packaged_encoder.encode_passages(texts), torch_encoder.encode_passages(texts)),
    ):
        for one, other in zip(quick, slow, strict=True):
            assert float(one.vector @ other.vector) >= 0.995
            assert float((one.tokens * other.tokens).sum(axis=1).mean()) >= 0.995
            assert one.token_ids.tolist() == other.token_ids.tolist()


def test_both_engines_name_the_same_weights(packaged_encoder: Encoder, torch_encoder: Encoder) -> None:
    quick, slow = packaged_encoder.fingerprint.split("/"), torch_encoder.fingerprint.split("/")

    assert quick[0] == slow[0]
    assert quick[1] != slow[1]


def test_queries_and_passages_differ(packaged_encoder: Encoder) -> None:
    text = ["the deepest lake"]

    query, passage = packaged_encoder.encode_queries(text)[0], packaged_encoder.encode_passages(text)[0]

    assert float(query.vector @ passage.vector) < 0.99


def _same(one: Encoded, other: Encoded) -> bool:
    return bool((one.vector == other.vector).all() and (one.tokens == other.tokens).all())


def test_company_changes_nothing(packaged_encoder: Encoder, texts: tuple[str, ...]) -> None:
    alone = [packaged_encoder.encode_passages([text])[0] for text in texts]
    together = packaged_encoder.encode_passages([*texts, texts[0] * 20])
    reversed_ = packaged_encoder.encode_passages(texts[::-1])[::-1]

    assert all(_same(one, other) for one, other in zip(alone, together, strict=False))
    assert all(_same(one, other) for one, other in zip(alone, reversed_, strict=True))


def test_threads_change_nothing(settings: Settings, packaged_encoder: Encoder, texts: tuple[str, ...]) -> None:
    single = load(settings.model_copy(update={"threads": 1}))

    pairs = zip(single.encode_queries(texts), packaged_encoder.encode_queries(texts), strict=True)

    assert all(_same(one, other) for one, other in pairs)


def test_no_texts_give_no_vectors(packaged_encoder: Encoder) -> None:
    assert packaged_encoder.encode_passages([]) == []


@pytest.mark.parametrize("text", ["", "   ", "\ud800", "\x00"])
def test_texts_without_words_have_a_vector(packaged_encoder: Encoder, text: str) -> None:
    one = packaged_encoder.encode_queries([text])[0]

    assert np.linalg.norm(one.vector) == pytest.approx(1, abs=1e-5)
    assert one.tokens.shape[1] == 768


def test_a_very_long_text_is_cut(packaged_encoder: Encoder) -> None:
    one = packaged_encoder.encode_passages(["河流 " * 50_000])[0]

    assert len(one.tokens) < packaged_encoder.max_tokens


def test_loading_takes_no_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, timeout=300, check=False
    )

    assert (done.returncode, done.stdout.strip()) == (0, "(384,)"), done.stderr
    assert done.stderr == ""


def test_the_fingerprint_follows_adapter_and_recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = export.packaged_fingerprint()
    monkeypatch.setattr(export.quantise, "RECIPE", "other")
    recipe = export.packaged_fingerprint()
    (tmp_path / "adapter.npz").write_bytes(b"x")
    monkeypatch.setattr(export.adapter, "SHIPPED", tmp_path / "adapter.npz")
    adapter = export.packaged_fingerprint()

    assert before.split("/")[0] == recipe.split("/")[0] != adapter.split("/")[0]
    assert before.split("/")[1] != recipe.split("/")[1]


def test_a_damaged_export_is_named(tmp_path: Path, settings: Settings) -> None:
    source = export.packaged_fast(settings)
    for name in (onnx.CARD, onnx.TOKENIZER):
        (tmp_path / name).symlink_to(source / name)
    (tmp_path / onnx.MODEL).write_bytes(b"no model")

    with pytest.raises(EncoderError, match="cannot be loaded") as caught:
        onnx.FastEncoder(tmp_path)

    assert str(tmp_path) in caught.value.hint


def test_a_directory_without_a_card_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"encoder\.json"):
        onnx.FastEncoder(tmp_path)


def test_progress_is_told_only_while_building(settings: Settings) -> None:
    export.packaged_fast(settings)
    said: list[str] = []

    export.packaged_fast(settings, said.append)

    assert said == []
    assert wheel.locate().stat().st_size == wheel.SIZE


def test_many_threads_may_ask_at_once(packaged_encoder: Encoder, texts: tuple[str, ...]) -> None:
    expected = [packaged_encoder.encode_queries([text])[0] for text in texts]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: packaged_encoder.encode_queries([texts[i % len(texts)]])[0], range(48)))

    assert all(_same(answer, expected[i % len(texts)]) for i, answer in enumerate(answers))
