"""Collections of one or two notes, which lie outside of all that the calibration was fitted to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import qa
from qa.index import Index

LIBRARY = "城南图书馆于1987年开放，馆长是唐玉琴。馆里有三层阅览室，每周二闭馆。"
POST = "漠河的邮局是中国最北的邮局，夏天游客很多，局长叫赵平。"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder: Path = tmp_path_factory.mktemp("notes")
    (folder / "library.txt").write_text(LIBRARY, "utf-8")
    with qa.open(tmp_path_factory.mktemp("small") / "index") as index:
        index.ingest(folder / "library.txt", collection="one")
        (folder / "post.txt").write_text(POST, "utf-8")
        index.ingest(folder, collection="two")
        yield index


@pytest.mark.parametrize("collection", ["one", "two"])
@pytest.mark.parametrize(
    "question", ["城南图书馆的馆长是谁？", "圖書館星期幾閉館？", "Which year did the library open?"]
)
def test_what_a_note_says_is_answered(small: Index, collection: str, question: str) -> None:
    result = small.search(question, collection=collection)
    assert result.hits[0].citation.title.startswith("城南") or "图书馆" in result.hits[0].text
    assert result.answerable, result.confidence


@pytest.mark.parametrize("collection", ["one", "two"])
@pytest.mark.parametrize("question", ["冰岛几月看极光最合适？", "How do I renew a passport in Canada?"])
def test_what_no_note_says_is_refused(small: Index, collection: str, question: str) -> None:
    assert not small.search(question, collection=collection).answerable
