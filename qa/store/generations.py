"""Generations: folding what was added, and what was deleted, into new immutable segments.

A generation is written beside the current one and becomes current when the manifest is swapped. Nothing here changes
what a search finds; it only makes searches cheaper. One process makes generations at a time (its own lock: writers of
documents go on meanwhile).
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from qa.errors import DamagedIndexError, IndexError_
from qa.store.arrays import Arrays, Int64s, Layout, concatenate, in_order, select
from qa.store.database import Database
from qa.store.encodings import read_arrays
from qa.store.living import living, of_segments
from qa.store.lock import locked
from qa.store.manifest import Generation, Identity, Manifest, read_manifest, write_manifest
from qa.store.parts import Part, cover
from qa.store.passages import count_after
from qa.store.records import Head, heads
from qa.store.segment import SegmentEntry, is_whole, write_segment
from qa.store.state import generation_directory, load_generation

log = logging.getLogger(__name__)

LOCK = "publisher.lock"
MOST_SEGMENTS = 8
TAIL, _SHARE, _MOST_TAIL = 2000, 0.02, 10_000
"""Passages beyond the newest generation from which on a new one is made without being asked: in a large collection more
of them, since to plan a generation takes a look at every row. They are held in memory by each process."""
_AT_ONCE = 1000
"""Passages held in memory while a segment is written."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Makes the generations of one index directory."""

    directory: Path
    identity: Identity
    database: Database

    def publish(self, head: Head, without: frozenset[int] = frozenset()) -> bool:
        """Make a new generation if there is anything to fold; whether it did. Raises ConflictError, IndexError_.

        ``without``: numbers of segments that are not to be relied on.
        """
        with locked(self.directory, LOCK):
            return self._publish(self._manifest(), head, without)

    def generation(self) -> int:
        """How many generations the collections have had: one more each time that something is published."""
        return sum(one.number for one in self._manifest().collections.values())

    def _manifest(self) -> Manifest:
        """The current manifest; where it cannot be used, an empty one: everything is then made again."""
        try:
            return read_manifest(self.directory, self.identity)
        except DamagedIndexError as error:
            log.warning("%s Making the files anew.", error.message)
            return Manifest(self.identity)

    def _publish(self, manifest: Manifest, head: Head, without: frozenset[int] = frozenset()) -> bool:
        current = manifest.collections.get(head.id, Generation(head.name))
        with self.database.reading() as connection:
            work = _plan(connection, self.directory, head.id, current, without)
            if work is None:
                return False
            number = max(current.number, self._highest(head.id)) + 1
            segments = [*work.kept, *self._written(connection, head.id, number, work)]
        generation = Generation(head.name, number, work.watermark, tuple(segments))
        self._write(self._living(manifest, {head.id: generation}))
        self._clean()
        return True

    def _highest(self, collection: int) -> int:
        """The highest number in use, by an abandoned attempt perhaps."""
        return max(map(int, _numbered(generation_directory(self.directory, collection))), default=0)

    def _written(self, connection: sa.Connection, collection: int, number: int, work: _Work) -> list[SegmentEntry]:
        if len(work.rows) == 0:
            return []
        path = generation_directory(self.directory, collection) / str(number)
        try:
            layout = self.identity.layout
            return [write_segment(path, number, _chunks(connection, work, layout), layout, work.begun)]
        except OSError as error:
            shutil.rmtree(path, ignore_errors=True)
            raise _disk(error, path) from error

    def _write(self, manifest: Manifest) -> None:
        try:
            write_manifest(self.directory, manifest)
        except OSError as error:
            raise _disk(error, self.directory) from error

    def _living(self, manifest: Manifest, changed: dict[int, Generation]) -> Manifest:
        with self.database.reading() as connection:
            living = {head.id for head in heads(connection)}
        collections = {key: value for key, value in (manifest.collections | changed).items() if key in living}
        return replace(manifest, collections=collections)

    def tidy(self) -> None:
        """Bring derived files in order after a crash, a lost file or a dropped collection.

        Raises ConflictError where another process makes generations, IndexError_ where files cannot be written.
        """
        with locked(self.directory, LOCK, 0):
            manifest = self._living(self._manifest(), {})
            if not self._is_written(manifest):
                self._write(manifest)
            with self.database.reading() as connection:
                behind = [head for head in heads(connection) if self._is_behind(connection, manifest, head.id)]
            for head in behind:
                self._publish(self._manifest(), head)
            self._clean()

    def _is_written(self, manifest: Manifest) -> bool:
        try:
            return read_manifest(self.directory, self.identity) == manifest
        except DamagedIndexError:
            return False

    def _is_behind(self, connection: sa.Connection, manifest: Manifest, collection: int) -> bool:
        current = manifest.collections.get(collection, Generation(""))
        directory = generation_directory(self.directory, collection)
        whole = all(is_whole(directory / str(entry.number), entry) for entry in current.segments)
        return not whole or _is_long(connection, collection, current)

    def is_due(self, head: Head) -> bool:
        """Whether so much was added since the newest generation that it is time for another."""
        current = self._manifest().collections.get(head.id, Generation(""))
        with self.database.reading() as connection:
            return _is_long(connection, head.id, current)

    def _clean(self) -> None:
        """Remove directories that the manifest does not name. Searches that have them mapped keep them."""
        for path in unnamed(self.directory, self._manifest()):
            shutil.rmtree(path, ignore_errors=True)


