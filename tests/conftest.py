"""What several test directories share: one index over the shipped corpus, built once, with the packaged encoder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import milvus_servers
import pytest
from hypothesis import settings as hypothesis_settings
from postgres_server import Postgres, running

from qa.config import Settings
from qa.config import settings as read_settings
from qa.encode import load
from qa.encode.encoder import Encoder
from qa.index import Index

# A loaded machine is no reason to fail.
hypothesis_settings.register_profile("no deadline", deadline=None)
hypothesis_settings.load_profile("no deadline")

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "corpus" / "articles"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server for the session; each test takes a new database of it."""
    with running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def records_url(request: pytest.FixtureRequest) -> str:
    """Where a test keeps its records: in SQLite (an empty address), and in a new PostgreSQL database."""
    if request.param == "sqlite":
        return ""
    server: Postgres = request.getfixturevalue("postgres")
    return server.database()


@pytest.fixture(scope="session")
def corpus_dir() -> Path:
    return CORPUS


@pytest.fixture(scope="session")
def index_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session's index is. Tests read it and leave it as it is."""
    return tmp_path_factory.mktemp("corpus") / "index"


@pytest.fixture(scope="session")
def corpus_index(index_dir: Path) -> Iterator[Index]:
    """An index of the shipped corpus."""
    with Index.open(settings=Settings(index_dir=index_dir, corpus_dir=CORPUS)) as index:
        report = index.ingest(CORPUS)
        assert len(report.added) == 5, report
        yield index


@pytest.fixture
def one_encoder(monkeypatch: pytest.MonkeyPatch, corpus_index: Index) -> None:
    """Commands called in this process share the encoder that is loaded already: loading it takes a second."""

    original = load.load

    def loaded(settings: Settings, progress: object = None) -> Encoder:
        return corpus_index.encoder if settings.engine == "fast" else original(settings)

    monkeypatch.setattr(load, "load", loaded)


@pytest.fixture
def fresh_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, one_encoder: None) -> Iterator[Path]:
    """The process's settings name an index directory that does not exist yet; returns it."""
    monkeypatch.setenv("QA_INDEX_DIR", str(tmp_path / "index"))
    monkeypatch.setenv("QA_CORPUS_DIR", str(CORPUS))
    monkeypatch.setenv("QA_LANGUAGE", "en")
    read_settings.cache_clear()
    yield tmp_path / "index"
    read_settings.cache_clear()


@pytest.fixture(scope="session")
def milvus_lite_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A milvus-lite server over gRPC."""
    if missing := milvus_servers.lite_missing():
        pytest.skip(missing)
    running = milvus_servers.start_lite(tmp_path_factory.mktemp("milvus-lite"))
    yield running.uri
    running.stop()


@pytest.fixture(scope="session")
def milvus_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Milvus 2.3.5 server."""
    if missing := milvus_servers.standalone_missing():
        pytest.skip(missing)
    running = milvus_servers.start_standalone(tmp_path_factory.mktemp("milvus") / "standalone")
    yield running.uri
    running.stop()
