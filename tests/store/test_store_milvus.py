"""What only the store on Milvus has to bear: a server that goes away or loses what it held, writers that die, and
copies that are behind."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import milvus_servers
import numpy as np
import pytest
from store_engines import drop, milvus_store
from store_samples import CODEC, DIMS, LATE, VERSIONS, document, encoding, open_store, seeded, unit

from qa.config import Settings
from qa.errors import ConfigError, EngineError
from qa.store import records
from qa.store.check import check, repair
from qa.store.milvus import counts
from qa.store.milvus.copy import compare, fill
from qa.store.milvus.filters import expression, quoted
from qa.store.milvus.place import Place, place_from
from qa.store.milvus.schema import cut
from qa.store.milvus.server import Server, has_bm25
from qa.store.milvus.store import MilvusStore
from qa.store.milvus.sweep import GRACE
from qa.types import Filters

QUOTES = ["alpha beta", "beta gamma", "gamma delta epsilon"]


@pytest.fixture(scope="module")
def lasting(milvus_lite_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusStore]:
    with milvus_store(milvus_lite_uri, tmp_path_factory.mktemp("lasting") / "index") as opened:
        yield opened


@pytest.fixture
def store(lasting: MilvusStore) -> MilvusStore:
    for info in lasting.collections():
        lasting.drop_collection(info.name)
    lasting.sweep(0)
    lasting.create_collection("default")
    return lasting


def found(store: MilvusStore, quote: str, limit: int = 9) -> list[str]:
    snapshot = store.snapshot("default")
    rows = snapshot.dense(encoding(quote).centred, "en", limit, None).rows
    return [passage.quote for passage in snapshot.passages(rows)]


def held(store: MilvusStore) -> set[int]:
    """The rows that the server has."""
    return {int(entity["row"]) for entity in store.place.server.query(store.name, "row > 0", ["row"])}


def rows_of(store: MilvusStore) -> set[int]:
    allowed = store.snapshot("default").allowed(Filters(language="en"))
    assert allowed is not None
    return set(allowed.rows.tolist())


def test_a_write_that_fails_leaves_nothing_to_be_found(store: MilvusStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add("default", [document("one", QUOTES)])
    before = held(store)

    def refuse(*_: object) -> None:
        raise EngineError("no")

    monkeypatch.setattr(counts, "note", refuse)
    with pytest.raises(EngineError):
        store.add("default", [document("two", ["zeta eta"])])
    monkeypatch.undo()
    assert held(store) == before
    assert set(found(store, "zeta eta")) == set(QUOTES)


def test_what_a_killed_writer_left_is_not_found_and_gives_way(store: MilvusStore) -> None:
    """SQLite gives the row numbers of a rolled-back transaction out again: the next writer meets what is there."""
    store.add("default", [document("one", QUOTES)])
    top = max(held(store))
    copied = store.place.server.query(store.name, f"row == {top}", ["*"])[0]
    left = {name: value for name, value in copied.items() if name != "sparse"}
    store.place.server.insert(store.name, [left | {"row": top + number} for number in (1, 2, 3)])
    assert len(found(store, "gamma delta epsilon")) == 3
    store.add("default", [document("two", ["zeta eta"])])
    assert held(store) == rows_of(store)
    assert found(store, "zeta eta", 1) == ["zeta eta"]


def test_what_was_deleted_is_swept_when_no_search_needs_it(store: MilvusStore) -> None:
    store.add("default", [document("one", QUOTES), document("two", ["zeta eta"])])
    old = store.snapshot("default")
    store.delete("default", "one")
    assert found(store, "beta gamma") == ["zeta eta"]
    store.publish("default")
    assert len(held(store)) == 4
    assert GRACE >= 60
    assert store.sweep(0) == 3
    assert held(store) == rows_of(store)
    rows = np.sort(old.dense(encoding("zeta eta").centred, "en", 9, None).rows)
    assert len(old.late_scores(unit(seeded("q"), 1, LATE), np.array([*rows, rows[0] - 1]))) == len(rows) + 1


def test_many_dead_candidates_do_not_hide_the_living(store: MilvusStore) -> None:
    near = encoding("near").centred
    given = document("many", [f"many {n}" for n in range(120)])
    alike = tuple(replace(new, encoding=replace(encoding("near"), centred=near)) for new in given.passages)
    store.add("default", [replace(given, passages=alike), document("one", QUOTES)])
    store.delete("default", "many")
    snapshot = store.snapshot("default")
    assert len(snapshot.dense(near, "en", 3, None).rows) == 3


def test_a_change_of_what_filters_see_reaches_them(store: MilvusStore) -> None:
    store.add("default", [document("one", QUOTES, publisher="Xinhua", published="2024-01-01")])
    before = rows_of(store)
    store.add("default", [document("one", QUOTES, publisher='The "Post"', published="2025-02-02")])
    assert before.isdisjoint(rows_of(store))
    snapshot = store.snapshot("default")
    for filters, expected in (
        (Filters(publisher="Xinhua"), 0),
        (Filters(publisher='The "Post"'), 3),
        (Filters(published_to="2024-12-31"), 0),
        (Filters(published_from="2025-01-01", document_ids=("one", "nope")), 3),
    ):
        allowed = snapshot.allowed(filters)
        assert len(snapshot.dense(encoding("alpha beta").centred, "en", 9, allowed).rows) == expected
    assert store.known("default", [new.encode_key for new in document("one", QUOTES).passages])
    store.add("default", [document("one", QUOTES, publisher='The "Post"', published="2025-02-02")])
    assert check(store) == []


def another(store: MilvusStore, root: Path, *, create: bool) -> MilvusStore:
    """As another process opens it, under the same name on the same server."""
    return MilvusStore.open(
        root,
        Place(Server(store.place.server.uri), store.place.alias),
        fingerprint="test",
        dims=DIMS,
        codec=CODEC,
        versions=VERSIONS,
        create=create,
    )


def test_counts_survive_folding_and_other_processes(store: MilvusStore) -> None:
    ids = np.arange(60, dtype=np.int32)
    other = another(store, store.root, create=False)
    try:
        for number in range(counts.FOLD + 3):
            store.add("default", [document(f"d{number}", [f"text {number}"])])
            if number % 10 == 0:
                assert other.snapshot("default").size == number + 1
        store.delete("default", "d3")
        store.publish("default")
        with store.database.reading() as connection:
            assert counts.lines(connection, records.head(connection, "default").id) == 1
        texts = [f"text {number}" for number in range(counts.FOLD + 3) if number != 3]
        expected = [sum(number in encoding(text).token_ids for text in texts) for number in ids]
        for one in (store, other):
            snapshot = one.snapshot("default")
            assert snapshot.document_frequency(ids).tolist() == expected
            assert (snapshot.size, snapshot.languages) == (len(texts), {"en": len(texts)})
    finally:
        other.close()


def test_a_copy_that_is_behind_is_not_searched_and_can_be_brought_up_to_date(store: MilvusStore) -> None:
    store.add("default", [document("one", QUOTES)])
    local = open_store(store.root, create=False)
    local.add("default", [document("two", ["zeta eta"])])
    local.delete("default", "one")
    local.close()
    with pytest.raises(EngineError) as caught:
        store.snapshot("default")
    assert caught.value.code == "milvus_behind"
    with pytest.raises(EngineError):
        store.add("default", [document("three", ["theta"])])
    assert {problem.code for problem in check(store)} == {"milvus"}
    assert repair(store) == []
    assert found(store, "zeta eta") == ["zeta eta"]
    assert held(store) == rows_of(store)
    store.add("default", [document("three", ["theta"])])
    assert len(found(store, "theta")) == 2


def test_altered_missing_and_stray_passages_are_named_and_put_right(store: MilvusStore) -> None:
    given = [document("one", QUOTES), document("two", ["zeta eta", "theta iota"]), document("three", ["kappa"])]
    store.add("default", given)
    server, rows = store.place.server, sorted(held(store))
    entity = dict(server.query(store.name, f"row == {rows[0]}", ["*"])[0])
    entity.pop("sparse", None)
    server.delete(store.name, rows[:2])
    server.insert(store.name, [entity | {"vector": entity["vector"][::-1]}])
    store.delete("default", "two")
    store.sweep(0)
    server.insert(store.name, [entity | {"row": rows[3]}])
    (difference,) = compare(store.copy, store.ready(), None)
    assert (difference.missing, difference.stray, difference.altered) == ((rows[1],), (rows[3],), (rows[0],))
    assert {problem.code for problem in check(store.root, store.place)} == {"milvus"}
    assert repair(store.root, store.place) == []
    assert found(store, "beta gamma", 1) == ["beta gamma"]


def test_a_collection_that_is_lost_is_said_and_made_again(milvus_lite_uri: str, tmp_path: Path) -> None:
    with milvus_store(milvus_lite_uri, tmp_path / "index") as store:
        store.create_collection("default")
        store.add("default", [document("one", QUOTES)])
        drop(store)
        with pytest.raises(EngineError) as caught:
            found(store, "beta gamma")
        assert caught.value.code == "milvus_lost"
        assert "qa doctor --repair" in caught.value.hint
        told: list[tuple[str, int, int]] = []
        fill(store.copy, lambda *progress: told.append(progress))
        assert ("default", 3, 3) in told
        assert found(store, "beta gamma", 1) == ["beta gamma"]
        assert check(store) == []


def test_two_indexes_do_not_take_one_name(store: MilvusStore, tmp_path: Path) -> None:
    other = another(store, tmp_path / "other", create=True)
    with pytest.raises(ConfigError):
        other.create_collection("default")
    other.close()


def test_a_server_that_goes_away_is_an_error_and_comes_back_by_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if missing := milvus_servers.lite_missing():
        pytest.skip(missing)
    port = milvus_servers.free_port()
    running = milvus_servers.start_lite(tmp_path / "server", port)
    try:
        with milvus_store(running.uri, tmp_path / "index", timeout=4) as store, caplog.at_level(logging.ERROR):
            store.create_collection("default")
            store.add("default", [document("one", QUOTES)])
            running.seal()
            running.stop()
            with pytest.raises(EngineError) as caught:
                found(store, "beta gamma")
            assert (caught.value.status, caught.value.code) == (503, "milvus_unavailable")
            began = time.monotonic()
            with pytest.raises(EngineError):
                store.notices()
            assert time.monotonic() - began < 3, "others are refused at once"
            with pytest.raises(EngineError):
                store.add("default", [document("two", ["zeta eta"])])
            assert [listed.id for listed in store.documents("default")] == ["one"]
            running = milvus_servers.start_lite(tmp_path / "server", port)
            time.sleep(1.1)
            assert found(store, "beta gamma", 1) == ["beta gamma"]
            store.add("default", [document("two", ["zeta eta"])])
            assert found(store, "zeta eta", 1) == ["zeta eta"]
            assert not caplog.records, "no tracebacks of the client"
    finally:
        running.stop()


@pytest.mark.parametrize(
    ("version", "expected"),
    [("v2.3.5-lite", False), ("v2.4.23", False), ("v2.5.0", True), ("2.6.6", True), ("milvus_lite-3.2.2", True)],
)
def test_words_are_ranked_by_servers_from_2_5_on(version: str, expected: bool) -> None:
    assert has_bm25(version) is expected


def test_settings_that_cannot_work_are_named() -> None:
    with pytest.raises(ConfigError) as caught:
        place_from(Settings(store="milvus"))
    assert "QA_MILVUS_URI" in caught.value.hint
    chosen = Settings(store="milvus", milvus_uri="http://10.0.0.1:19530", milvus_token="root:secret")
    assert "secret" not in repr(chosen) + repr(place_from(chosen))


def test_texts_are_never_operators() -> None:
    assert quoted('a" or row > 0 or "') == '"a\\" or row > 0 or \\""'
    assert quoted("caf\udce9") == '"caf\\\\udce9"'
    assert cut("新华社" * 300, 512) == "新华社" * 56 + "新华"
    assert expression(3, "zh", None) == 'collection == 3 and language == "zh"'
