"""The service over Milvus: it says when it cannot search, and searches again without a restart."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import httpx
import milvus_servers
import pytest

from qa.commands.reencode import drop_previous, reencode, rollback
from qa.config import Settings
from qa.config import settings as read_settings
from qa.errors import EngineError
from qa.index import Index
from qa.store.milvus.alias import collections, target
from qa.store.milvus.place import Place
from qa.store.milvus.server import Server

TEXT = "The harbour was dredged to a depth of 14 metres in 2019, after three years of work."


def test_a_new_build_is_searched_and_the_alias_follows_it(
    fresh_settings: Path, monkeypatch: pytest.MonkeyPatch, milvus_lite_uri: str, records_url: str, tmp_path: Path
) -> None:
    alias = "builds_on_postgres" if records_url else "builds"
    monkeypatch.setenv("QA_STORE", "milvus")
    monkeypatch.setenv("QA_MILVUS_URI", milvus_lite_uri)
    monkeypatch.setenv("QA_MILVUS_ALIAS", alias)
    monkeypatch.setenv("QA_DATABASE_URL", records_url)
    read_settings.cache_clear()
    settings = read_settings()
    (tmp_path / "note.txt").write_text(TEXT, "utf-8")
    names = []

    def look() -> None:
        with Index.open() as index:
            assert index.search("How deep is the harbour?").hits[0].text == TEXT.strip()
            server = Server(milvus_lite_uri)
            names.append(target(server, alias))
            assert names[-1] == Place(server, alias).collection(index.store.identity)
            server.close()

    def there() -> set[str]:
        server = Server(milvus_lite_uri)
        found = collections(server, alias)
        server.close()
        return set(found)

    with Index.open() as index:
        index.ingest(tmp_path / "note.txt")
    look()
    assert reencode(settings) == 0
    look()
    assert rollback(settings, yes=True) == 0
    look()
    assert names[0] == names[2] != names[1]
    assert there() == {names[0], names[1]}
    assert reencode(settings) == 0
    look()
    assert there() == {names[2], names[3]}
    assert drop_previous(settings) == 0
    look()
    assert there() == {names[4]} == {names[3]}


def ingested(index: Index, path: Path) -> None:
    """A server that was just found missing is not asked again for a moment."""
    for _ in range(100):
        with suppress(EngineError):
            index.ingest(path)
            return
        time.sleep(0.2)
    raise AssertionError("the server is not noticed")


def test_a_server_that_comes_late_goes_away_and_comes_back(
    tmp_path: Path, serving: Callable[..., AbstractContextManager[httpx.Client]], one_encoder: None
) -> None:
    if missing := milvus_servers.lite_missing():
        pytest.skip(missing)
    port = milvus_servers.free_port()
    settings = Settings(
        index_dir=tmp_path / "index", store="milvus", milvus_uri=f"http://127.0.0.1:{port}", milvus_timeout=6
    )
    (tmp_path / "note.txt").write_text(TEXT, "utf-8")

    def search(client: httpx.Client) -> httpx.Response:
        return client.post("/v1/search", json={"query": "How deep is the harbour?"})

    with Index.open(settings=settings) as index, serving(index, settings) as client:
        refused = client.get("/readyz")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "milvus_unavailable")
        assert client.get("/healthz").status_code == 200
        running = milvus_servers.start_lite(tmp_path / "server", port)
        try:
            ingested(index, tmp_path / "note.txt")
            assert client.get("/readyz").json() == {"status": "ready", "documents": 1}
            before = search(client).json()
            assert any("14 metres" in hit["text"] for hit in before["hits"])
            running.seal()
            running.stop()
            for asked in (search(client), client.get("/readyz")):
                assert (asked.status_code, asked.json()["error"]["code"]) == (503, "milvus_unavailable")
                assert "nothing is lost" in asked.json()["error"]["hint"]
            assert client.get("/v1/documents").json()["documents"]
            running = milvus_servers.start_lite(tmp_path / "server", port)
            while client.get("/readyz").status_code == 503:
                pass
            assert search(client).json()["hits"] == before["hits"]
        finally:
            running.stop()
