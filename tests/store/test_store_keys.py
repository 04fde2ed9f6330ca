from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_samples import open_store

from qa.errors import InputError, NotFoundError
from qa.store.keys import KeyInfo, Keys
from qa.store.local import LocalStore
from qa.store.opening import open_existing


@pytest.fixture
def store(tmp_path: Path, records_url: str) -> Iterator[LocalStore]:
    opened = open_store(tmp_path / "index", url=records_url)
    yield opened
    opened.close()


def test_a_key_is_found_by_its_token_and_by_no_other(store: LocalStore) -> None:
    made, token = store.keys.create("reader")
    assert re.fullmatch(r"citeqa_[0-9a-f]{12}_[\w-]{43}", token)
    assert store.keys.find(token) == made
    last = "A" if token[-1] != "A" else "E"
    for wrong in (
        token[:-1] + last,
        token[:-1],
        token + "A",
        f"citeqa_{made.id}_",
        "citeqa_",
        "",
        "citeqa__",
        "\ud800",
    ):
        assert store.keys.find(wrong) is None


def test_the_token_is_not_on_disk(tmp_path: Path) -> None:
    store = open_store(tmp_path / "index")
    _, token = store.keys.create("reader")
    store.close()
    kept = b"".join(path.read_bytes() for path in store.directory.rglob("*") if path.is_file())
    assert b"reader" in kept
    assert token.encode() not in kept
    assert token.rpartition("_")[2].encode() not in kept


def test_limits_are_kept(store: LocalStore) -> None:
    made, _ = store.keys.create("w", "write", collections=["b", "a", "b"], origins=["https://x.example"], days=3)
    assert (made.scope, made.collections, made.origins) == ("write", ("b", "a"), ("https://x.example",))
    assert made.expires is not None
    assert store.keys.list() == [made]
    assert store.keys.origins() == {"https://x.example"}


def test_no_collection_is_not_every_collection(store: LocalStore) -> None:
    _, token = store.keys.create("none", collections=[])
    found = store.keys.find(token)
    assert found is not None
    assert found.collections == ()


def test_a_revoked_key_is_known_to_others_at_once_and_stays_listed(store: LocalStore) -> None:
    made, token = store.keys.create("reader", origins=["https://x.example"])
    other = open_existing(store.location)
    Keys(other).revoke(made.id)
    other.close()
    found = store.keys.find(token)
    assert found is not None
    assert not found.good("2000-01-01T00:00:00+00:00")
    assert store.keys.any()
    assert store.keys.origins() == frozenset()
    with pytest.raises(NotFoundError):
        store.keys.revoke(made.id)


def test_an_expired_key_is_not_good() -> None:
    key = KeyInfo("a", "b", "read", None, (), "2026-01-01T00:00:00+00:00", expires="2026-01-02T00:00:00+00:00")
    assert key.good("2026-01-01T23:59:59+00:00")
    assert not key.good("2026-01-02T00:00:00+00:00")


def test_last_use_is_noted(store: LocalStore) -> None:
    made, _ = store.keys.create("reader")
    store.keys.note_used({made.id: "2026-01-01T00:00:00+00:00", "gone": "2026-01-01T00:00:00+00:00"})
    assert [key.used for key in store.keys.list()] == ["2026-01-01T00:00:00+00:00"]


@pytest.mark.parametrize(
    "wrong", [{"label": " "}, {"label": "x" * 201}, {"label": "a\nb"}, {"days": 0}, {"collections": ["a"] * 101}]
)
def test_what_a_key_cannot_be(store: LocalStore, wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        store.keys.create(**({"label": "x"} | wrong))  # type: ignore[arg-type]
    assert not store.keys.any()
