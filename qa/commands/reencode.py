"""`qa doctor --reencode`: the same articles with the encoder, the splitter and the normaliser of today.

The new build is made beside the old one, which goes on answering and taking in documents; what changed meanwhile is
caught up with, at the end while writers wait, and the builds change places in one rename. A run that is cut short
changes nothing. The earlier build is kept until the next: `qa doctor --rollback` returns to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qa.commands.documents import tell
from qa.commands.output import confirm, encoder_note, note, out, watched
from qa.config import Settings
from qa.errors import DamagedIndexError
from qa.messages import say

if TYPE_CHECKING:
    from qa.index import Index
    from qa.store.database import Database
    from qa.store.location import Location
    from qa.store.places import Builds

_ROUNDS = 2
"""Times that the documents are gone through while writers go on; the last takes in what came during the first."""


@dataclass(frozen=True, slots=True)
class _Both:
    places: Builds
    old: Database
    """Of the build that is current."""
    new: Index


def reencode(settings: Settings) -> int:
    """Raises NoIndexError, ConflictError where another build is being made, EncoderError, IndexError_."""
    with _both(settings) as both:
        for _ in range(_ROUNDS):
            _catch_up(both)
        _check(both.new)
        with both.old.holding():
            _catch_up(both)
            _change_places(both)
        both.places.tidy()
        _tidy_copies(settings, both.places)
    out(say("reencode.done", index=settings.index_dir))
    return 0


@contextmanager
def _both(settings: Settings) -> Iterator[_Both]:
    from qa.index import Index
    from qa.store.opening import open_existing
    from qa.store.places import builds_of

    where = _where(settings)
    places = builds_of(where)
    with ExitStack() as stack:
        old = stack.enter_context(closing(open_existing(where)))
        stack.enter_context(places.rebuilding())
        new = Index.open(places.new(), settings=settings, progress=encoder_note)
        yield _Both(places, old, stack.enter_context(new))


def _where(settings: Settings) -> Location:
    from qa.store.location import location

    return replace(location(settings), root=settings.index_dir.absolute())


def _catch_up(both: _Both) -> None:
    """Bring the new build to the documents of the old one: all of them at first, later what has changed."""
    from qa.store.carry import carry_collections, held, numbered_collections

    new = both.new.store.database
    wanted = numbered_collections(both.old)
    for name, number in numbered_collections(new).items():
        if wanted.get(name) != number:
            both.new.drop_collection(name)
    carry_collections(both.old, new)
    there, here = held(both.old), held(new)
    for collection, identity in here.keys() - there.keys():
        both.new.delete(identity, collection, forever=True)
    changed = {key for key, made_from in there.items() if here.get(key) != made_from}
    for collection in sorted({collection for collection, _ in changed}):
        _ingest(both, collection, {identity for name, identity in changed if name == collection})


def _ingest(both: _Both, collection: str, ids: set[str]) -> None:
    from qa.store.carry import sources_of

    with watched() as watch:
        sources = sources_of(both.old, collection, ids)
        report = both.new.ingest_sources(sources, collection=collection, progress=watch)
    note(f"{collection}:")
    tell(report)


def _check(index: Index) -> None:
    """Raises DamagedIndexError: a build that is not sound does not become current."""
    if found := index.check():
        raise DamagedIndexError(
            f"The new build is not sound: {found[0].where}: {found[0].message}",
            "The index is as it was. Make room where the disk is full, then try again.",
        )


def _change_places(both: _Both) -> None:
    """In a write transaction of the old build: whoever writes next finds that it is no longer current."""
    from qa.store.carry import carry_records

    with both.old.writing() as last:
        carry_records(last, both.new.store.database)
        both.places.adopt(last, both.new.store.build)
    both.new.store.adopted()


def rollback(settings: Settings, yes: bool) -> int:
    """Return to the build before the current one. Raises ConflictError where there is none."""
    from qa.store.carry import carry_records
    from qa.store.opening import open_build
    from qa.store.places import builds_of

    places = builds_of(_where(settings))
    with ExitStack() as stack:
        stack.enter_context(places.rebuilding())
        pair = places.pair()
        now = stack.enter_context(closing(open_build(pair.now)))
        before = stack.enter_context(closing(open_build(pair.before)))
        stack.enter_context(now.holding())
        if not _agreed(now, before, yes):
            return 1
        with now.writing() as last:
            if pair.origin == "reencode":
                carry_records(last, before)
            places.go_back(last, pair)
        if settings.store == "milvus":
            _follow(settings, before)
    out(say("rollback.done", index=settings.index_dir))
    return 0


def _follow(settings: Settings, current: Database) -> None:
    """Have Milvus's alias name the build that is current again."""
    from qa.store.milvus.place import place_from
    from qa.store.opening import read_identity

    place_from(settings).adopt(read_identity(current))


def _agreed(now: Database, before: Database, yes: bool) -> bool:
    """Documents that the two do not share are shown to whoever decides."""
    from qa.store.carry import held

    differing = len(set(held(now).items()) ^ set(held(before).items()))
    return differing == 0 or confirm(say("rollback.ask", count=differing), yes)


def drop_previous(settings: Settings) -> int:
    """Delete the build before the current one. Raises ConflictError where there is none."""
    from qa.store.places import builds_of

    places = builds_of(_where(settings))
    places.drop_previous()
    _tidy_copies(settings, places)
    out(say("previous.dropped"))
    return 0


def _tidy_copies(settings: Settings, places: Builds) -> None:
    """Drop the copies in Milvus of builds that are gone. Raises EngineError."""
    from qa.store.milvus.place import place_from
    from qa.store.opening import open_build, read_identity

    if settings.store != "milvus":
        return
    identities = []
    for build in places.every():
        with closing(open_build(build)) as database:
            identities.append(read_identity(database))
    place = place_from(settings)
    with closing(place.server):
        place.keep(identities)
