"""Tokens and their places in the text, with the packaged encoder's tokenizer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.config import Settings
from qa.encode import onnx
from qa.encode.export import packaged_fast
from qa.encode.tokens import Tokenised, Tokens, unit


@pytest.fixture(scope="module")
def tokens(settings: Settings) -> Tokens:
    directory: Path = packaged_fast(settings)
    return onnx.tokens(directory, onnx.Card.read(directory))


def test_words_and_characters_have_their_places(tokens: Tokens) -> None:
    text = "Hello 北京, ok"

    assert [text[start:end] for start, end in tokens.offsets(text)] == ["Hello", " ", "北京", ",", "ok"]


def test_prompt_and_special_tokens_are_not_kept(tokens: Tokens) -> None:
    query, passage = tokens.query("hello"), tokens.passage("hello")

    assert query.ids[query.kept].tolist() == passage.ids[passage.kept].tolist()
    assert query.kept.sum() == tokens.count("hello") > 0
    assert [query.ids[0], query.ids[-1]] == [0, 2]
    assert not query.kept[0]
    assert not query.kept[-1]


def test_a_chinese_text_keeps_its_first_character(tokens: Tokens) -> None:
    assert tokens.offsets("北京") == [(0, 2)]
    assert tokens.count("北京") == 1


def test_full_width_characters_keep_their_offsets(tokens: Tokens) -> None:
    text = "ＡＢＣ　１２３"

    spans = tokens.offsets(text)

    assert spans[0][0] == 0
    assert spans[-1][1] == len(text)


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u200b"])
def test_nothing_to_read_gives_no_kept_tokens(tokens: Tokens, text: str) -> None:
    assert tokens.count(text) == len(tokens.offsets(text))
    assert tokens.query(text).ids[0] == 0
    assert tokens.query(text).ids[-1] == 2


def test_a_long_text_is_cut_and_closed(tokens: Tokens) -> None:
    tokenised = tokens.passage("水 " * 2000)

    assert len(tokenised.ids) == tokens.max_tokens == 512
    assert tokenised.ids[-1] == 2
    assert tokens.count("水 " * 2000) > 2000


def test_the_cut_keeps_the_beginning(tokens: Tokens) -> None:
    text = " ".join(str(number) for number in range(3000))

    cut = tokens.passage(text)

    whole = tokens.passage(text[:1500])
    assert cut.ids[:-1].tolist() == whole.ids[: len(cut.ids) - 1].tolist()


def test_half_characters_do_no_harm(tokens: Tokens) -> None:
    assert tokens.count("a \ud800 b") >= 2
    assert tokens.offsets("a \ud800 b")[-1] == (4, 5)


@given(st.text(max_size=60))
def test_places_are_inside_the_text_and_in_order(tokens: Tokens, text: str) -> None:
    spans = tokens.offsets(text)

    assert len(spans) == tokens.count(text) == int(tokens.passage(text).kept.sum())
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert all(first[0] <= second[1] for first, second in zip(spans, spans[1:], strict=False))


@given(st.text(alphabet="abc 水火木 ,。\n", max_size=40))
def test_every_visible_character_belongs_to_a_token(tokens: Tokens, text: str) -> None:
    covered = {place for start, end in tokens.offsets(text) for place in range(start, end)}

    assert {place for place, character in enumerate(text) if not character.isspace()} <= covered


def test_unit_divides_rows_by_their_norms() -> None:
    rows = unit(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32))

    assert rows.tolist() == [pytest.approx([0.6, 0.8]), [0, 0]]
    assert rows.dtype == np.float32


def _tokenised(kept: list[bool]) -> Tokenised:
    return Tokenised(np.arange(len(kept)), np.array(kept))


def test_states_of_two_layers_have_the_same_say() -> None:
    states = np.array([[9, 9, 9, 9], [3, 4, 0, 0.1], [9, 9, 9, 9]], np.float32)

    encoded = _tokenised([False, True, False]).encoded(np.array([0, 2], np.float32), states)

    # (3, 4) and (0, 0.1) become (0.6, 0.8) and (0, 1), together of norm 2^(1/2).
    assert encoded.tokens.tolist() == [pytest.approx([0.6 / 2**0.5, 0.8 / 2**0.5, 0, 1 / 2**0.5])]
    assert encoded.vector.tolist() == [0, 1]
    assert encoded.token_ids.tolist() == [1]


def test_a_head_of_another_length_is_no_second_layer() -> None:
    encoded = _tokenised([True]).encoded(np.array([1, 0], np.float32), np.array([[2, 1, 2]], np.float32))

    assert encoded.tokens.tolist() == [pytest.approx([2 / 3, 1 / 3, 2 / 3])]


def test_no_kept_tokens_give_an_empty_matrix() -> None:
    encoded = _tokenised([False, False]).encoded(np.array([1, 0], np.float32), np.ones((2, 4), np.float32))

    assert encoded.tokens.shape == (0, 4)
