"""`qa serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qa.commands.documents import tell
from qa.commands.output import encoder_note, note, warn, watched
from qa.config import Settings
from qa.config import settings as read_settings
from qa.messages import language, say

if TYPE_CHECKING:
    from qa.index import Index

_EXAMPLES = {
    "zh": "大兴机场临空经济区的主导产业是什么？",
    "en": "How many projects were signed at the Changping life science forum?",
}


def serve(host: str | None, port: int | None, workers: int, allow_anonymous: bool) -> None:
    from qa.index import Index as Opened
    from qa.service import server
    from qa.service.waiting import answering

    settings = _chosen(host, port, allow_anonymous)
    host, port = settings.host, settings.port
    if server.check_open(settings):
        warn(say("serve.open", host=host, port=port, may=say(f"may.{settings.anonymous}")))
    with server.take_port(host, port) as taken:
        with answering(taken):
            index = Opened.open(settings=settings, progress=encoder_note)
            _prepare(index)
        server.serve(index, settings, taken, workers, lambda: _greet(index, host, taken.getsockname()[1]))
    note(say("serve.stopped"))


def _chosen(host: str | None, port: int | None, allow_anonymous: bool) -> Settings:
    """The settings, and what the command line says instead."""
    said = {"host": host, "port": port, "anonymous": "admin" if allow_anonymous else None}
    return read_settings().model_copy(update={name: value for name, value in said.items() if value is not None})


def _prepare(index: Index) -> None:
    """Index the shipped corpus where this is the first start, and load what searching needs."""
    from qa.service import server
    from qa.types import DEFAULT_COLLECTION

    if server.wants_corpus(index):
        note(say("serve.corpus", folder=index.settings.corpus_dir))
        with watched() as watch:
            report = server.index_corpus(index, watch)
        tell(report)
    elif not any(info.documents for info in index.collections()):
        warn(say("serve.no_corpus", folder=index.settings.corpus_dir))
    index.store.ensure_collection(DEFAULT_COLLECTION)
    server.warm(index)


def _greet(index: Index, host: str, port: int) -> None:
    found = index.collections()
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    counts = {name: sum(getattr(info, name) for info in found) for name in ("documents", "passages")}
    body = f'{{"query": "{_EXAMPLES[language()]}"}}'
    note(say("serve.ready", address=address, **counts))
    note(say("serve.try", example=f"curl -H 'Content-Type: application/json' {address}v1/search -d '{body}'"))
    note(say("serve.pages", address=address))
