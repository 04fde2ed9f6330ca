"""`qa doctor --reencode`: the same articles with the encoder, the splitter and the normaliser of today.

The new build is made beside the old one, which goes on answering and taking in documents; what changed meanwhile is
caught up with, at the end while writers wait, and the builds change places in one rename. A run that is cut short
changes nothing. The earlier build is kept until the next: `qa doctor --rollback` returns to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qa.commands.documents import tell
from qa.commands.output import confirm, encoder_note, note, out, watched
from qa.config import Settings
from qa.errors import DamagedIndexError
from qa.messages import say

if TYPE_CHECKING:
    from qa.index import Index
    from qa.store.database import Database

_ROUNDS = 2
"""Times that the documents are gone through while writers go on; the last takes in what came during the first."""


@dataclass(frozen=True, slots=True)
class _Builds:
    root: Path
    directory: Path
    """Of the build that is current."""
    old: Database
    new: Index


def reencode(settings: Settings) -> int:
    """Raises NoIndexError, ConflictError where another build is being made, EncoderError, IndexError_."""
    from qa.store.lock import locked

    with _both(settings) as both:
        for _ in range(_ROUNDS):
            _catch_up(both)
        _check(both.new)
        with locked(both.directory):
            _catch_up(both)
            _change_places(both)
    out(say("reencode.done", index=settings.index_dir))
    return 0


@contextmanager
def _both(settings: Settings) -> Iterator[_Builds]:
    from qa.index import Index
    from qa.store import builds
    from qa.store.opening import open_existing

    root = settings.index_dir.absolute()
    with ExitStack() as stack:
        old = stack.enter_context(closing(open_existing(root)))
        stack.enter_context(builds.rebuilding(root))
        new = Index.open(builds.new_build(root), settings=settings, progress=encoder_note)
        yield _Builds(root, builds.current(root), old, stack.enter_context(new))


def _catch_up(both: _Builds) -> None:
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


def _ingest(both: _Builds, collection: str, ids: set[str]) -> None:
    from qa.store.carry import sources_of

    with watched() as watch:
        sources = sources_of(both.old, collection, ids)
        report = both.new.ingest_sources(sources, collection=collection, progress=watch)
    note(f"{collection}:")
    tell(report)


def _check(index: Index) -> None:
    """Raises DamagedIndexError: a build that is not sound does not become current."""
    if found := index.check():
        raise DamagedIndexError(f"The new build is not sound: {found[0].where}: {found[0].message}", "Try again.")


def _change_places(both: _Builds) -> None:
    """In a write transaction of the old build: whoever writes next finds that it is no longer current."""
    from qa.store import builds
    from qa.store.carry import carry_records

    with both.old.writing() as last:
        carry_records(last, both.new.store.database)
        builds.adopt(both.root, both.new.store.directory, "reencode")


def rollback(settings: Settings, yes: bool) -> int:
    """Return to the build before the current one. Raises ConflictError where there is none."""
    from qa.store import builds
    from qa.store.carry import carry_records
    from qa.store.lock import locked
    from qa.store.opening import open_build

    root = settings.index_dir.absolute()
    with ExitStack() as stack:
        stack.enter_context(builds.rebuilding(root))
        place = builds.read_place(root)
        if place.previous is None:
            raise builds.no_previous(root)
        now = stack.enter_context(closing(open_build(root / place.build)))
        before = stack.enter_context(closing(open_build(root / place.previous)))
        stack.enter_context(locked(root / place.build))
        if not _agreed(now, before, yes):
            return 1
        with now.writing() as last:
            if place.origin == "reencode":
                carry_records(last, before)
            builds.switch(root, builds.Place(place.previous, place.build, place.origin))
    out(say("rollback.done", index=settings.index_dir))
    return 0


def _agreed(now: Database, before: Database, yes: bool) -> bool:
    """Documents that the two do not share are shown to whoever decides."""
    from qa.store.carry import held

    differing = len(set(held(now).items()) ^ set(held(before).items()))
    return differing == 0 or confirm(say("rollback.ask", count=differing), yes)


def drop_previous(settings: Settings) -> int:
    """Delete the build before the current one. Raises ConflictError where there is none."""
    from qa.store import builds

    builds.drop_previous(settings.index_dir.absolute())
    out(say("previous.dropped"))
    return 0
