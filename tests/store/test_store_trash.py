"""Deleted documents: gone at once, back when asked for, never by themselves, and forgotten in the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qa.errors import NotFoundError
from qa.index import Index
from qa.ingest.read import read_text
from qa.store import trash as module
from qa.store.check import check, repair
from qa.store.tables import encodings
from qa.store.trash import Trash

CRANES = "丹顶鹤在扎龙湿地过冬，巡护员刘海每天投喂玉米二百斤。"
STOVE = "老灶台用了六十年，祖母在上面蒸过一万笼馒头。"
ASKED = "巡护员刘海每天投喂多少玉米？"


@pytest.fixture
def index(corpus_index: Index, tmp_path: Path) -> Iterator[Index]:
    settings = corpus_index.settings.model_copy(update={"index_dir": tmp_path / "index"})
    with Index.open(settings=settings) as opened:
        opened.ingest_sources([read_text("鹤", CRANES * 2), read_text("灶", STOVE * 2)])
        yield opened


def crane(index: Index) -> str:
    return next(document.id for document in index.documents() if document.metadata.title == "鹤")


def found(index: Index) -> list[str]:
    return [hit.citation.title for hit in index.search(ASKED).hits]


def test_a_deleted_document_is_gone_and_comes_back_to_its_place(index: Index) -> None:
    before, identity = index.documents(), crane(index)
    index.delete(identity)
    assert "鹤" not in found(index)
    assert [document.metadata.title for document in index.documents()] == ["灶"]
    with pytest.raises(NotFoundError):
        index.source_text(identity)
    (deleted,) = index.deleted()
    assert (deleted.id, deleted.title, deleted.until - deleted.deleted) == (identity, "鹤", module.UNDO_SECONDS)
    assert check(index.store) == []

    assert replace(index.restore(identity), added="") == replace(before[0], added="")
    assert [document.id for document in index.documents()] == [document.id for document in before]
    assert found(index)[0] == "鹤"
    assert index.deleted() == []
    assert check(index.store) == []


def test_bringing_back_encodes_nothing(index: Index) -> None:
    identity = crane(index)
    index.delete(identity)
    source = Trash(index.store).source("default", identity)
    assert index.ingest_sources([source]).encoded == 0


def test_it_survives_a_restart(index: Index) -> None:
    identity = crane(index)
    index.delete(identity)
    index.close()
    with Index.open(settings=index.settings) as again:
        assert "鹤" not in found(again)
        again.restore(identity)
        assert found(again)[0] == "鹤"


def test_nothing_comes_back_by_itself(index: Index) -> None:
    """Neither a repair nor another ingest nor another restore brings a deleted document back."""
    identity = crane(index)
    index.delete(identity)
    repair(index.store)
    index.ingest_sources([read_text("新", "桥头的灯在夜里十点熄灭，看桥人姓穆。" * 2)])
    with pytest.raises(NotFoundError):
        index.restore("0" * 16)
    assert {document.metadata.title for document in index.documents()} == {"灶", "新"}
    assert "鹤" not in found(index)


def test_what_is_ingested_again_leaves_the_trash(index: Index) -> None:
    identity = crane(index)
    index.delete(identity)
    index.ingest_sources([read_text("鹤", CRANES * 2)])
    assert index.deleted() == []
    with pytest.raises(NotFoundError, match="no deleted document"):
        index.restore(identity)
    assert found(index).count("鹤") == 1


def test_after_its_time_it_is_gone_for_good(index: Index) -> None:
    identity = crane(index)
    index.delete(identity)
    past = Trash(index.store, seconds=0)
    assert past.documents("default") == []
    with pytest.raises(NotFoundError):
        past.source("default", identity)
    assert index.purge() == 0
    held = encodings_of(index)
    assert past.purge() == 1
    assert encodings_of(index) < held
    with pytest.raises(NotFoundError):
        index.restore(identity)
    assert check(index.store) == []


def test_forever_keeps_nothing(index: Index) -> None:
    identity = crane(index)
    index.delete(identity, forever=True)
    assert index.deleted() == []
    other = index.documents()[0].id
    index.delete(other)
    index.delete(other, forever=True)
    with pytest.raises(NotFoundError):
        index.restore(other)
    with pytest.raises(NotFoundError):
        index.delete(other, forever=True)
    assert encodings_of(index) == 0


def test_only_the_last_are_kept(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    first, second = (document.id for document in index.documents())
    index.delete(first)
    index.delete(second)
    assert [deleted.id for deleted in index.deleted()] == [second]


def test_collections_have_their_own_trash(index: Index) -> None:
    index.create_collection("other")
    identity = crane(index)
    index.delete(identity)
    assert index.deleted("other") == []
    with pytest.raises(NotFoundError):
        index.restore(identity, "other")
    with pytest.raises(NotFoundError):
        index.deleted("missing")
    index.drop_collection("default")
    assert check(index.store) == []


def encodings_of(index: Index) -> int:
    with index.store.database.reading() as connection:
        return len(connection.execute(encodings.select()).all())


def test_another_version_of_a_deleted_document_leaves_nothing_of_the_first(index: Index) -> None:
    index.delete(crane(index))
    index.ingest_sources([read_text("鹤", STOVE * 3 + CRANES)])
    assert index.deleted() == []
    assert check(index.store) == []
