"""Centring and projection: two dimensions worked out by hand, and the packaged statistics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qa.config import Settings
from qa.encode import centring, neutral
from qa.encode.centring import Statistics, centre_tokens, centre_vector
from qa.encode.encoder import Encoder, Floats
from qa.encode.load import SHIPPED, statistics_for
from qa.errors import EncoderError


def _statistics() -> Statistics:
    return Statistics(
        encoder="hand",
        vectors={("zh", "query"): np.array([0.5, 0.0], np.float32)},
        tokens={("zh", "query"): np.array([0.0, 1.0], np.float32)},
        projection=np.array([[1.0, 0.0], [0.0, 0.5]], np.float32),
        low=np.array([-1, -1], np.float32),
        high=np.array([1, 1], np.float32),
    )


def test_the_mean_is_subtracted_and_the_norm_restored() -> None:
    vector = centre_vector(_statistics(), np.array([0.8, 0.4], np.float32), "zh", "query")

    assert vector.tolist() == pytest.approx([0.3 / 0.5, 0.4 / 0.5])


def test_many_vectors_at_once_are_the_same_as_one_by_one() -> None:
    rows = np.array([[0.8, 0.4], [0.0, 1.0]], np.float32)

    together = centre_vector(_statistics(), rows, "zh", "query")

    assert together.tolist() == [centre_vector(_statistics(), row, "zh", "query").tolist() for row in rows]


@pytest.mark.parametrize(("language", "role"), [("other", "query"), ("zh", "passage"), ("en", "query")])
def test_a_language_without_statistics_is_left_alone(language: str, role: str) -> None:
    vector = np.array([0.6, 0.8], np.float32)

    assert centre_vector(_statistics(), vector, language, role).tolist() == pytest.approx([0.6, 0.8])  # type: ignore[arg-type]


def test_tokens_are_centred_projected_and_brought_to_norm_one() -> None:
    tokens = np.array([[1.0, 0.0], [0.6, 0.8]], np.float32)

    centred = centre_tokens(_statistics(), tokens, "zh", "query")

    # (1, 0) - (0, 1) = (1, -1), norm 1 and projected ~ (1, -0.5); (0.6, -0.2) ~ (3, -1), projected ~ (3, -0.5).
    assert centred[0].tolist() == pytest.approx(list(np.array([1, -0.5]) / 1.25**0.5))
    assert centred[1].tolist() == pytest.approx(list(np.array([3, -0.5]) / 9.25**0.5))


def test_no_tokens_stay_no_tokens() -> None:
    assert centre_tokens(_statistics(), np.zeros((0, 2), np.float32), "zh", "query").shape == (0, 2)


def test_a_saved_file_reads_back_the_same(tmp_path: Path) -> None:
    centring.save(_statistics(), tmp_path / "s.npz")

    back = centring.load(tmp_path / "s.npz")

    assert back.encoder == "hand"
    assert back.fingerprint == _statistics().fingerprint
    assert back.vectors["zh", "query"].dtype == np.float32
    assert set(back.tokens) == {("zh", "query")}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing", b"\x93NUMPY"])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.npz").write_bytes(content)

    with pytest.raises(EncoderError, match=r"s\.npz"):
        centring.load(tmp_path / "s.npz")


def test_fitting_finds_means_and_an_orthonormal_projection(packaged_encoder: Encoder) -> None:
    zh = (["谁修了这条路？", "水库有多深？"], ["去年春天，村里修了一条路。", "水库深四十米，去年建成。"])
    en = (
        ["Who built the road?", "How deep is the lake?"],
        ["A road was built in spring.", "The lake is forty metres deep."],
    )

    fitted = centring.fit(packaged_encoder, {"zh": zh, "en": en}, late_dims=16)

    mean = np.mean([one.vector for one in packaged_encoder.encode_queries(zh[0])], axis=0)
    assert fitted.vectors["zh", "query"] == pytest.approx(mean, abs=1e-3)
    width = packaged_encoder.encode_queries(zh[0])[0].tokens.shape[1]
    assert fitted.projection.shape == (width, 16)
    assert fitted.projection.T @ fitted.projection == pytest.approx(np.eye(16), abs=2e-3)
    assert (fitted.low < fitted.high).all()
    assert fitted.encoder == packaged_encoder.fingerprint.partition("/")[0]


def test_fitting_needs_every_role(packaged_encoder: Encoder) -> None:
    with pytest.raises(EncoderError, match="No neutral passages for language zh"):
        centring.fit(packaged_encoder, {"zh": (["谁？"], [])})


def test_the_shipped_statistics_belong_to_the_packaged_encoder(packaged_encoder: Encoder, settings: Settings) -> None:
    statistics = statistics_for(packaged_encoder, settings)

    assert statistics.fingerprint == centring.load(SHIPPED).fingerprint
    width = packaged_encoder.encode_queries(["a text"])[0].tokens.shape[1]
    assert statistics.projection.shape == (width, statistics.late_dims)
    assert (
        set(statistics.vectors)
        == set(statistics.tokens)
        == {(la, ro) for la in ("zh", "en") for ro in ("query", "passage")}
    )


def test_centring_brings_translations_together(packaged_encoder: Encoder, settings: Settings) -> None:
    statistics = statistics_for(packaged_encoder, settings)
    question = packaged_encoder.encode_queries(["谁设计了这座桥？"])[0].vector
    passages = ["The bridge was designed by an engineer from Leeds.", "The bakery sells forty kinds of bread."]
    right, wrong = (one.vector for one in packaged_encoder.encode_passages(passages))

    def centred(vector: Floats) -> Floats:
        return centre_vector(statistics, vector, "en", "passage")

    moved = centre_vector(statistics, question, "zh", "query")
    assert moved @ centred(right) - moved @ centred(wrong) > question @ right - question @ wrong > 0


def test_neutral_texts_are_there_for_both_languages_and_roles() -> None:
    texts = neutral.read()

    assert set(texts) == {"zh", "en"}
    assert all(len(part) >= neutral.SAMPLE for pair in texts.values() for part in pair)


@pytest.mark.parametrize("line", ["{", '{"lang": "fr", "role": "query", "text": "x"}', "[]", '{"lang": "zh"}'])
def test_a_malformed_neutral_file_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "n.jsonl").write_text(line, encoding="utf-8")

    with pytest.raises(EncoderError, match=r"n\.jsonl"):
        neutral.read(tmp_path / "n.jsonl")
