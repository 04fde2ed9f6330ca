"""A collection in both languages, in which a thing is told in one of them only and like things in the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from retrieve_notes import noted

from qa.index import Index
from qa.retrieve.fuse import SHIPPED, fuse

NOTES = {
    "qingshi.txt": "青石镇的老桥由罗嘉言设计，一九三一年建成，桥长二百一十米。\n",
    "harrow.txt": "The bridge of Harrow was designed by Peter Lang and opened in 1958, after four years of work.\n",
    "moor.txt": "The old bridge on the moor was repaired last spring; the town paid for the stones.\n",
    "ferry.txt": "Harrow's ferry stopped running once the bridge was open, and its crew found work in the mill.\n",
    "zeno.txt": "The Zeno tunnel was planned by Mary Holt, who also designed three bridges in the county.\n",
    "heiyan.txt": "黑岩村的水塔由周启明设计，去年重新粉刷。\n",
    "baisha.txt": "白沙镇的码头建成于一九七二年，如今已经停用。\n",
}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with noted(tmp_path_factory, NOTES) as index:
        yield index


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Who designed the old bridge of Qingshi?", "罗嘉言"),
        ("How long is the bridge of Qingshi?", "二百一十"),
        ("谁设计了哈罗的桥？", "Peter Lang"),
        ("泽诺隧道是谁规划的？", "Mary Holt"),
        ("Who designed the bridge of Harrow?", "Peter Lang"),
        ("青石镇的老桥是谁设计的？", "罗嘉言"),
    ],
)
def test_what_answers_stands_first_in_whichever_language(mixed: Index, question: str, found: str) -> None:
    assert found in mixed.search(question).hits[0].text


def test_without_a_head_start_the_language_of_the_question_comes_first(mixed: Index) -> None:
    with closing(mixed.store.snapshot("default")) as snapshot:
        pool = mixed.lane.pool(snapshot, mixed.lane.question("Who designed the old bridge of Qingshi?"))
    behind = fuse(pool.evidence, pool.same_language, replace(SHIPPED, head_start=0.0))
    ahead = fuse(pool.evidence, pool.same_language)
    assert pool.passages[int(behind.argmax())].language == "en"
    assert "罗嘉言" in pool.passages[int(ahead.argmax())].quote
