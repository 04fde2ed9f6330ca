"""`qa serve`: take the port, make the index ready, answer until told to stop."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from qa import tracing
from qa.config import Settings
from qa.config import settings as read_settings
from qa.errors import ConfigError, NoIndexError
from qa.messages import say
from qa.service import logs
from qa.service.hosts import is_loopback, listed
from qa.store.keys import Keys, timestamp
from qa.store.location import Location, location
from qa.store.opening import open_existing
from qa.types import IngestReport

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from qa.index import Index
    from qa.ingest.pipeline import Progress

CORPUS_KEY: Final = "corpus"
"""In the index: ``started`` while the corpus is indexed for the first time, ``done`` after that."""
GRACE_SECONDS: Final = 15
"""How long requests may take to end after the signal to stop."""
BACKLOG: Final = 128
WARM_QUESTIONS: Final = ("这里有什么？", "What is in Beijing?")  # a name: the table of readings is loaded


def check_open(settings: Settings) -> bool:
    """Whether other machines can reach the service and ask it without a key.

    Raises ConfigError where they can reach it, nobody has a key and nobody allowed more.
    """
    if is_loopback(settings.host):
        return False
    if settings.anonymous in ("auto", "none") and not _has_keys(location(settings)):
        raise ConfigError(say("serve.refused", host=settings.host), say("serve.refused.hint"))
    return settings.anonymous not in ("auto", "none")


def _has_keys(where: Location) -> bool:
    try:
        with closing(open_existing(where)) as database:
            return any(key.good(timestamp(datetime.now(UTC))) for key in Keys(database).list())
    except NoIndexError:
        return False


def take_port(host: str, port: int) -> socket.socket:
    """A socket bound to the address, not yet listening. Raises ConfigError (exit 1) where it cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, kind, protocol)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _PortError(say("serve.taken", host=host, port=port, reason=reason), say("serve.taken.hint")) from error
    taken.set_inheritable(True)
    return taken


class _PortError(ConfigError):
    code, exit_code = "port_unusable", 1


def wants_corpus(index: Index) -> bool:
    """Whether the shipped corpus has to go into this index: it is new and empty, or an earlier start was cut short."""
    state = index.store.meta(CORPUS_KEY)
    empty = not any(info.documents for info in index.collections())
    return (empty if state is None else state == "started") and index.settings.corpus_dir.is_dir()


def index_corpus(index: Index, progress: Callable[[Progress], None] | None) -> IngestReport:
    """Index the shipped corpus; it is done once in the life of an index, so that what a user deletes stays deleted."""
    index.store.set_meta(CORPUS_KEY, "started")
    report = index.ingest(index.settings.corpus_dir, progress=progress)
    index.store.set_meta(CORPUS_KEY, "done")
    return report


def warm(index: Index) -> None:
    """Load what the first searches would have to wait for."""
    for question in WARM_QUESTIONS:
        for info in index.collections():
            index.search(question, collection=info.name)


def serve(index: Index, settings: Settings, taken: socket.socket, workers: int, ready: Callable[[], None]) -> None:
    """Answer on a socket until SIGTERM or SIGINT, then finish what was begun. Closes the index.

    ``ready`` is called when whoever connects will be answered.
    """
    logs.to_stderr(settings.log)
    with _quiet_signals():
        if workers > 1:
            _serve_many(index, settings, taken, workers, ready)
        else:
            _serve_one(index, settings, taken, ready)


def _serve_one(index: Index, settings: Settings, taken: socket.socket, ready: Callable[[], None]) -> None:
    import uvicorn

    from qa.service.app import create_app

    provider = tracing.start()
    server = uvicorn.Server(_config(create_app(index, settings), settings))
    taken.listen(BACKLOG)
    ready()
    server.run([taken])
    index.close()
    tracing.stop(provider)


def _serve_many(
    index: Index, settings: Settings, taken: socket.socket, workers: int, ready: Callable[[], None]
) -> None:
    """Worker processes share the socket; each opens the index for itself, with the settings of the environment."""
    from uvicorn.supervisors import Multiprocess

    taken.listen(BACKLOG)
    ready()
    index.close()
    os.environ |= {"QA_HOST": settings.host, "QA_ANONYMOUS": settings.anonymous}
    with tempfile.TemporaryDirectory(prefix="qa-metrics-") as counts:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = counts
        Multiprocess(_config("qa.service.server:worker", settings, workers), [taken]).run()


def _config(app: FastAPI | str, settings: Settings, workers: int = 1) -> uvicorn.Config:
    import uvicorn

    from qa.service.patience import Patient

    proxies = list(listed(settings.trusted_proxies))
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        http=Patient,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        ws="none",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def worker() -> FastAPI:
    """The app of one worker process."""
    from qa.index import Index
    from qa.service.app import create_app

    settings = read_settings()
    logs.to_stderr(settings.log)
    tracing.start()
    index = Index.open(settings=settings, create=False)
    warm(index)
    return create_app(index, settings)


@contextmanager
def _quiet_signals() -> Iterator[None]:
    """The server repeats the signal that stopped it when it has ended; by then it has done its work."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
