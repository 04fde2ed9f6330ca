"""Verdicts and the history of evals: kept, bounded, dealt with once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from store_samples import open_store

from qa.errors import ConflictError, DamagedIndexError, NotFoundError
from qa.store import feedback, history
from qa.store.backup import restore_backup, write_backup
from qa.store.database import Database
from qa.store.feedback import NewVerdict
from qa.store.tables import evals


@pytest.fixture
def database(tmp_path: Path, records_url: str) -> Iterator[Database]:
    store = open_store(tmp_path / "index", url=records_url)
    yield store.database
    store.close()


def given(question: str, collection: str = "default") -> NewVerdict:
    return NewVerdict(collection, question, "down", comment="查无此事")


def test_verdicts_are_listed_newest_first_by_collection(database: Database) -> None:
    for question, collection in (("一", "a"), ("二", "b"), ("三", "a")):
        feedback.add(database, given(question, collection))
    found, total = feedback.listed(database, collections=["a"])
    assert ([one.question for one in found], total) == (["三", "一"], 2)
    assert feedback.listed(database, offset=1, limit=1)[0][0].question == "二"
    assert feedback.listed(database, collections=[]) == ([], 0)


def test_a_verdict_is_dealt_with_once(database: Database) -> None:
    one = feedback.add(database, given("问"))
    assert (one.state, one.comment, one.taken_as) == ("pending", "查无此事", None)
    feedback.settle(database, one.number, "taken", "a001.zh a001.en")
    assert feedback.verdict(database, one.number).taken_as == "a001.zh a001.en"
    assert feedback.listed(database) == ([], 0)
    assert feedback.listed(database, state=None)[1] == 1
    with pytest.raises(ConflictError, match="was taken already"):
        feedback.settle(database, one.number, "dismissed")
    with pytest.raises(NotFoundError):
        feedback.settle(database, 99, "dismissed")


def test_only_so_many_are_kept_and_those_dealt_with_go_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedback, "MOST", 2)
    first = feedback.add(database, given("一"))
    second = feedback.add(database, given("二"))
    feedback.settle(database, second.number, "dismissed")
    for question in ("三", "四"):
        feedback.add(database, given(question))
    assert first.number == 1
    assert [one.question for one in feedback.listed(database, state=None)[0]] == ["四", "三"]


def test_an_eval_is_remembered_with_its_report(database: Database) -> None:
    identity = history.begin(database, {"set": "s"})
    assert history.report(database, identity) is None
    history.note(database, identity, {"set": "s", "progress": {"done": 1, "total": 2}})
    assert history.run(database, identity).about["progress"]["done"] == 1
    history.finish(database, identity, {"set": "s"}, {"cells": {}}, {"lost": [{"text": "问"}]})
    done = history.run(database, identity)
    assert (done.state, done.figures) == ("done", {"cells": {}})
    assert history.report(database, identity) == {"lost": [{"text": "问"}]}
    with pytest.raises(NotFoundError):
        history.report(database, "other")


def test_only_the_last_evals_are_remembered(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "KEPT", 2)
    made = [history.begin(database, {"set": name}) for name in "abc"]
    assert [run.id for run in history.runs(database)] == made[:0:-1]


def test_a_damaged_report_is_told(database: Database) -> None:
    identity = history.begin(database, {})
    with database.writing() as connection:
        connection.execute(evals.update().values(report=b"no"))
    with pytest.raises(DamagedIndexError, match="Run the eval again|damaged"):
        history.report(database, identity)


def test_a_backup_holds_verdicts_and_evals(tmp_path: Path) -> None:
    store = open_store(tmp_path / "index")
    feedback.add(store.database, given("问"))
    identity = history.begin(store.database, {"set": "s"})
    history.finish(store.database, identity, {"set": "s"}, {"cells": {}}, {"lost": []})
    store.close()
    write_backup(tmp_path / "index", tmp_path / "b.qabackup")
    restore_backup(tmp_path / "b.qabackup", tmp_path / "again")
    again = open_store(tmp_path / "again", create=False)
    assert feedback.listed(again.database)[0][0].question == "问"
    assert history.report(again.database, identity) == {"lost": []}
    again.close()
