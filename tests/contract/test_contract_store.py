"""What every store promises, run against each implementation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from store_engines import Fresh, Opening, Reused
from store_samples import DIMS, LATE, document, encoding, key, passage, seeded, unit

from qa.errors import ConflictError, EncoderError, InputError, NotFoundError
from qa.store.store import NewDocument, Snapshot, Store
from qa.types import Filters, Passage

QUOTES = ["alpha beta", "beta gamma", "gamma delta epsilon"]


ENGINES = {
    "local": (None, False),
    "postgres": (None, True),
    "milvus-lite": ("milvus_lite_uri", False),
    "milvus-lite over postgres": ("milvus_lite_uri", True),
    "milvus": ("milvus_uri", False),
}
"""The fixture of the Milvus server that searches, and whether the records are in PostgreSQL."""


@pytest.fixture(scope="session", params=list(ENGINES))
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opening]:
    """Gives empty stores. One on a server is used again: to make and drop a collection there takes seconds."""
    server, shared = ENGINES[request.param]
    database = request.getfixturevalue("postgres").database if shared else str
    if server is None:
        yield Fresh(tmp_path_factory, database)
        return
    with Reused(request.getfixturevalue(server), tmp_path_factory, database) as reused:
        yield reused


@pytest.fixture
def store(engine: Opening) -> Iterator[Store]:
    with engine.empty() as opened:
        opened.create_collection("default")
        yield opened


@pytest.fixture(params=["fresh", "half"])
def filled(request: pytest.FixtureRequest, store: Store) -> Store:
    """Three documents: none of them published, or two."""
    fill(store, request.param)
    return store


@pytest.fixture(scope="module", params=["fresh", "published", "half"])
def read(request: pytest.FixtureRequest, engine: Opening) -> Iterator[Store]:
    """The same, or all published, for tests that only read."""
    with engine.another() as opened:
        opened.create_collection("default")
        fill(opened, request.param)
        yield opened


def fill(store: Store, state: str) -> None:
    store.add("default", [document("one", QUOTES), document("zwei", ["eins zwei", "beta drei"], language="zh")])
    if state != "fresh":
        store.publish("default")
    store.add("default", [document("three", ["zeta eta"], publisher="Xinhua", published="2024-12-02")])
    if state == "published":
        store.publish("default")


def texts(snapshot: Snapshot, rows: np.ndarray) -> list[str]:
    return [passage.quote for passage in snapshot.passages(rows)]


def passages_of(store: Store, identity: str) -> list[Passage]:
    snapshot = store.snapshot("default")
    selection = snapshot.allowed(Filters(document_ids=(identity,)))
    assert selection is not None
    return snapshot.passages(selection.rows)


def found(store: Store, word: str) -> set[str]:
    snapshot = store.snapshot("default")
    return set(texts(snapshot, snapshot.lexical([word], 50, None).rows))


def test_collections_are_listed_with_their_counts(filled: Store) -> None:
    filled.create_collection("other-2")
    listed = {info.name: (info.documents, info.passages) for info in filled.collections()}
    assert listed == {"default": (3, 6), "other-2": (0, 0)}


@pytest.mark.parametrize("name", ["", "Über", "-a", "a" * 65, "a b", "a/b", "a;drop table"])
def test_bad_collection_names_are_refused(read: Store, name: str) -> None:
    with pytest.raises(InputError):
        read.create_collection(name)


def test_collection_that_exists_is_a_conflict(store: Store) -> None:
    with pytest.raises(ConflictError):
        store.create_collection("default")


def test_unknown_collection_is_not_found(store: Store) -> None:
    for ask in (
        lambda: store.snapshot("nope"),
        lambda: store.add("nope", [document("a", QUOTES)]),
        lambda: store.delete("nope", "a"),
        lambda: store.documents("nope"),
        lambda: store.known("nope", ["k"]),
        lambda: store.publish("nope"),
        lambda: store.drop_collection("nope"),
        lambda: list(store.fingerprints("nope")),
    ):
        with pytest.raises(NotFoundError):
            ask()


def test_dropped_collection_leaves_nothing_and_can_be_made_again(filled: Store) -> None:
    filled.drop_collection("default")
    assert filled.collections() == []
    filled.create_collection("default")
    snapshot = filled.snapshot("default")
    assert (snapshot.size, snapshot.languages) == (0, {})
    assert filled.known("default", [key(quote) for quote in QUOTES]) == set()


def test_documents_and_sources_come_back_as_they_were(read: Store) -> None:
    given = document("three", ["zeta eta"], publisher="Xinhua", published="2024-12-02")
    stored = read.document("default", "three")
    assert stored.metadata == given.source.metadata
    assert (stored.collection, stored.name, stored.format, stored.language) == ("default", "three.txt", "text", "en")
    assert (stored.characters, stored.passages, stored.raw_sha256) == (8, 1, given.source.raw_sha256)
    assert read.source_text("default", "three") == "zeta eta"
    assert read.removed("default", "three") == [(0, 1, "test")]
    assert read.find_raw("default", given.source.raw_sha256) == [stored]
    assert read.find_raw("default", "0" * 64) == []


def test_documents_are_listed_in_order_and_by_page(read: Store) -> None:
    assert [found.id for found in read.documents("default")] == ["one", "zwei", "three"]
    assert [found.id for found in read.documents("default", offset=1, limit=1)] == ["zwei"]
    assert list(read.documents_by_id("default", ["three", "none", "one"])) == ["one", "three"]


def test_unknown_document_is_not_found(filled: Store) -> None:
    for ask in (filled.document, filled.source_text, filled.removed, filled.delete):
        with pytest.raises(NotFoundError):
            ask("default", "nope")


def test_passages_quote_their_source(read: Store) -> None:
    snapshot = read.snapshot("default")
    rows = snapshot.lexical(["beta", "zeta", "eins", "delta"], 50, None).rows
    assert len(rows) == 6
    for found in snapshot.passages(rows):
        assert read.source_text("default", found.document_id)[found.start : found.end] == found.quote
        assert (found.text, found.search_text) == (found.quote, found.quote)


def test_sizes_and_languages(read: Store) -> None:
    snapshot = read.snapshot("default")
    assert snapshot.size == 6
    assert snapshot.languages == {"en": 4, "zh": 2}


def test_dense_ranks_one_language_by_inner_product(read: Store) -> None:
    snapshot = read.snapshot("default")
    query = encoding("beta gamma").centred
    result = snapshot.dense(query, "en", 3, None)
    expected = {quote: float(encoding(quote).centred @ query) for quote in [*QUOTES, "zeta eta"]}
    best = sorted(expected, key=expected.__getitem__, reverse=True)[:3]
    assert texts(snapshot, result.rows) == best
    assert best[0] == "beta gamma"
    np.testing.assert_allclose(result.scores, [expected[quote] for quote in best], atol=2e-3)
    assert len(snapshot.dense(query, "zh", 10, None).rows) == 2
    assert len(snapshot.dense(query, "other", 10, None).rows) == 0
    assert len(snapshot.dense(query, "en", 0, None).rows) == 0


def test_dense_refuses_a_vector_of_another_encoder(read: Store) -> None:
    snapshot = read.snapshot("default")
    with pytest.raises(EncoderError):
        snapshot.dense(np.zeros(DIMS + 1, np.float32), "en", 3, None)
    with pytest.raises(EncoderError):
        snapshot.dense(np.full(DIMS, np.nan, np.float32), "en", 3, None)


def test_equal_scores_are_ordered_by_row(store: Store) -> None:
    same = encoding("same")
    quotes = [f"copy {number}" for number in range(40)]
    given = document("copies", quotes)
    given = replace(given, passages=tuple(replace(new, encoding=same) for new in given.passages))
    store.add("default", [given])
    before = store.snapshot("default").dense(same.centred, "en", 40, None)
    assert (np.diff(before.rows) > 0).all()
    assert len(set(before.scores.tolist())) == 1
    store.publish("default")
    after = store.snapshot("default").dense(same.centred, "en", 40, None)
    assert after.rows.tolist() == before.rows.tolist()


def test_lexical_finds_any_word_and_scores_rarer_words_higher(store: Store) -> None:
    store.add("default", [document("d", [*(f"common text {n}" for n in range(9)), "common rare", "other thing"])])
    snapshot = store.snapshot("default")
    result = snapshot.lexical(["common", "rare", "absent"], 50, None)
    assert texts(snapshot, result.rows)[0] == "common rare"
    assert len(result.rows) == 10
    assert (result.scores > 0).all()
    assert (np.diff(result.scores) <= 0).all()
    assert len(snapshot.lexical(["common"], 3, None).rows) == 3
    assert len(snapshot.lexical(["absent"], 3, None).rows) == 0
    assert len(snapshot.lexical([], 3, None).rows) == 0


@pytest.mark.parametrize(
    "word", ['"', "'", '" OR "', "a*", "NOT", "words:x", "(", ")", "^a", "a-b", "{a}", "+", "-", "\0", "\ud800", "a\0b"]
)
def test_words_are_never_operators(read: Store, word: str) -> None:
    snapshot = read.snapshot("default")
    assert len(snapshot.lexical([word], 5, None).rows) == 0
    assert set(texts(snapshot, snapshot.lexical([word, "zeta"], 5, None).rows)) == {"zeta eta"}
    assert snapshot.word_frequency([word]).tolist() == [0]


def test_word_frequency_counts_passages(read: Store) -> None:
    words = ["beta", "gamma", "BETA", "nope", "zeta"]
    assert read.snapshot("default").word_frequency(words).tolist() == [3, 2, 3, 0, 1]


def test_statistics_of_collections_are_apart(filled: Store) -> None:
    filled.create_collection("second")
    filled.add("second", [document("x", ["beta"])])
    assert filled.snapshot("default").word_frequency(["beta"]).tolist() == [3]
    snapshot = filled.snapshot("second")
    assert (snapshot.size, snapshot.word_frequency(["beta", "gamma"]).tolist()) == (1, [1, 0])
    assert texts(snapshot, snapshot.lexical(["beta", "gamma"], 5, None).rows) == ["beta"]


def test_document_frequency_counts_passages(filled: Store) -> None:
    every = [*QUOTES, "eins zwei", "beta drei", "zeta eta"]
    ids = np.arange(60, dtype=np.int32)
    expected = [sum(number in encoding(quote).token_ids for quote in every) for number in ids]
    assert filled.snapshot("default").document_frequency(ids).tolist() == expected
    filled.delete("default", "one")
    expected = [sum(number in encoding(quote).token_ids for quote in every[3:]) for number in ids]
    assert filled.snapshot("default").document_frequency(ids).tolist() == expected


def test_vectors_and_late_scores_follow_the_order_of_rows(read: Store) -> None:
    snapshot = read.snapshot("default")
    rows = snapshot.lexical(["beta", "zeta", "delta"], 50, None).rows[::-1]
    quotes = texts(snapshot, rows)
    queries = unit(seeded("queries"), 4, LATE)
    np.testing.assert_allclose(snapshot.vectors(rows), [encoding(quote).vector for quote in quotes], atol=1e-3)
    for quote, scores in zip(quotes, snapshot.late_scores(queries, rows), strict=True):
        expected = queries @ encoding(quote).tokens.T
        assert scores.shape == expected.shape
        # Four bits over -1..1: each of 8 dimensions is off by at most 1/15, weighted by the question's vector.
        bound = np.abs(queries).sum(axis=1, keepdims=True) / 15
        assert (np.abs(scores - expected) <= bound + 1e-5).all()


def test_nothing_asked_nothing_answered(read: Store) -> None:
    snapshot, none = read.snapshot("default"), np.empty(0, dtype=np.int64)
    assert snapshot.late_scores(unit(seeded("q"), 2, LATE), none) == []
    assert snapshot.vectors(none).shape == (0, DIMS)
    assert snapshot.passages(none) == []
    assert snapshot.documents([]) == {}
    assert snapshot.copies([]) == {}


def test_rows_that_never_were_are_not_found(read: Store) -> None:
    snapshot, rows = read.snapshot("default"), np.array([10**15], dtype=np.int64)
    with pytest.raises(NotFoundError):
        snapshot.passages(rows)
    with pytest.raises(NotFoundError):
        snapshot.vectors(rows)
    with pytest.raises(NotFoundError):
        snapshot.late_scores(unit(seeded("q"), 1, LATE), rows)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(publisher="Xinhua"), {"zeta eta"}),
        (Filters(publisher="xinhua"), set()),
        (Filters(language="zh"), {"eins zwei", "beta drei"}),
        (Filters(published_from="2024-12-02"), {"zeta eta"}),
        (Filters(published_from="2024-12-03"), set()),
        (Filters(published_to="2024-12-02"), {"zeta eta"}),
        (Filters(published_to="2024-12-01"), set()),
        (Filters(document_ids=("one", "nope")), set(QUOTES)),
        (Filters(document_ids=()), set()),
        (Filters(document_ids=("zwei",), language="en"), set()),
    ],
)
def test_filters(read: Store, filters: Filters, expected: set[str]) -> None:
    snapshot = read.snapshot("default")
    allowed = snapshot.allowed(filters)
    assert allowed is not None
    assert (np.diff(allowed.rows) > 0).all()
    assert set(texts(snapshot, allowed.rows)) == expected
    query = unit(seeded("query"), DIMS)
    dense = np.concatenate([snapshot.dense(query, language, 50, allowed).rows for language in ("en", "zh", "other")])
    assert set(dense.tolist()) == set(allowed.rows.tolist())
    words = ["alpha", "beta", "gamma", "eins", "zeta"]
    assert set(snapshot.lexical(words, 50, allowed).rows.tolist()) == set(allowed.rows.tolist())


def test_no_filter_allows_all(read: Store) -> None:
    snapshot = read.snapshot("default")
    assert snapshot.allowed(None) is None
    assert snapshot.allowed(Filters()) is None


def test_copies_name_every_carrier_of_a_group(filled: Store) -> None:
    filled.add("default", [document("four", ["alpha beta", "new"], title="Vier")])
    snapshot = filled.snapshot("default")
    group = passage("alpha beta", 0).group
    assert snapshot.copies([group, "nope"]) == {group: [("one", "One"), ("four", "Vier")], "nope": []}


def test_fingerprints_come_back_unsigned(filled: Store) -> None:
    given = document("one", QUOTES)
    stored = [(group, value) for identity, group, value in filled.fingerprints("default") if identity == "one"]
    assert stored == [(new.group, value) for new, value in zip(given.passages, given.fingerprints, strict=True)]
    edge = replace(document("edge", ["a b"]), fingerprints=(2**64 - 1,))
    filled.add("default", [edge])
    assert [value for identity, _, value in filled.fingerprints("default") if identity == "edge"] == [2**64 - 1]


def test_known_encodings_need_not_be_given_again(filled: Store) -> None:
    keys = [key(quote) for quote in ("alpha beta", "never seen")]
    assert filled.known("default", keys) == {keys[0]}
    filled.add("default", [document("again", ["alpha beta"], encode=False)])
    assert filled.document("default", "again").passages == 1
    with pytest.raises(ConflictError) as caught:
        filled.add("default", [document("missing", ["never seen"], encode=False)])
    assert caught.value.code == "encoding_gone"
    assert filled.documents_by_id("default", ["missing"]) == {}


def test_encodings_are_forgotten_with_their_last_passage(filled: Store) -> None:
    filled.add("default", [document("again", ["alpha beta"])])
    filled.delete("default", "one")
    assert filled.known("default", [key("alpha beta"), key("beta gamma")]) == {key("alpha beta")}
    filled.delete("default", "again")
    assert filled.known("default", [key("alpha beta")]) == set()


def test_replaced_document_keeps_what_did_not_change(filled: Store) -> None:
    before = {found.quote: found.id for found in passages_of(filled, "one")}
    filled.add("default", [document("one", ["brand new", *QUOTES[1:]])])
    after = {found.quote: found for found in passages_of(filled, "one")}
    assert set(after) == {"brand new", *QUOTES[1:]}
    assert {quote: after[quote].id for quote in QUOTES[1:]} == {quote: before[quote] for quote in QUOTES[1:]}
    text = filled.source_text("default", "one")
    assert all(text[found.start : found.end] == quote for quote, found in after.items())
    assert [found.quote for found in sorted(after.values(), key=lambda found: found.ordinal)] == text.split("\n")
    assert found(filled, "alpha") == set()
    assert [listed.id for listed in filled.documents("default")] == ["one", "zwei", "three"]


def test_equal_quotes_of_a_document_have_ids_of_their_own(store: Store) -> None:
    store.add("default", [document("twice", ["same", "same", "other"])])
    assert len({found.id for found in passages_of(store, "twice")}) == 3


def test_deleted_document_is_gone_at_once(filled: Store) -> None:
    filled.delete("default", "one")
    assert found(filled, "alpha") == set()
    snapshot = filled.snapshot("default")
    assert (snapshot.size, snapshot.languages) == (3, {"en": 1, "zh": 2})
    assert texts(snapshot, snapshot.dense(encoding("alpha beta").centred, "en", 9, None).rows) == ["zeta eta"]
    with pytest.raises(NotFoundError):
        filled.document("default", "one")


def test_snapshot_does_not_see_later_writes(filled: Store) -> None:
    old = filled.snapshot("default")
    query = encoding("alpha beta").centred

    def view() -> tuple[object, ...]:
        rows = old.dense(query, "en", 50, None).rows
        return (
            old.size,
            old.languages,
            rows.tolist(),
            texts(old, rows),
            old.lexical(["alpha", "beta"], 50, None).rows.tolist(),
            old.word_frequency(["alpha", "beta", "fresh"]).tolist(),
            old.document_frequency(np.arange(60, dtype=np.int32)).tolist(),
            sorted(old.documents(["one", "zwei", "fresh"])),
            old.copies([passage("alpha beta", 0).group]),
            [scores.tolist() for scores in old.late_scores(unit(seeded("q"), 2, LATE), rows)],
        )

    before = view()
    filled.delete("default", "one")
    filled.add("default", [document("fresh", ["fresh beta"]), document("zwei", ["changed"])])
    assert view() == before
    filled.publish("default")
    assert view() == before
    assert found(filled, "beta") == {"fresh beta"}
    filled.drop_collection("default")
    assert view() == before


def test_all_documents_of_one_add_or_none(store: Store) -> None:
    bad = document("bad", ["x y"])
    bad = replace(bad, passages=(replace(bad.passages[0], encoding=None),))
    with pytest.raises(ConflictError):
        store.add("default", [document("good", QUOTES), bad])
    assert store.documents("default") == []
    assert store.snapshot("default").size == 0
    assert store.known("default", [key(quote) for quote in QUOTES]) == set()


def broken(change: str) -> NewDocument:
    given = document("d", ["alpha beta"])
    new = given.passages[0]
    match change:
        case "span":
            return replace(given, passages=(replace(new, piece=replace(new.piece, end=99)),))
        case "empty span":
            return replace(given, passages=(replace(new, piece=replace(new.piece, end=0)),))
        case "id":
            return replace(given, id="x" * 201)
        case "fingerprints":
            return replace(given, fingerprints=())
        case "key":
            return replace(given, passages=(replace(new, encode_key=""),))
        case "surrogate":
            return replace(given, source=replace(given.source, text="alpha bet\ud800"))
        case _:
            raise AssertionError(change)


def test_documents_that_contradict_themselves_are_refused(store: Store) -> None:
    for change in ("span", "empty span", "id", "fingerprints", "key", "surrogate"):
        with pytest.raises(InputError):
            store.add("default", [broken(change)])
        assert store.documents("default") == []


def test_encodings_that_do_not_fit_are_refused(store: Store) -> None:
    right = encoding("alpha beta")
    given = document("d", ["alpha beta"])
    for wrong in (
        replace(right, vector=np.zeros(DIMS + 1, np.float32)),
        replace(right, centred=np.full(DIMS, np.inf, np.float32)),
        replace(right, tokens=np.zeros((2, LATE + 2), np.float32)),
        replace(right, tokens=np.full((2, LATE), np.nan, np.float32)),
        replace(right, token_ids=np.array([-1], np.int32)),
    ):
        with pytest.raises(EncoderError):
            store.add("default", [replace(given, passages=(replace(given.passages[0], encoding=wrong),))])
        assert store.documents("default") == []


def test_one_document_twice_in_one_add_is_refused(store: Store) -> None:
    with pytest.raises(InputError):
        store.add("default", [document("d", ["a b"]), document("d", ["c d"])])


def test_empty_things_are_fine(store: Store) -> None:
    store.add("default", [])
    store.add("default", [document("empty", [])])
    store.publish("default")
    snapshot = store.snapshot("default")
    assert snapshot.size == 0
    assert len(snapshot.dense(unit(seeded("q"), DIMS), "en", 5, None).rows) == 0
    assert snapshot.document_frequency(np.array([1], np.int32)).tolist() == [0]
    given = document("wordless", ["!!!"])
    tokenless = replace(given.passages[0], encoding=encoding("!!!", tokens=0))
    store.add("default", [replace(given, passages=(tokenless,))])
    snapshot = store.snapshot("default")
    rows = snapshot.dense(unit(seeded("q"), DIMS), "en", 5, None).rows
    assert [scores.shape for scores in snapshot.late_scores(unit(seeded("q"), 3, LATE), rows)] == [(3, 0)]


def test_odd_names_are_kept_readable(store: Store) -> None:
    given = document("odd", ["a b"])
    store.add("default", [replace(given, source=replace(given.source, name="caf\udce9.txt"))])
    assert store.document("default", "odd").name == "caf\\udce9.txt"


def test_notes_are_kept(store: Store) -> None:
    assert store.meta("calibration") is None
    store.set_meta("calibration", {"weights": [1.5, -2], "名": None})
    assert store.meta("calibration") == {"weights": [1.5, -2], "名": None}
    store.set_meta("calibration", None)
    assert store.meta("calibration") is None
    for name, value in (("BAD KEY", 1), ("ok", object()), ("ok", float("nan"))):
        with pytest.raises(InputError):
            store.set_meta(name, value)