def _is_long(connection: sa.Connection, collection: int, current: Generation) -> bool:
    """Whether the tail behind a generation is longer than is left to itself."""
    return count_after(connection, collection, current.watermark) > longest_tail(
        sum(entry.shape.passages for entry in current.segments)
    )


def longest_tail(published: int) -> int:
    """How many passages may wait behind generations of ``published``."""
    return max(TAIL, min(int(_SHARE * published), _MOST_TAIL))


def unnamed(directory: Path, manifest: Manifest) -> list[Path]:
    """Directories below ``generations`` that belong to no segment of the manifest."""
    root = directory / "generations"
    found = []
    for collection in sorted(root.iterdir()) if root.is_dir() else []:
        generation = manifest.collections.get(int(collection.name)) if collection.name.isdecimal() else None
        named = {str(entry.number) for entry in generation.segments} if generation is not None else set()
        if not named:
            found.append(collection)
        else:
            found += [path for path in sorted(collection.iterdir()) if path.name not in named]
    return found


def _numbered(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir() if path.name.isdecimal()] if directory.is_dir() else []


@dataclass(frozen=True, slots=True)
class _Work:
    """``kept``: segments that stay as they are; ``rows``: what the new segment holds, out of ``folded`` segments and,
    where those have it not, out of the database. ``begun``: the one of ``folded`` that it begins with, if any."""

    kept: tuple[SegmentEntry, ...]
    folded: tuple[Part, ...]
    begun: SegmentEntry | None
    rows: Int64s
    watermark: int


def _plan(
    connection: sa.Connection, directory: Path, collection: int, current: Generation, without: frozenset[int]
) -> _Work | None:
    """What a new generation consists of; None where the current one serves."""
    relied = tuple(entry for entry in current.segments if entry.number not in without)
    loaded, _ = load_generation(directory, collection, relied, graphs=False)
    segments = [segment for _, segment in loaded]
    rows, stamps = living(connection, collection, of_segments(segments))
    covered = cover(rows, stamps, segments)
    folded = _folded(covered.parts, len(covered.missing))
    kept = {part.segment.number for part in covered.parts if part.size} - {part.segment.number for part in folded}
    if len(covered.missing) == 0 and len(kept) == len(current.segments):
        return None
    held = [part.segment.arrays.rows[part.alive_positions()] for part in folded]
    written = np.sort(np.concatenate([covered.missing, *held]))
    begun = {part.segment.number for part in folded if _begins(part, written)}
    return _Work(
        kept=tuple(entry for entry in current.segments if entry.number in kept),
        folded=folded,
        begun=next((entry for entry in current.segments if entry.number in begun), None),
        rows=written,
        watermark=int(rows[-1]) if len(rows) else 0,
    )


def _begins(part: Part, rows: Int64s) -> bool:
    """Whether the rows begin with all those of a part's segment."""
    own = part.segment.arrays.rows
    return part.alive is None and np.array_equal(own, rows[: len(own)])


def _folded(parts: Sequence[Part], fresh: int) -> tuple[Part, ...]:
    """Which parts go into the new segment: those that are mostly dead, and the newest where there are too many."""
    living = [part for part in parts if part.size]
    wasted = [part for part in living if 2 * part.size < len(part.segment.arrays)]
    sound = [part for part in living if part not in wasted]
    return tuple(wasted + sound[first_folded([part.size for part in sound], fresh) :])


def first_folded(sizes: Sequence[int], fresh: int) -> int:
    """From which on the segments of these sizes, oldest first, are folded together with ``fresh`` passages.

    None while there is room. Then the newest, and as long as they are at most twice what is folded already, those
    before them: a passage is copied about once each time the collection triples, and few segments remain.
    """
    first, total = len(sizes), fresh
    if first < MOST_SEGMENTS:
        return first
    while first and (first >= MOST_SEGMENTS or sizes[first - 1] <= 2 * total):
        first -= 1
        total += sizes[first]
    return first


def _chunks(connection: sa.Connection, work: _Work, layout: Layout) -> Iterator[Arrays]:
    """The rows of the new segment in order, some at a time."""
    for rows in np.split(work.rows, range(_AT_ONCE, len(work.rows), _AT_ONCE)):
        pieces = []
        missing = np.ones(len(rows), dtype=np.bool_)
        for part in work.folded:
            positions, present = part.positions(rows)
            pieces.append(select(part.segment.arrays, positions[present]))
            missing &= ~present
        pieces += read_arrays(connection, rows[missing], layout, _AT_ONCE)
        yield in_order(concatenate(pieces))


def _disk(error: OSError, path: Path) -> IndexError_:
    return IndexError_(
        f"{path} could not be written: {error.strerror or error}.",
        "Free disk space or check its permissions; documents are safe, only searches are slower until then.",
        code="disk",
    )
