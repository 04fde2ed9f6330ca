"""The service on a real socket: uvicorn in a thread, asked with httpx."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from qa.config import Settings
from qa.index import Index
from qa.service.access import Identify
from qa.service.app import create_app
from qa.service.server import take_port

Answer = dict[str, object]


@contextmanager
def serving(index: Index, settings: Settings, identify: Identify | None = None) -> Iterator[httpx.Client]:
    """A client of a service over ``index``."""
    taken = take_port("127.0.0.1", 0)
    app = create_app(index, settings, identify=identify)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run, args=([taken],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{taken.getsockname()[1]}", timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session", name="serving")
def serving_() -> Callable[..., AbstractContextManager[httpx.Client]]:
    """``serving(index, settings, identify)``: a service of a test module's own."""
    return serving


@pytest.fixture(scope="session")
def client(corpus_index: Index) -> Iterator[httpx.Client]:
    """A client of a service over the shipped corpus: for tests that change nothing."""
    with serving(corpus_index, corpus_index.settings) as client:
        yield client


@pytest.fixture(scope="module")
def own_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An empty index that the tests of a module may change; files of up to 1 MB."""
    settings = Settings(index_dir=tmp_path_factory.mktemp("own") / "index", max_file_mb=1)
    with Index.open(settings=settings) as index:
        index.create_collection("default")
        yield index


@pytest.fixture(scope="module")
def own_client(own_index: Index) -> Iterator[httpx.Client]:
    with serving(own_index, own_index.settings) as client:
        yield client


@pytest.fixture
def finished() -> Callable[[httpx.Client, httpx.Response], Answer]:
    """Waits for the job that an upload was answered with."""

    def wait(client: httpx.Client, accepted: httpx.Response) -> Answer:
        assert accepted.status_code == 202, accepted.text
        end = time.monotonic() + 60
        while time.monotonic() < end:
            job: Answer = client.get(accepted.headers["location"]).json()
            if job["state"] in ("done", "failed"):
                return job
            time.sleep(0.02)
        raise AssertionError(f"not finished: {job}")

    return wait


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "糖水.txt"
    path.write_text(
        "糖水铺的历史\n\n" + "广州的糖水铺在清晨六点开门，老板林秀英每天煮八十碗红豆沙。" * 3, encoding="utf-8"
    )
    return path
