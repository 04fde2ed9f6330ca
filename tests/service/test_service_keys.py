"""Keys at every door: what each lets in, and that one for a collection learns nothing of another."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import sqlalchemy as sa
from access_peers import BLUE, BLUE_ASKS, NAMING_A_COLLECTION, RED, RED_ASKS, Asked, bearer
from conftest import serving

from qa.config import Settings
from qa.errors import UnauthorizedError
from qa.index import Index
from qa.service.keys import Gate, Keyring
from qa.store import builds
from qa.store.keys import Keys
from qa.store.opening import open_existing


@dataclass(frozen=True)
class Place:
    """A service over ``red`` and ``blue``; ``keys``: tokens by name; ``documents``: one id of each collection."""

    client: httpx.Client
    index: Index
    keys: dict[str, str]
    documents: dict[str, str]
    jobs: dict[str, str]

    def ask(self, method: str, path: str, key: str | None = None, **more: Any) -> httpx.Response:
        headers = bearer(self.keys[key] if key else None) | more.pop("headers", {})
        return self.client.request(method, path, headers=headers, **more)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, corpus_index: Index) -> Iterator[Place]:
    settings = Settings(index_dir=tmp_path_factory.mktemp("keys") / "index")
    with Index.open(settings=settings) as index, serving(index, settings) as client:
        jobs = {}
        for name, text in (("red", RED), ("blue", BLUE)):
            sent = client.post("/v1/documents", json={"title": name, "text": text * 3, "collection": name})
            jobs[name] = sent.headers["location"]
            while client.get(jobs[name]).json()["state"] not in ("done", "failed"):
                pass
        documents = {name: index.documents(name)[0].id for name in jobs}
        keys = {
            "red-read": index.store.keys.create("red", "read", collections=["red"])[1],
            "red-write": index.store.keys.create("red", "write", collections=["red"])[1],
            "red-admin": index.store.keys.create("red", "admin", collections=["red"])[1],
            "blue-read": index.store.keys.create("blue", "read", collections=["blue"])[1],
            "all-read": index.store.keys.create("all", "read")[1],
            "admin": index.store.keys.create("admin", "admin")[1],
            "widget": index.store.keys.create("w", origins=["https://news.example"], collections=["red"])[1],
        }
        yield Place(client, index, keys, documents, jobs)


@contextmanager
def statements(index: Index) -> Iterator[list[str]]:
    """The SQL that requests run meanwhile; the threads that the service keeps for itself are called ``qa-``."""
    ran: list[str] = []
    engine = index.store.database._engine

    def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        if not threading.current_thread().name.startswith("qa-"):
            ran.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    yield ran
    sa.event.remove(engine, "before_cursor_execute", note)


def seen(response: httpx.Response) -> tuple[int, str, dict[str, str]]:
    kept = {name: value for name, value in response.headers.items() if name not in ("date", "x-request-id")}
    return response.status_code, response.text, kept


@pytest.mark.parametrize("asked", NAMING_A_COLLECTION, ids=lambda asked: f"{asked.method} {asked.path}")
def test_a_forbidden_collection_is_like_a_missing_one(place: Place, asked: Asked) -> None:
    token = place.keys[f"red-{asked.right}"]
    with statements(place.index) as for_missing:
        missing = asked.send(place.client, token, "grey", place.documents["blue"])
    with statements(place.index) as for_forbidden:
        forbidden = asked.send(place.client, token, "blue", place.documents["blue"])
    assert missing.status_code == (200 if asked.path == "/mcp" else 404)
    assert "邵长河" not in forbidden.text
    status, text, headers = seen(missing)
    assert seen(forbidden) == (status, text.replace("grey", "blue"), headers)
    assert for_forbidden == for_missing


@pytest.mark.parametrize("asked", NAMING_A_COLLECTION, ids=lambda asked: f"{asked.method} {asked.path}")
def test_without_a_key_every_door_is_closed(place: Place, asked: Asked) -> None:
    for collection in ("blue", "grey"):
        refused = asked.send(place.client, None, collection, place.documents["blue"])
        assert refused.status_code in ((403,) if asked.path.startswith("/dify") else (401,))
        assert collection not in refused.text


@pytest.mark.parametrize(
    "asked", [a for a in NAMING_A_COLLECTION if a.right == "read"], ids=lambda asked: f"{asked.method} {asked.path}"
)
def test_the_same_requests_work_with_the_right_key(place: Place, asked: Asked) -> None:
    given = asked.send(place.client, place.keys["blue-read"], "blue", place.documents["blue"])
    bad_question = asked.json is not None and (asked.json.get("query") == "" or "top_k" in asked.json)
    assert given.status_code == (400 if bad_question else 201 if asked.path == "/v1/feedback" else 200), given.text
    if asked.path == "/mcp":
        assert "邵长河" in given.text
        assert not given.json()["result"].get("isError")


def test_verdicts_are_not_counted_across_collections(place: Place) -> None:
    verdict = {"question": "?", "verdict": "up", "collection": "red"}
    assert place.ask("POST", "/v1/feedback", "red-read", json=verdict).json() == {"id": None}
    known = place.ask("POST", "/v1/feedback", "admin", json=verdict | {"collection": "blue"}).json()["id"]
    forbidden, missing = (place.ask("DELETE", f"/v1/feedback/{n}", "red-admin") for n in (known, 10**9))
    status, text, headers = seen(missing)
    shown = forbidden.text.replace(f" {known}.", " 1000000000.")
    assert (forbidden.status_code, shown) == (status, text)


def test_each_key_finds_what_is_its_own(place: Place) -> None:
    for name, question, master in (("red", RED_ASKS, "唐玉琴"), ("blue", BLUE_ASKS, "邵长河")):
        found = place.ask("POST", "/v1/ask", f"{name}-read", json={"query": question, "collection": name})
        assert found.status_code == 200
        assert master in found.json()["answer"]


def test_lists_and_counts_hold_only_what_is_ones_own(place: Place) -> None:
    def listed(key: str) -> list[str]:
        return [found["name"] for found in place.ask("GET", "/v1/collections", key).json()["collections"]]

    assert listed("red-read") == ["red"]
    assert listed("red-admin") == ["red"]
    assert listed("all-read") == ["blue", "red"]
    assert place.ask("GET", "/readyz", "red-read").json()["documents"] == 1
    assert place.ask("GET", "/readyz", "all-read").json()["documents"] == 2
    assert place.ask("GET", "/readyz").json() == {"status": "ready"}


def test_a_job_of_another_collection_is_like_one_that_never_was(place: Place) -> None:
    own = place.ask("GET", place.jobs["red"], "red-read")
    assert own.json()["state"] == "done"
    known = place.jobs["blue"].rpartition("/")[2]
    forbidden, missing = (place.ask("GET", f"/v1/jobs/{job}", "red-read") for job in (known, "f" * 24))
    status, text, headers = seen(missing)
    assert seen(forbidden) == (status, text.replace("f" * 24, known), headers)


def test_metrics_are_for_those_who_may_see_everything(place: Place) -> None:
    assert place.ask("GET", "/metrics").status_code == 401
    assert place.ask("GET", "/metrics", "all-read").status_code == 403
    assert place.ask("GET", "/metrics", "red-admin").status_code == 403
    assert "qa_documents 2.0" in place.ask("GET", "/metrics", "admin").text


@pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        ("DELETE", "/v1/documents/x", "write"),
        ("POST", "/v1/documents", "write"),
        ("DELETE", "/v1/collections/red", "admin"),
    ],
)
def test_a_scope_that_a_key_does_not_have(place: Place, method: str, path: str, right: str) -> None:
    weaker = {"write": ["red-read", "all-read"], "admin": ["red-read", "red-write"]}[right]
    for key in weaker:
        refused = place.ask(method, path, key)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")


def peer(place: Place, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{place.client.base_url}/v1", api_key=place.keys.get(key, key), max_retries=0)


def test_openais_door_answers_from_the_keys_collection(place: Place) -> None:
    def answer(key: str, question: str) -> str:
        chosen = peer(place, key).chat.completions
        return str(chosen.create(model="citeqa", messages=[{"role": "user", "content": question}]).choices[0].message)

    assert "唐玉琴" in answer("red-read", RED_ASKS)
    assert "邵长河" not in answer("red-read", BLUE_ASKS)
    assert "邵长河" in answer("blue-read", BLUE_ASKS)
    assert [model.id for model in peer(place, "red-read").models.list()] == ["citeqa"]


@pytest.mark.parametrize("key", ["none", "citeqa_000000000000_" + "A" * 43])
def test_openais_door_says_what_its_clients_understand(place: Place, key: str) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        peer(place, key).models.list()
    assert caught.value.code == "invalid_api_key"


def test_a_key_revoked_elsewhere_is_refused_from_then_on(place: Place) -> None:
    made, token = place.index.store.keys.create("short")
    asked = {"query": RED_ASKS, "collection": "red"}
    assert place.client.post("/v1/search", json=asked, headers=bearer(token)).status_code == 200
    place.index.store.keys.revoke(made.id)
    refused = place.client.post("/v1/search", json=asked, headers=bearer(token))
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_key")


def test_a_key_for_pages_of_one_site_is_refused_from_any_other(place: Place) -> None:
    asked = {"query": RED_ASKS, "collection": "red"}
    good = place.ask("POST", "/v1/ask", "widget", json=asked, headers={"Origin": "https://news.example"})
    assert good.status_code == 200
    assert good.headers["access-control-allow-origin"] == "https://news.example"
    assert "origin" in good.headers["vary"].lower()
    for origin in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}):
        refused = place.ask("POST", "/v1/ask", "widget", json=asked, headers=origin)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "foreign_origin")
        assert "access-control-allow-origin" not in refused.headers


def test_browsers_are_told_which_sites_may_ask(place: Place) -> None:
    wish = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = place.ask("OPTIONS", "/v1/ask", headers=wish | {"Origin": "https://news.example"})
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == "https://news.example"
    assert "authorization" in allowed.headers["access-control-allow-headers"]
    refused = place.ask("OPTIONS", "/v1/ask", headers=wish | {"Origin": "https://evil.example"})
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers


def test_when_keys_were_used_is_written_seldom(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(Keyring(place.index.store), place.index.settings)
    written: list[dict[str, str]] = []
    monkeypatch.setattr(place.index.store.keys, "note_used", lambda used: written.append(dict(used)))
    identify: Callable[[], object] = lambda: gate._caller(place.keys["all-read"], None)  # noqa: E731
    for _ in range(50):
        identify()
    assert written == []
    gate.write_notes()
    assert len(written) == 1
    assert len(written[0]) == 1


def test_no_key_is_written_to_a_log(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        place.ask("GET", "/v1/collections", "all-read")
        place.client.get("/v1/collections", headers=bearer("citeqa_000000000000_" + "B" * 43))
    secret = place.keys["all-read"].rpartition("_")[2]
    assert secret not in caplog.text
    assert "BBBBBBBB" not in caplog.text


@pytest.mark.parametrize(
    ("host", "anonymous", "made", "expected"),
    [
        ("127.0.0.1", "auto", False, {"read", "write", "admin"}),
        ("127.0.0.1", "auto", True, set()),
        ("0.0.0.0", "auto", False, set()),
        ("127.0.0.1", "none", False, set()),
        ("0.0.0.0", "read", True, {"read"}),
        ("0.0.0.0", "write", True, {"read", "write"}),
    ],
)
def test_what_may_be_done_without_a_key(
    tmp_path: Path, one_encoder: None, host: str, anonymous: Any, made: bool, expected: set[str]
) -> None:
    settings = Settings(index_dir=tmp_path / "index", host=host, anonymous=anonymous)
    with Index.open(settings=settings) as index:
        if made:
            index.store.keys.revoke(index.store.keys.create("x")[0].id)
        assert Gate(Keyring(index.store), settings)._caller(None, None).scopes == expected


def test_a_revocation_holds_while_an_earlier_build_is_read(tmp_path: Path, one_encoder: None) -> None:
    with Index.open(settings=Settings(index_dir=tmp_path / "index")) as index:
        made, token = index.store.keys.create("x")
        gate = Gate(Keyring(index.store), index.settings)
        assert gate._caller(token, None).key == made.id
        build = builds.new_build(index.store.root)
        with (
            closing(sqlite3.connect(index.store.directory / "citeqa.sqlite")) as source,
            closing(sqlite3.connect(build / "citeqa.sqlite")) as target,
        ):
            source.backup(target)
        builds.adopt(index.store.root, build, "reencode")
        with closing(open_existing(index.store.root)) as current:
            Keys(current).revoke(made.id)
        with pytest.raises(UnauthorizedError):
            gate._caller(token, None)
        gate.close()
