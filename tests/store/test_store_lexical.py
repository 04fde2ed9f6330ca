"""The lexical index: that leaving rows unscored does not change what is found, and filters that are large."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from store_samples import document, encoding, open_store, seeded

from qa.store import lexical, lexical_sqlite
from qa.store.local import LocalStore
from qa.types import Filters


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStore]:
    """3000 passages: `half` is in 1500, `third` in 1000, `some` in 600, `few` in 30, `one` in 1."""
    store = open_store(tmp_path_factory.mktemp("large") / "index")
    store.create_collection("default")
    rng, shared = seeded("large"), encoding("shared")
    words = {2: "half", 3: "third", 5: "some", 100: "few", 3000: "one"}
    for batch in range(30):
        numbers = range(batch * 100, batch * 100 + 100)
        quotes = [
            " ".join([f"n{n}", *(word for step, word in words.items() if n % step == 0), *["x"] * int(rng.integers(9))])
            for n in numbers
        ]
        given = document(f"d{batch}", quotes)
        passages = tuple(replace(new, encoding=shared, encode_key="shared") for new in given.passages)
        store.add("default", [replace(given, passages=passages)])
    yield store
    store.close()


def scored_in_full(store: LocalStore, words: list[str], limit: int) -> list[int]:
    """BM25 of every row with any of the words."""
    table = "lexical_1"
    match = " OR ".join(f'"{word}"' for word in words)
    with store.database.reading() as connection:
        found = connection.exec_driver_sql(
            f"SELECT rowid FROM {table} WHERE {table} MATCH ? ORDER BY bm25({table}), rowid LIMIT ?", (match, limit)
        )
        return [row for (row,) in found]


@pytest.mark.parametrize(
    "words", [["one", "half", "third"], ["few", "some", "half"], ["some", "third"], ["half"], ["n77", "n78", "x"]]
)
def test_scoring_fewer_rows_finds_the_same(large: LocalStore, words: list[str]) -> None:
    result = large.snapshot("default").lexical(words, 30, None)
    expected = scored_in_full(large, words, 30)
    assert result.rows.tolist() == expected[: len(result.rows)]
    assert len(result.rows) == 30 or words == ["n77", "n78", "x"]


@pytest.mark.parametrize(
    ("counts", "limit", "kept"),
    [
        ([40, 300, 3000], 30, 2),  # 340 rows are more than asked for, 3340 too many
        ([40, 1200], 30, 2),
        ([40, 900, 1500], 30, 3),
        ([40, 900, 1600], 30, 2),
        ([20, 9000], 30, 2),  # 20 rows are too few
        ([600, 500, 1], 30, 2),
        ([600, 500, 1], 1100, 2),
        ([600, 500, 1], 1101, 3),
        ([5], 30, 1),
    ],
)
def test_which_words_choose_the_rows_that_are_scored(counts: list[int], limit: int, kept: int) -> None:
    words = [f"w{place}" for place in range(len(counts))]
    assert lexical._rarest(words, dict(zip(words, counts, strict=True)), limit) == words[:kept]


def test_words_in_most_passages_count_only_where_there_is_no_other(large: LocalStore) -> None:
    snapshot = large.snapshot("default")
    assert int(snapshot.word_frequency(["x"])[0]) > 1500
    assert len(snapshot.lexical(["x", "one"], 5, None).rows) == 1
    assert len(snapshot.lexical(["x"], 5, None).rows) == 5


def test_frequent_words_are_left_out_where_they_would_take_too_long(
    large: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lexical, "_MOST_VISITED", 1100)
    snapshot = large.snapshot("default")
    assert snapshot.lexical(["few", "third", "some"], 30, None).rows.tolist() == scored_in_full(
        large, ["few", "some"], 30
    )
    assert len(snapshot.lexical(["half"], 30, None).rows) == 30


@pytest.mark.parametrize(("word", "there"), [("few", 30), ("some", 600), ("third", 1000), ("half", 1500)])
def test_frequent_words_are_counted_in_part(
    large: LocalStore, monkeypatch: pytest.MonkeyPatch, word: str, there: int
) -> None:
    """They are spread evenly here, so that the estimate is off by one step at most."""
    monkeypatch.setattr(lexical_sqlite, "_COUNTED", 700)
    with large.database.reading() as connection:
        (counted,) = lexical.count(connection, 1, [f'"{word}"']).values()
    assert abs(counted - there) <= (3 if there > 700 else 0)


def test_large_and_small_filters(large: LocalStore) -> None:
    snapshot = large.snapshot("default")
    for documents in (2, 25):
        allowed = snapshot.allowed(Filters(document_ids=tuple(f"d{n}" for n in range(documents))))
        assert allowed is not None
        full = scored_in_full(large, ["few", "half"], 5000)
        expected = [row for row in full if row in set(allowed.rows.tolist())][:40]
        assert snapshot.lexical(["few", "half"], 40, allowed).rows.tolist() == expected
    assert len(snapshot.lexical(["few"], 5, snapshot.allowed(Filters(document_ids=()))).rows) == 0


def test_long_questions_are_cut_to_their_rarest_words(large: LocalStore) -> None:
    snapshot = large.snapshot("default")
    words = ["half", "third", *(f"n{n}" for n in range(200))]
    result = snapshot.lexical(words, 1000, None)
    quotes = {found.quote.split()[0] for found in snapshot.passages(result.rows)}
    assert len(result.rows) == lexical.MOST_WORDS
    assert quotes <= set(words)
    assert len(snapshot.lexical(["absent"] + ["few"] * 5000, 3, None).rows) == 3


def test_counts_are_remembered_and_forgotten_with_the_state(large: LocalStore) -> None:
    snapshot = large.snapshot("default")
    assert snapshot.word_frequency(["few", "few", "FEW"]).tolist() == [30, 30, 30]
    large.add("default", [document("more", ["few more"])])
    assert snapshot.word_frequency(["few", "more"]).tolist() == [30, 0]
    assert large.snapshot("default").word_frequency(["few", "more"]).tolist() == [31, 1]
    large.delete("default", "more")
    assert large.snapshot("default").word_frequency(["few", "more"]).tolist() == [30, 0]
