"""The doctor: every kind of damage is found, and what is derived is put right."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_samples import document, encoding, open_store

from qa.errors import NoIndexError
from qa.store.check import Problem, check, repair
from qa.store.local import LocalStore


@pytest.fixture
def made(tmp_path: Path) -> Path:
    path = tmp_path / "index"
    store = open_store(path)
    store.create_collection("default")
    store.add("default", [document("a", ["one two", "two three"]), document("b", ["three four"])])
    store.publish("default")
    store.add("default", [document("c", ["four five"])])
    store.close()
    return path


def codes(problems: list[Problem]) -> set[str]:
    return {problem.code for problem in problems}


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path / "citeqa.sqlite", isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def segment_files(path: Path) -> Iterator[Path]:
    return iter(sorted((path / "generations" / "1" / "1").iterdir()))


def words_found(path: Path) -> set[str]:
    store = open_store(path)
    snapshot = store.snapshot("default")
    rows = snapshot.lexical(["one", "three", "five"], 9, None).rows
    found = {passage.quote for passage in snapshot.passages(rows)}
    assert len(snapshot.dense(encoding("q").centred, "en", 9, None).rows) == snapshot.size == 4
    store.close()
    return found


ALL = {"one two", "two three", "three four", "four five"}


def test_a_sound_index_has_no_problems(made: Path) -> None:
    assert check(made) == []
    assert repair(made) == []
    store = open_store(made)
    assert check(store) == []
    store.publish("default")
    store.delete("default", "a")
    assert check(store) == []
    store.close()


def test_no_index_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoIndexError):
        check(tmp_path)


def test_a_flipped_byte_in_any_derived_file_is_found_and_repaired(made: Path) -> None:
    for name in [path.name for path in segment_files(made)]:
        (file,) = (made / "generations" / "1").glob(f"*/{name}")
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 0x10
        file.write_bytes(data)
        problems = check(made)
        assert codes(problems) == {"segment"}
        assert name in problems[0].message
        assert all(problem.repairable for problem in problems)
        assert repair(made) == []
        assert check(made) == []
    assert words_found(made) == ALL


@pytest.mark.parametrize("open_first", [False, True])
def test_missing_files_and_strays_are_found_and_repaired(made: Path, open_first: bool) -> None:
    next(segment_files(made)).unlink()
    (made / "generations" / "7" / "1").mkdir(parents=True)
    (made / "generations" / "1" / "99").mkdir()
    assert codes(check(made)) == {"segment", "orphan_files"}
    if open_first:
        open_store(made).close()
    assert repair(made) == []
    assert words_found(made) == ALL


def test_a_damaged_manifest_is_found_and_repaired(made: Path) -> None:
    (made / "manifest.json").write_text("{}")
    assert codes(check(made)) == {"manifest"}
    assert repair(made) == []
    assert words_found(made) == ALL


def test_a_lexical_index_that_disagrees_is_found_and_repaired(made: Path) -> None:
    change(made, "INSERT INTO lexical_1(lexical_1, rowid, words) VALUES ('delete', 1, 'one two')")
    assert codes(check(made)) == {"words"}
    assert repair(made) == []
    assert words_found(made) == ALL
    change(made, "DROP TABLE lexical_1")
    assert codes(check(made)) == {"words"}
    assert repair(made) == []
    assert words_found(made) == ALL


def test_orphans_are_found_and_removed(made: Path) -> None:
    change(
        made,
        "INSERT INTO encodings SELECT 99, 1, 'lost', fingerprint, checksum, vector, centred, tokens, token_ids "
        "FROM encodings LIMIT 1",
        "INSERT INTO sources SELECT 99, text, pages, headings, main, removed FROM sources LIMIT 1",
    )
    assert codes(check(made)) == {"orphan_encoding", "orphan_source", "database"}  # a source without its document
    assert repair(made) == []


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE passages SET quote = 'one twO' WHERE row = 1", "quote"),
        ('UPDATE passages SET "end" = 6 WHERE row = 1', "quote"),
        ("UPDATE passages SET text = 'one twO' WHERE row = 1", "passage"),
        ("UPDATE passages SET search_text = '' WHERE row = 1", "passage"),
        ("UPDATE encodings SET vector = zeroblob(32) WHERE id = 1", "encoding"),
        ("UPDATE encodings SET tokens = x'00' WHERE id = 1", "encoding"),
        ("UPDATE sources SET text = x'00' WHERE document_number = 1", "source"),
        ("UPDATE sources SET text = (SELECT text FROM sources WHERE document_number = 2)", "source"),
        ("UPDATE documents SET passages = 5 WHERE number = 1", "passages"),
        ("UPDATE passages SET document_number = 77 WHERE row = 1", "database"),
    ],
)
def test_damage_to_records_is_named(made: Path, statement: str, code: str) -> None:
    change(made, statement)
    problems = check(made)
    assert code in codes(problems)
    assert all(not problem.repairable for problem in problems if problem.code == code)
    assert code in codes(repair(made))


def holds_nothing(page: bytes) -> bool:
    """A leaf of a tree without entries (https://www.sqlite.org/fileformat.html#b_tree_pages)."""
    return page[0] in (0x0A, 0x0D) and page[3:5] == b"\0\0"


def test_damage_to_the_database_file_is_named_not_raised(made: Path) -> None:
    file = made / "citeqa.sqlite"
    whole = file.read_bytes()
    pages = [whole[start : start + 8192] for start in range(0, len(whole), 8192)]
    missed = []
    for number, page in enumerate(pages):
        if holds_nothing(page):
            continue
        # A page is filled from its end.
        harmed = page[:-64] + bytes(byte ^ 0xFF for byte in page[-64:])
        file.write_bytes(b"".join([*pages[:number], harmed, *pages[number + 1 :]]))
        if not check(made):
            missed.append(number)
    file.write_bytes(b"not a database" * 1000)
    assert codes(check(made)) == {"database"}
    file.write_bytes(whole)
    assert check(made) == []
    assert missed == []


def test_an_index_of_the_database_is_made_again(made: Path) -> None:
    change(
        made,
        "PRAGMA writable_schema=ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'raw_sha256', 'name') WHERE name = 'ix_documents_raw'",
    )
    problems = check(made)
    assert {(problem.code, problem.repairable) for problem in problems} == {("database", True)}
    assert repair(made) == []


def test_repair_works_on_an_open_store(made: Path) -> None:
    store = open_store(made)
    assert store.snapshot("default").size == 4
    file = next(segment_files(made))
    file.write_bytes(bytes(reversed(file.read_bytes())))
    assert repair(store) == []
    assert store.snapshot("default").size == 4
    assert isinstance(store, LocalStore)
    store.close()
