"""`qa ingest`, `list`, `show`, `delete`, `collections`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qa.commands.output import cell, confirm, exact, json, note, opened, out, show, table, typed, warn, watched
from qa.errors import InputError
from qa.messages import say
from qa.service import shape
from qa.types import Document, IngestReport, Passage

if TYPE_CHECKING:
    from qa.index import Index


def ingest(locations: list[str], collection: str, as_json: bool) -> int:
    """Exit code 1 where nothing at all could be read."""
    places = [typed(place) for place in locations]
    with opened(create=True) as index, watched() as watch:
        report = index.ingest(*places, collection=typed(collection), progress=watch)
    if as_json:
        json(shape.report(report))
    else:
        tell(report)
    if not (report.added or report.replaced or report.unchanged):
        note(f"{say('error')}: {say('ingest.nothing')}")
        return 1
    return 0


def tell(report: IngestReport) -> None:
    """Say what an ingest did."""
    for skipped in report.skipped:
        warn(say("ingest.skipped", name=skipped.name, reason=skipped.reason))
    for copy, original in report.duplicates:
        out(say("ingest.duplicate", document=copy, original=original))
    counts = {name: len(getattr(report, name)) for name in ("added", "replaced", "unchanged", "skipped")}
    out(say("ingest.done", passages=report.passages, encoded=report.encoded, **counts))


def list_documents(collection: str, offset: int, limit: int, as_json: bool) -> None:
    from qa.store import catalogue

    with opened() as index:
        database = index.store.database
        found, total = catalogue.find(database, collection, "", offset=offset, limit=limit)
        copies = catalogue.duplicates(database, collection, [one.id for one in found])
    if as_json:
        json(shape.documents(found, total, offset, limit, copies))
    elif not total:
        out(say("list.empty"))
    else:
        _print_documents(found)
        if offset + len(found) < total:
            out(say("list.more", shown=len(found), total=total, next=offset + len(found)))


def _print_documents(found: list[Document]) -> None:
    made = table("id", "title", "publisher", "published", "language", "passages")
    for one in found:
        about = one.metadata
        row = (one.id, about.title, about.publisher, about.published, one.language, one.passages)
        made.add_row(*map(cell, row))
    show(made)


def show_document(document_id: str, collection: str, source: bool, passages: bool, as_json: bool) -> None:
    if source and (passages or as_json):
        raise InputError("--source goes with neither --passages nor --json.", "Ask for one of them.")
    with opened() as index:
        if source:
            exact(index.source_text(document_id, collection))
        elif passages:
            _show_passages(document_id, index.passages(document_id, collection), as_json)
        else:
            _show_facts(index.document(document_id, collection), as_json)


def _show_facts(one: Document, as_json: bool) -> None:
    facts = shape.document(one)
    if as_json:
        json(facts)
        return
    for name, value in facts.items():
        if value is not None:
            out(f"{name:<12} {value}")


def _show_passages(document_id: str, found: list[Passage], as_json: bool) -> None:
    if as_json:
        json(shape.passages(document_id, found))
        return
    for one in found:
        place = [f"[{one.ordinal}]", say("characters", start=one.start, end=one.end)]
        place += [say("page", page=one.page)] if one.page else []
        place += [one.heading] if one.heading else []
        out(" · ".join(place))
        out(one.text + "\n")


def delete(document_id: str, collection: str, forever: bool, yes: bool) -> int:
    """``forever`` also deletes what was deleted before and could be brought back."""
    with opened() as index:
        if not confirm(say("delete.ask", title=_title(index, document_id, collection, forever), id=document_id), yes):
            return 1
        index.delete(document_id, collection, forever=forever)
    out(say("delete.forever" if forever else "delete.done", id=document_id))
    return 0


def _title(index: Index, document_id: str, collection: str, deleted_too: bool) -> str:
    gone = {one.id: one.title for one in index.deleted(collection)} if deleted_too else {}
    return gone.get(document_id) or index.document(document_id, collection).metadata.title


def undelete(document_id: str, collection: str) -> None:
    with opened() as index:
        one = index.restore(document_id, collection)
    out(say("undelete.done", id=one.id, title=one.metadata.title))


def list_collections(as_json: bool) -> None:
    with opened() as index:
        found = index.collections()
    if as_json:
        json(shape.collections(found))
        return
    made = table("name", "documents", "passages", "created")
    for info in found:
        made.add_row(*map(cell, (info.name, info.documents, info.passages, info.created)))
    show(made)


def create_collection(name: str) -> None:
    with opened(create=True) as index:
        index.create_collection(typed(name))
    out(say("collection.created", name=name))


def drop_collection(name: str, yes: bool) -> int:
    with opened() as index:
        info = next((info for info in index.collections() if info.name == name), None)
        documents = info.documents if info else 0
        if info and not confirm(say("collection.ask", name=name, documents=documents), yes):
            return 1
        index.drop_collection(name)
    out(say("collection.dropped", name=name))
    return 0
