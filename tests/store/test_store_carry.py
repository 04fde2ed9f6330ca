"""What moves to another build: keys, feedback, jobs, notes and the trash, and the numbers that they refer to."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from store_samples import document, open_store

from qa.store.carry import carry_collections, carry_records, held, numbered_collections, sources_of
from qa.store.check import check
from qa.store.local import LocalStore
from qa.store.tables import documents, feedback, metadata
from qa.store.trash import Trash

VERDICT = {"created": "2026-01-01", "collection": "b", "question": "q", "verdict": "good", "state": "new"}


def filled(path: Path) -> LocalStore:
    store = open_store(path)
    for name in ("a", "b", "c"):
        store.create_collection(name)
    store.drop_collection("a")
    store.add("b", [document("one", ["1"]), document("two", ["2"]), document("three", ["3"])])
    Trash(store).delete("b", "two")
    store.set_meta("calibration", {"bias": 2})
    with store.writing() as connection:
        connection.execute(feedback.insert().values(VERDICT))
        connection.execute(documents.update().values(added="2020-02-02T00:00:00+00:00"))
    return store


def rows(store: LocalStore, table: sa.Table) -> list[dict[str, object]]:
    with store.database.reading() as connection:
        return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


def carry(old: LocalStore, new: LocalStore) -> None:
    with old.writing() as reading:
        carry_records(reading, new.database)


def carried(old: LocalStore, path: Path) -> LocalStore:
    new = open_store(path, fingerprint="another")
    carry_collections(old.database, new.database)
    new.add("b", [document("three", ["3"]), document("one", ["1"])])
    carry(old, new)
    return new


def test_everything_but_the_documents_is_the_same_twice_over(tmp_path: Path) -> None:
    old = filled(tmp_path / "old")
    new = carried(old, tmp_path / "new")
    for _ in range(2):
        assert numbered_collections(new.database) == {"b": 2, "c": 3}
        assert held(new.database) == held(old.database)
        assert new.meta("calibration") == {"bias": 2}
        assert new.meta("_index")["fingerprint"] == "another"
        assert {row["added"] for row in rows(new, documents)} == {"2020-02-02T00:00:00+00:00"}
        assert check(new) == []
        for table in metadata.sorted_tables:
            if table.name in ("feedback", "evals"):
                assert rows(new, table) == rows(old, table)
        carry(old, new)
    old.close()
    new.close()


def test_a_deleted_document_can_be_brought_back_in_the_new_build(tmp_path: Path) -> None:
    old = filled(tmp_path / "old")
    new = carried(old, tmp_path / "new")
    assert [deleted.id for deleted in Trash(new).documents("b")] == ["two"]
    assert Trash(new).source("b", "two") == Trash(old).source("b", "two")
    new.add("b", [document("four", ["4"])])
    new.add("b", [document("two", ["2"])])
    assert {listed.id for listed in new.documents("b")} == {"one", "two", "three", "four"}
    assert check(new) == []
    old.close()
    new.close()


def test_only_the_sources_asked_for_come(tmp_path: Path) -> None:
    store = filled(tmp_path / "old")
    assert [source.name for source in sources_of(store.database, "b", {"three", "gone"})] == [
        document("three", []).source.name
    ]
    store.close()
