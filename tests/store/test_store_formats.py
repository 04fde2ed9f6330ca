"""An index that an earlier version wrote is opened, brought up to date, backed up, and encoded anew."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from store_samples import SAFELY, document, open_store

from qa.config import Settings
from qa.index import Index
from qa.store import migrations
from qa.store.backup import restore_backup, write_backup
from qa.store.check import check
from qa.store.local import LocalStore

DATA = Path(__file__).parents[1] / "data"
FORMATS = sorted(path.parent.name for path in DATA.glob("format-*/index.tar.gz"))


@pytest.fixture(params=FORMATS)
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(DATA / request.param / "index.tar.gz") as archive:
        archive.extractall(tmp_path, **SAFELY)
    return tmp_path / "index"


def quotes(store: LocalStore) -> list[str]:
    snapshot = store.snapshot("default")
    rows = snapshot.lexical(["one", "two", "three", "four"], 9, None).rows
    return sorted(passage.quote for passage in snapshot.passages(rows))


def test_there_is_an_earlier_format() -> None:
    assert FORMATS
    assert f"format-{migrations.HEAD}" not in FORMATS


def test_it_opens_and_nothing_is_missing(earlier: Path) -> None:
    store = open_store(earlier, create=False)
    assert quotes(store) == ["four five", "one two", "two three"]
    assert [listed.id for listed in store.documents("other")] == ["a"]
    assert store.meta("calibration") == {"bias": 1}
    store.add("default", [document("d", ["one more"])])
    store.publish("default")
    assert check(store) == []
    store.close()
    assert check(earlier) == []


def test_the_doctor_works_on_it_at_once(earlier: Path) -> None:
    assert check(earlier) == []


def test_it_is_backed_up_and_restored(earlier: Path, tmp_path: Path) -> None:
    write_backup(earlier, tmp_path / "backup")
    restore_backup(tmp_path / "backup", tmp_path / "target")
    store = open_store(tmp_path / "target", create=False)
    assert quotes(store) == ["four five", "one two", "two three"]
    store.close()


def test_it_is_encoded_anew(earlier: Path, one_encoder: None) -> None:
    from qa.commands.reencode import reencode

    settings = Settings(index_dir=earlier)
    reencode(settings)
    with Index.open(settings=settings) as index:
        assert [document.id for document in index.documents()]
        assert index.store.meta("calibration") == {"bias": 1}
        assert {info.name for info in index.collections()} == {"default", "other"}
        assert check(index.store) == []
