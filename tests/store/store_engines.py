"""Stores to run the same tests against: on this machine, and on Milvus servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest
from pydantic import SecretStr
from store_samples import CODEC, DIMS, VERSIONS, open_store

from qa.store.location import Location
from qa.store.milvus.place import Place
from qa.store.milvus.server import Server
from qa.store.milvus.store import MilvusStore
from qa.store.record_store import RecordStore


class Opening(Protocol):
    def empty(self) -> AbstractContextManager[RecordStore]:
        """A store without collections, for one test."""

    def another(self) -> AbstractContextManager[RecordStore]:
        """A store of its own, for as long as it is wanted."""


class Fresh:
    """Local stores, each in a directory of its own. ``database``: gives the address of a new one for the records."""

    def __init__(self, directories: pytest.TempPathFactory, database: Callable[[], str]) -> None:
        self._directories = directories
        self._database = database

    @contextmanager
    def empty(self) -> Iterator[RecordStore]:
        opened = open_store(self._directories.mktemp("local") / "index", url=self._database())
        yield opened
        opened.close()

    another = empty


class Reused:
    """One store on a Milvus server for all tests that write, and others beside it."""

    def __init__(self, uri: str, directories: pytest.TempPathFactory, database: Callable[[], str]) -> None:
        self._uri = uri
        self._directories = directories
        self._database = database
        self._stack = ExitStack()

    def __enter__(self) -> Reused:
        self._store = self._stack.enter_context(self.another())
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @contextmanager
    def empty(self) -> Iterator[RecordStore]:
        for info in self._store.collections():
            self._store.drop_collection(info.name)
        yield self._store

    @contextmanager
    def another(self) -> Iterator[RecordStore]:
        path = self._directories.mktemp("milvus") / "index"
        with milvus_store(self._uri, path, self._database()) as opened:
            yield opened


@contextmanager
def milvus_store(uri: str, path: Path, url: str = "", timeout: float = 60.0) -> Iterator[MilvusStore]:
    """A new store on a server, of which nothing is left there. ``url``: of the records' PostgreSQL database."""
    opened = MilvusStore.open(
        Location(path, SecretStr(url) if url else None),
        Place(Server(uri, timeout=timeout), f"test_{uuid4().hex[:8]}"),
        fingerprint="test",
        dims=DIMS,
        codec=CODEC,
        versions=VERSIONS,
        create=True,
    )
    yield opened
    drop(opened)
    opened.close()


def drop(store: MilvusStore) -> None:
    """Remove what a store has on its server."""
    server = store.place.server
    if server.call("look", lambda client, _: client.has_collection(store.name)):
        server.call("drop alias", lambda client, _: client.drop_alias(store.place.alias))
        server.call("drop", lambda client, _: client.drop_collection(store.name))
