"""`qa migrate` as it is typed: the shipped corpus to PostgreSQL and back, searched alike on both sides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from postgres_server import Postgres

from qa.cli import run as command
from qa.config import settings as read_settings
from qa.errors import IndexError_
from qa.evaluate import agreement
from qa.index import Index

SECRET = "s3cret-of-the-database"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = command(arguments)
    said = capsys.readouterr()
    return code, said.out, said.err


def use(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    read_settings.cache_clear()


@pytest.fixture
def corpus(fresh_settings: Path, corpus_index: Index, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The session's index is what the settings name: it is only read."""
    use(monkeypatch, QA_INDEX_DIR=str(corpus_index.store.root))
    return corpus_index.store.root


def test_the_corpus_moves_to_postgresql_and_back(
    corpus: Path,
    postgres: Postgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = postgres.database().replace("postgres:@", f"postgres:{SECRET}@")
    here = json.loads(run(capsys, "search", "昌平区有多少家医药健康企业？", "--json")[1])["hits"]

    there = str(tmp_path / "there")
    code, said, errors = run(capsys, "migrate", "--to", "local", "--database-url", url, "--index-dir", there, "--json")
    report = json.loads(said)
    assert code == 0, errors
    assert report["searches"] == {"asked": 5, "agreed": 5, "difference": 0.0, "apart": []}
    assert report["records"]["tables"]["documents"]["rows"] == 5
    assert len({len(table["checksum"]) for table in report["records"]["tables"].values()}) == 1
    assert SECRET not in said + errors

    use(monkeypatch, QA_DATABASE_URL=url, QA_INDEX_DIR=there)
    assert json.loads(run(capsys, "search", "昌平区有多少家医药健康企业？", "--json")[1])["hits"] == here
    assert run(capsys, "doctor")[0] == 0
    assert run(capsys, "keys", "create", "reader")[0] == 0
    assert run(capsys, "backup", str(tmp_path / "backup"))[0] == 2

    back = tmp_path / "back"
    code, said, _ = run(capsys, "migrate", "--to", "local", "--database-url", "sqlite", "--index-dir", str(back))
    assert code == 0
    assert "5 of 5 searches agree" in said
    use(monkeypatch, QA_DATABASE_URL="", QA_INDEX_DIR=str(back))
    assert json.loads(run(capsys, "search", "昌平区有多少家医药健康企业？", "--json")[1])["hits"] == here
    assert "reader" in run(capsys, "keys", "list")[1]
    assert run(capsys, "doctor")[0] == 0


def test_there_has_to_be_an_index(fresh_settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, errors = run(capsys, "migrate", "--to", "local", "--index-dir", str(tmp_path / "other"))
    assert code == 1
    assert "There is no index" in errors


def test_where_it_cannot_go(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = ("migrate", "--to", "local", "--index-dir", str(tmp_path / "other"))
    assert run(capsys, "migrate", "--to", "local")[0] == 2
    assert run(capsys, "migrate", "--to", "local", "--database-url", "mysql://u:p@h/n")[0] == 2
    assert run(capsys, *target)[0] == 0
    code, _, errors = run(capsys, *target)
    assert code == 1
    assert "--force" in errors
    assert run(capsys, *target, "--force")[0] == 0


def test_a_search_that_finds_something_else_is_told(corpus_index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    assert agreement.agreement(corpus_index, corpus_index, 3).agreed == 3
    monkeypatch.setattr(agreement, "TOLERANCE", -1.0)
    found = agreement.agreement(corpus_index, corpus_index, 3)
    assert found.agreed == 0
    assert len(found.apart) == found.asked == 3


def test_the_corpus_moves_to_milvus_over_postgresql_and_back(
    milvus_lite_uri: str,
    corpus: Path,
    postgres: Postgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, there = postgres.database(), str(tmp_path / "there")
    use(monkeypatch, QA_MILVUS_URI=milvus_lite_uri, QA_MILVUS_ALIAS="moved")
    to_milvus = ("migrate", "--to", "milvus", "--database-url", url, "--index-dir", there, "--json")
    code, said, errors = run(capsys, *to_milvus)
    assert code == 0, errors
    assert json.loads(said)["searches"]["asked"] == 5
    use(monkeypatch, QA_STORE="milvus", QA_DATABASE_URL=url, QA_INDEX_DIR=there)
    assert run(capsys, "doctor")[0] == 0
    back = str(tmp_path / "back")
    code, said, errors = run(
        capsys, "migrate", "--to", "local", "--database-url", "sqlite", "--index-dir", back, "--json"
    )
    assert code == 0, errors
    assert json.loads(said)["records"]["tables"]["encodings"]["rows"] > 0
    use(monkeypatch, QA_STORE="local", QA_DATABASE_URL="", QA_INDEX_DIR=back)
    assert run(capsys, "doctor")[0] == 0


def test_a_new_build_beside_the_old_one_in_postgresql_and_back(
    fresh_settings: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = postgres.database()
    use(monkeypatch, QA_DATABASE_URL=url)
    article = fresh_settings.parent / "crane.txt"
    article.write_text("丹顶鹤在扎龙湿地过冬，巡护员刘海每天投喂玉米二百斤。\n" * 2, encoding="utf-8")
    assert run(capsys, "ingest", str(article))[0] == 0
    with Index.open() as served:
        first = served.store.build.schema
        assert run(capsys, "doctor", "--rollback")[0] == 1  # nothing is kept yet
        code, _, errors = run(capsys, "doctor", "--reencode")
        assert code == 0, errors
        assert run(capsys, "keys", "create", "after")[0] == 0
        assert served.search("投喂多少玉米？").hits  # who has the earlier build open reads on
        with pytest.raises(IndexError_) as caught:
            served.create_collection("late")
        assert caught.value.code == "index_replaced"
    with Index.open() as served:
        assert served.store.build.schema != first
        assert [one.name for one in served.documents()] == ["crane.txt"]
        assert served.check() == []
    assert run(capsys, "doctor", "--rollback", "--yes")[0] == 0
    assert "after" in run(capsys, "keys", "list")[1]
    with Index.open() as served:
        assert served.store.build.schema == first
    assert run(capsys, "doctor", "--drop-previous")[0] == 0
    with Index.open() as served, served.store.database.reading() as connection:
        names = connection.exec_driver_sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'citeqa_%%'").scalars()
        assert list(names) == [first]
