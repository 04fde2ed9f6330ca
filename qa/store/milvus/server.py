"""A Milvus server as the store sees it: one place that connects, waits, tries again, and says what went wrong.

A call that fails because a part of the server is away is tried again, each time a little later, until ``timeout``
seconds have passed; then it is an EngineError, and for a moment calls are refused at once, so that questions do not
queue up behind a server that is gone. The connection is made again by itself: nothing has to be restarted.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from qa.errors import EngineError

if TYPE_CHECKING:
    from pymilvus import MilvusClient

log = logging.getLogger(__name__)

_T = TypeVar("_T")
Row = dict[str, Any]

_FIRST_WAIT, _LONGEST_WAIT = 0.05, 2.0
_REFUSED_SECONDS = 1.0
"""After a call that failed for good, others fail at once for as long."""
_BM25_SINCE = (2, 5)
_NO_COLLECTION = 100
_FINAL = frozenset({_NO_COLLECTION, 700, 1100})
"""Codes of errors that trying again does not mend: no such collection or index, an invalid parameter."""
_UNLOADED = re.compile(r"released|not loaded|not fully loaded")
"""What servers say of a collection that they do not hold in memory, such as milvus-lite after a restart."""
_GO_ON = "Milvus holds a copy only: nothing is lost. Searching goes on by itself when it is back."


@dataclass(frozen=True, slots=True)
class Hit:
    row: int
    stamp: int
    score: float


class Server:
    """Calls to one Milvus server. Safe to share between threads."""

    def __init__(self, uri: str, token: str = "", timeout: float = 30.0) -> None:
        """Connects with the first call. ``timeout``: seconds that a call may take, tries included."""
        self.uri = uri
        self.timeout = timeout
        self._token = token
        self._client: MilvusClient | None = None
        self._lock = Lock()
        self._refused_until = 0.0
        self._reason = ""
        self._kept: dict[str, int] = {}

    def call(self, what: str, do: Callable[[MilvusClient, float], _T], *, again: bool = True) -> _T:
        """``do(client, seconds it may take)``. ``again``: it may be repeated. Raises EngineError naming ``what``."""
        if time.monotonic() < self._refused_until:
            raise self._away(what, self._reason)
        deadline, wait = time.monotonic() + self.timeout, _FIRST_WAIT
        while True:
            try:
                done = do(self._connected(), max(0.1, min(self.timeout / 2, deadline - time.monotonic())))
            except _failures() as error:
                self._refuse(what, error)
                if not again:
                    raise self._away(what, _message(error)) from error
                self._give_up(what, error, time.monotonic() + wait >= deadline)
                time.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
            else:
                self._refused_until = 0.0
                return done

    def _connected(self) -> MilvusClient:
        with self._lock:
            if self._client is None:
                from pymilvus import MilvusClient

                _quiet()
                self._client = MilvusClient(uri=self.uri, token=self._token, timeout=self.timeout / 2)
            return self._client

    def _refuse(self, what: str, error: Exception) -> None:
        """Raises EngineError where trying again cannot help."""
        code, message = getattr(error, "code", None), _message(error)
        if code == _NO_COLLECTION:
            raise EngineError(
                f"Milvus has lost what was derived from the index ({what}: {message}).",
                "Make it anew from the database: `qa doctor --repair`.",
                code="milvus_lost",
            ) from error
        if code in _FINAL or getattr(error, "is_input_error", False):
            hint = "Check QA_MILVUS_URI, QA_MILVUS_TOKEN and the server's version."
            raise EngineError(f"Milvus refuses ({what}: {message}).", hint) from error

    def _give_up(self, what: str, error: Exception, late: bool) -> None:
        if late:
            self._refused_until, self._reason = time.monotonic() + _REFUSED_SECONDS, _message(error)
            self.close()
            raise self._away(what, self._reason) from error
        log.debug("%s: %s; trying again.", what, _message(error))
        if _UNLOADED.search(_message(error)):
            self._load_again()

    def load(self, name: str, replicas: int) -> None:
        """See that a collection is in the servers' memory, also after they were started anew. Raises EngineError."""
        self.call(
            "load", lambda client, seconds: client.load_collection(name, replica_number=replicas, timeout=seconds)
        )
        self._kept[name] = replicas

    def _load_again(self) -> None:
        for name, replicas in self._kept.items():
            try:
                self._connected().load_collection(name, replica_number=replicas, timeout=self.timeout / 2)
            except _failures() as error:
                log.debug("load: %s", _message(error))

    def _away(self, what: str, reason: str) -> EngineError:
        return EngineError(f"Milvus does not answer ({what}: {reason}).", f"Check the server. {_GO_ON}")

    def version(self) -> str:
        """As the server states it: ``v2.5.4``, ``milvus_lite-3.2.2``."""
        return self.call("version", lambda client, seconds: str(client.get_server_version(timeout=seconds)))

    def search(self, name: str, query: Any, field: str, expression: str, limit: int, **how: Any) -> list[Hit]:
        """The nearest entities. ``how``: ``parameters`` of the index, ``seen``: a timestamp that must be reached."""
        found = self.call(
            "search",
            lambda client, seconds: client.search(
                name,
                [query],
                anns_field=field,
                filter=expression,
                limit=limit,
                search_params=how["parameters"],
                output_fields=["row", "stamp"],
                timeout=seconds,
                **_seeing(how["seen"]),
            ),
        )
        return [Hit(int(hit["entity"]["row"]), int(hit["entity"]["stamp"]), float(hit["distance"])) for hit in found[0]]

    def query(
        self, name: str, expression: str, fields: Sequence[str], *, seen: int | None = None, limit: int | None = None
    ) -> list[Row]:
        """Entities by expression; at most ``limit`` of the lowest rows. ``seen``: see :func:`_seeing`."""
        more = {"limit": limit} if limit is not None else {}
        found = self.call(
            "query",
            lambda client, seconds: client.query(
                name, filter=expression, output_fields=list(fields), timeout=seconds, **more, **_seeing(seen)
            ),
        )
        return [dict(entity) for entity in found]

    def count(self, name: str, expression: str, *, seen: int | None = None) -> int:
        return int(self.query(name, expression, ["count(*)"], seen=seen)[0]["count(*)"])

    def insert(self, name: str, entities: Sequence[Row]) -> int:
        """Returns the timestamp from which on a search sees them; 0 where the server has none (it sees them at once).

        Tried once: who retries has to make sure that nothing is in twice. Raises EngineError.
        """

        def insert(client: MilvusClient, seconds: float) -> Any:
            # MilvusClient.insert does not hand out the timestamp of the write, which the next reader has to wait for.
            return client._get_connection().insert_rows(name, list(entities), timeout=seconds)

        done = self.call("insert", insert, again=False)
        if done.insert_count != len(entities):
            raise EngineError(f"Milvus took {done.insert_count} of {len(entities)} passages.", "Try again.")
        return int(done.timestamp)

    def delete(self, name: str, rows: Sequence[int]) -> None:
        if rows:
            self.call("delete", lambda client, seconds: client.delete(name, ids=list(rows), timeout=seconds))

    def close(self) -> None:
        """Disconnect; the next call connects again."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            try:
                client.close()
            except _failures() as error:
                log.debug("Closing the connection to Milvus: %s", error)


def has_bm25(version: str) -> bool:
    """Whether servers of this version have the BM25 function."""
    found = re.search(r"(\d{1,4})\.(\d{1,4})", version)
    return found is not None and (int(found[1]), int(found[2])) >= _BM25_SINCE


def _seeing(timestamp: int | None) -> dict[str, Any]:
    """The consistency of a read: whatever was written up to ``timestamp``, or where that is None or 0 up to now."""
    if not timestamp:
        return {"consistency_level": "Strong"}
    return {"consistency_level": "Customized", "guarantee_timestamp": timestamp}


def _failures() -> tuple[type[Exception], ...]:
    import grpc
    from pymilvus.exceptions import MilvusException

    return MilvusException, grpc.RpcError, grpc.FutureTimeoutError, ConnectionError, TimeoutError


def _message(error: Exception) -> str:
    details = getattr(error, "details", None)
    said = details() if callable(details) else getattr(error, "message", "")
    text = str(said or error) or type(error).__name__
    return text.splitlines()[0][:300]


def _quiet() -> None:
    """pymilvus logs a traceback for every failed call, though it raises what failed as well. To be called when it is
    imported: then it sets its levels."""
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
