"""Deleting with undo, finding documents by name, and copies, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from qa.index import Index
from qa.service.undo import Purger, TrashResponse
from qa.store import trash

Finished = Callable[[httpx.Client, httpx.Response], dict[str, Any]]
ASKED = {"query": "谁在扎龙投喂丹顶鹤？"}
TEXT = "丹顶鹤在扎龙湿地过冬，巡护员刘海每天投喂玉米二百斤。" * 3


@pytest.fixture
def crane(own_client: httpx.Client, finished: Finished) -> str:
    body = {"title": "鹤的冬天", "text": TEXT, "publisher": "湿地报"}
    done = finished(own_client, own_client.post("/v1/documents", json=body))
    report = done["report"]
    return str([*report["added"], *report["unchanged"]][0])


def found(client: httpx.Client) -> list[str]:
    return [hit["citation"]["document_id"] for hit in client.post("/v1/search", json=ASKED).json()["hits"]]


def test_delete_and_undo(own_client: httpx.Client, crane: str) -> None:
    assert crane in found(own_client)
    assert own_client.delete(f"/v1/documents/{crane}").status_code == 204
    assert crane not in found(own_client)
    listed = own_client.get("/v1/trash").json()
    TrashResponse.model_validate(listed)
    assert [(one["id"], one["title"]) for one in listed["documents"]] == [(crane, "鹤的冬天")]

    back = own_client.post(f"/v1/documents/{crane}/restore")
    assert (back.status_code, back.json()["id"], back.json()["publisher"]) == (200, crane, "湿地报")
    assert crane in found(own_client)
    assert own_client.get("/v1/trash").json() == {"documents": []}
    again = own_client.post(f"/v1/documents/{crane}/restore")
    assert (again.status_code, again.json()["error"]["code"]) == (404, "not_found")


def test_deleted_forever_stays_so(own_client: httpx.Client, crane: str) -> None:
    assert own_client.delete(f"/v1/documents/{crane}", params={"forever": "true"}).status_code == 204
    assert own_client.post(f"/v1/documents/{crane}/restore").status_code == 404
    assert crane not in found(own_client)


def test_what_is_too_old_is_forgotten_by_the_service(
    own_client: httpx.Client, own_index: Index, crane: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_client.delete(f"/v1/documents/{crane}")
    now = time.time()
    monkeypatch.setattr(trash.time, "time", lambda: now + trash.UNDO_SECONDS + 1)
    assert own_client.get("/v1/trash").json() == {"documents": []}
    purger = Purger(own_index, seconds=0.01)
    purger.start()
    while kept(own_index):
        time.sleep(0.01)
    purger.stop()


def kept(index: Index) -> int:
    with index.store.database.reading() as connection:
        return len(connection.execute(trash.trash.select()).all())


@pytest.mark.parametrize(("wanted", "count"), [("冬天", 1), ("湿地报 鹤", 1), ("%", 0), ("海豚", 0), ("", 1)])
def test_documents_are_found_by_what_they_are_called(
    own_client: httpx.Client, crane: str, wanted: str, count: int
) -> None:
    listed = own_client.get("/v1/documents", params={"q": wanted}).json()
    assert (listed["total"], [one["id"] for one in listed["documents"]]) == (count, [crane] * count)


def test_copies_are_shown(own_client: httpx.Client, crane: str, finished: Finished) -> None:
    done = finished(own_client, own_client.post("/v1/documents", json={"title": "转载", "text": TEXT}))
    (copy,) = done["report"]["added"]
    assert done["report"]["duplicates"] == [{"document_id": copy, "copy_of": crane}]
    listed = own_client.get("/v1/documents").json()
    assert listed["duplicates"] == [{"document_id": copy, "copy_of": crane}]
    own_client.delete(f"/v1/documents/{copy}", params={"forever": "true"})
