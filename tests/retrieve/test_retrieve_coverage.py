"""Which words of a question stand in a passage, weighed by hand and in a real index."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from retrieve_notes import noted

from qa.index import Index
from qa.ingest.words import question_words
from qa.retrieve.coverage import UNKNOWN, covered, rarity
from qa.retrieve.pool import COVERED_CANDIDATES

STARS = "角亢氐房心尾箕斗牛女虚危室壁奎娄胃昴毕觜参井鬼柳星张翼轸天地"
TEXTS = st.text(st.sampled_from("北京医药会长协会 abz19.,亿月"), max_size=40)


def test_words_count_by_their_rarity() -> None:
    weights = {"昌平": 3.0, "园区": 1.0}
    shares = covered(weights, ["昌平有一个园区。", "昌平今天下雨。", "这个园区很大。", "这里只谈天气。", ""])
    assert shares.tolist() == [1.0, 0.75, 0.25, 0.0, 0.0]


def test_a_question_without_words_says_nothing() -> None:
    assert covered({}, ["昌平", ""]).tolist() == [UNKNOWN, UNKNOWN]
    assert covered({"昌平": 1.0}, []).shape == (0,)


@given(TEXTS, TEXTS, TEXTS)
def test_a_longer_passage_never_holds_less(asked: str, passage: str, more: str) -> None:
    weights = dict.fromkeys(question_words(asked), 0.7)
    one, both = covered(weights, [passage, f"{passage}\n\n{more}"]).tolist()
    assert 0 <= one <= both + 1e-6 <= 1 + 2e-6


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    bridges = {f"{star}.txt": f"{star}这座桥架在河上，桥头立着石狮。\n" for star in STARS[: COVERED_CANDIDATES + 6]}
    gold = {"gold.txt": "燕翅桥的设计师是罗嘉言，他当时二十六岁。\n"}
    other = {"en.txt": "The bridges over the river are guarded by lions of stone.\n"}
    with noted(tmp_path_factory, bridges | gold | other) as opened:
        yield opened


def test_rarity_comes_from_the_collection(index: Index) -> None:
    with closing(index.store.snapshot("default")) as snapshot:
        weights = rarity(snapshot, ["桥头", "罗嘉言", "无人知", "无人知"])
        most = snapshot.size
    assert weights["桥头"] == pytest.approx(math.log((most + 1) / (COVERED_CANDIDATES + 6 + 0.5)))
    assert weights["无人知"] == pytest.approx(math.log((most + 1) / 0.5))
    assert set(weights) == {"桥头", "罗嘉言", "无人知"}


def test_the_words_of_the_best_in_the_language_of_the_question_are_looked_for(index: Index) -> None:
    with closing(index.store.snapshot("default")) as snapshot:
        pool = index.lane.pool(snapshot, index.lane.question("燕翅桥是谁设计的？"))
    shares, texts = pool.evidence.covered, [passage.quote for passage in pool.passages]
    assert texts[int(shares.argmax())].startswith("燕翅桥")
    assert not shares[~pool.same_language].any()
    assert 1 <= (shares > 0).sum() <= COVERED_CANDIDATES
