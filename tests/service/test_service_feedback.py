"""Feedback and evals over HTTP: who may say and see what, bounds, and an eval from beginning to end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.types import Scope

from qa.index import Index
from qa.ingest.read import read_text
from qa.service.access import Caller
from qa.service.app import create_app
from qa.service.evals import EvalResponse, EvalsResponse
from qa.service.trials import Trials
from qa.service.verdicts import FeedbackResponse
from qa.store import history
from qa.store.owner import FileOwner

CALLERS = {
    "admin": Caller("1", "admin", frozenset({"read", "write", "admin"})),
    "reader": Caller("2", "reader", frozenset({"read"})),
    "lake": Caller("3", "lake", frozenset({"read", "write", "admin"}), frozenset({"lake"})),
}
TEXT = "冰湖的渔汛从十二月开始，头网打上来四万斤鱼。查干屯的把头叫石宝柱。"
QUOTE = "头网打上来四万斤鱼"


async def identify(_scope: Scope, token: str | None) -> Caller:
    return CALLERS[token or "reader"]


@pytest.fixture(scope="module")
def index(corpus_index: Index, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    place = tmp_path_factory.mktemp("feedback")
    (place / "evals").mkdir()
    row = {
        "id": "n1.zh",
        "need": "n1",
        "lang": "zh",
        "text": "头网打了多少鱼？",
        "kinds": ["figure"],
        "answerable": True,
        "gold": [{"document": "冰湖", "quote": QUOTE}],
        "answers": ["四万斤"],
    }
    empty = {"kinds": ["unanswerable", "far"], "answerable": False, "gold": [], "answers": []}
    other = row | empty | {"id": "n2.zh", "need": "n2", "text": "谁赢了世界杯？"}
    lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in (row, other))
    (place / "evals" / "lake.jsonl").write_text(lines, encoding="utf-8")
    (place / "secret.jsonl").write_text(lines, encoding="utf-8")
    settings = corpus_index.settings.model_copy(
        update={"index_dir": place / "index", "evals_dir": place / "evals", "max_question_chars": 100}
    )
    with Index.open(settings=settings) as opened:
        for collection in ("default", "lake"):
            opened.ingest_sources([read_text("冰湖", TEXT)], collection=collection)
        yield opened


@pytest.fixture(scope="module")
def client(index: Index) -> Iterator[TestClient]:
    with TestClient(create_app(index, index.settings, identify=identify), base_url="http://127.0.0.1") as client:
        yield client


def by(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}


def test_a_verdict_is_kept(client: TestClient, index: Index) -> None:
    document = index.documents()[0].id
    passage = index.passages(document)[0].id
    said = {
        "question": "头网打了多少鱼？",
        "language": "zh",
        "verdict": "down",
        "comment": "<b>不对</b>",
        "document_id": document,
        "passage_id": passage,
        "answer": "三万斤",
    }
    given = client.post("/v1/feedback", json=said)
    assert given.status_code == 201
    listed = client.get("/v1/feedback", headers=by("admin")).json()
    FeedbackResponse.model_validate(listed)
    known = said | {"id": given.json()["id"], "state": "pending", "collection": "default", "taken_as": None}
    assert known.items() <= listed["feedback"][0].items()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"question": "问" * 101, "verdict": "up"}, 400),
        ({"question": "", "verdict": "up"}, 400),
        ({"question": "问", "verdict": "fine"}, 400),
        ({"question": "问", "verdict": "up", "comment": "长" * 2001}, 400),
        ({"question": "问", "verdict": "up", "comment": "\ud800"}, 400),
        ({"question": "问", "verdict": "up", "answer": "长" * 10_001}, 400),
        ({"question": "问", "verdict": "up", "document_id": "none"}, 404),
        ({"question": "问", "verdict": "up", "passage_id": "none"}, 400),
        ({"question": "问", "verdict": "up", "collection": "none"}, 404),
    ],
)
def test_what_is_wrong_is_not_kept(client: TestClient, body: dict[str, str], status: int) -> None:
    before = client.get("/v1/feedback", headers=by("admin")).json()["total"]
    sent = client.post("/v1/feedback", content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert sent.status_code == status
    assert client.get("/v1/feedback", headers=by("admin")).json()["total"] == before


def test_a_key_for_one_collection_learns_nothing_of_another(client: TestClient) -> None:
    for collection in ("default", "lake"):
        client.post("/v1/feedback", json={"question": f"{collection}？", "verdict": "up", "collection": collection})
    listed = client.get("/v1/feedback", headers=by("lake")).json()
    assert {one["collection"] for one in listed["feedback"]} == {"lake"}
    every = client.get("/v1/feedback", headers=by("admin")).json()["feedback"]
    hidden = next(one["id"] for one in every if one["collection"] == "default")
    assert client.delete(f"/v1/feedback/{hidden}", headers=by("lake")).status_code == 404
    told = client.post("/v1/feedback", json={"question": "?a", "verdict": "up"}, headers=by("lake"))
    assert told.json()["error"]["message"] == "There is no collection 'default'."
    assert client.post("/v1/evals", json={"set": "lake"}, headers=by("lake")).status_code == 404


def test_only_admins_see_verdicts_and_run_evals(client: TestClient) -> None:
    assert client.get("/v1/feedback", headers=by("reader")).status_code == 403
    assert client.post("/v1/evals", json={"set": "lake"}, headers=by("reader")).status_code == 403
    assert client.get("/v1/evals", headers=by("reader")).json()["sets"] == []


def test_a_verdict_is_set_aside(client: TestClient) -> None:
    number = client.post("/v1/feedback", json={"question": "弃？", "verdict": "up"}).json()["id"]
    assert client.delete(f"/v1/feedback/{number}", headers=by("admin")).status_code == 204
    assert client.delete(f"/v1/feedback/{number}", headers=by("admin")).status_code == 409
    listed = client.get("/v1/feedback", params={"state": "dismissed"}, headers=by("admin")).json()
    assert [one["id"] for one in listed["feedback"]] == [number]


def ended(client: TestClient, address: str, headers: dict[str, str]) -> dict[str, Any]:
    end = time.monotonic() + 60
    while (found := client.get(address, headers=headers).json())["state"] == "running":
        assert time.monotonic() < end, found
        time.sleep(0.02)
    return dict(found)


def test_an_eval_from_beginning_to_end(client: TestClient) -> None:
    assert client.get("/v1/evals", headers=by("admin")).json()["sets"] == ["lake"]
    begun = client.post("/v1/evals", json={"set": "lake", "collection": "lake"}, headers=by("lake"))
    assert begun.status_code == 202, begun.text
    done = ended(client, begun.headers["location"], by("reader"))
    EvalResponse.model_validate(done)
    assert done["state"] == "done", done
    assert done["figures"]["cells"]["zh-zh"]["hit@1"] == 1.0
    assert done["about"]["collection"] == "lake"
    assert done["about"]["encoder"]
    assert done["report"]["lost"] == []
    listed = client.get("/v1/evals").json()
    EvalsResponse.model_validate(listed)
    assert listed["evals"][0]["summary"]["cells"]["zh-zh"]["hit@1"] == 1.0


def test_evals_of_another_collection_are_not_shown(client: TestClient) -> None:
    begun = client.post("/v1/evals", json={"set": "lake"}, headers=by("admin"))
    ended(client, begun.headers["location"], by("admin"))
    assert client.get(begun.headers["location"], headers=by("lake")).status_code == 404
    seen = client.get("/v1/evals", headers=by("lake")).json()["evals"]
    assert {one["about"]["collection"] for one in seen} <= {"lake"}


def test_questions_sent_along_and_questions_that_do_not_fit(client: TestClient, index: Index) -> None:
    lines = (index.settings.evals_dir / "lake.jsonl").read_text(encoding="utf-8")
    begun = client.post("/v1/evals", json={"set": "mine", "lines": lines}, headers=by("admin"))
    assert ended(client, begun.headers["location"], by("admin"))["about"]["set"] == "mine"
    wrong = client.post("/v1/evals", json={"set": "x", "lines": "{}"}, headers=by("admin"))
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "bad_eval_set")
    moved = client.post("/v1/evals", json={"set": "x", "lines": lines.replace(QUOTE, "无此句")}, headers=by("admin"))
    failed = ended(client, moved.headers["location"], by("admin"))
    assert (failed["state"], failed["about"]["error"]["code"]) == ("failed", "bad_eval_set")


@pytest.mark.parametrize("name", ["../secret", "..\\secret", ".hidden", "none"])
def test_only_sets_of_the_service_can_be_named(client: TestClient, name: str) -> None:
    assert client.post("/v1/evals", json={"set": name}, headers=by("admin")).status_code == 400


def test_one_at_a_time_and_what_was_cut_short_is_told(client: TestClient, index: Index) -> None:
    other = FileOwner(index.store.root / "owners")
    other.take()
    about = {"set": "s", "collection": None, "progress": {}}
    identity = history.begin(index.store.database, about, other.id)
    busy = client.post("/v1/evals", json={"set": "lake"}, headers=by("admin"))
    assert (busy.status_code, busy.json()["error"]["code"]) == (409, "eval_running")
    other.close()
    of_an_earlier_version = history.begin(index.store.database, about)
    Trials(index, FileOwner(index.store.root / "owners")).start()
    for cut in (history.run(index.store.database, each) for each in (identity, of_an_earlier_version)):
        assert (cut.state, cut.about["error"]["code"]) == ("failed", "interrupted")


def test_the_set_that_ships_is_where_the_setting_says(index: Index) -> None:
    assert type(index.settings).model_fields["evals_dir"].default == Path("evals")
