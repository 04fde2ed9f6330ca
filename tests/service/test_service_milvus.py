"""The service over Milvus: it says when it cannot search, and searches again without a restart."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import milvus_servers
import pytest

from qa.config import Settings
from qa.index import Index

TEXT = "The harbour was dredged to a depth of 14 metres in 2019, after three years of work."


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
            index.ingest(tmp_path / "note.txt")
            assert client.get("/readyz").json() == {"status": "ready", "documents": 1}
            before = search(client).json()
            assert any("14 metres" in hit["text"] for hit in before["hits"])
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
