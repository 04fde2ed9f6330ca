"""States: everything derived that a search of a collection reads, as of one revision of the database.

A state is made of parts on disk (the manifest's segments) and parts in memory (rows that no segment holds: what was
added since the last generation, or whatever a damaged segment held). It is therefore complete whatever the derived
files look like, and it is made from the previous state: new rows are read, deleted ones masked, new segments mapped.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

import numpy as np
import sqlalchemy as sa

from qa.errors import DamagedIndexError
from qa.store.arrays import Int64s, concatenate, in_order, select
from qa.store.encodings import read_arrays
from qa.store.living import living, of_parts, of_segments
from qa.store.manifest import Generation, Identity, Signature, read_manifest, signature
from qa.store.parts import Part, cover, make_part
from qa.store.passages import live
from qa.store.records import Head
from qa.store.segment import Segment, SegmentEntry, in_memory, load_segment
from qa.store.word_counts import Counts

log = logging.getLogger(__name__)

_MOST_CHUNKS = 8
_AT_ONCE = 500
_TRIES = 5


@dataclass(frozen=True, slots=True)
class State:
    """``head``: the revision it shows; ``manifest``: which manifest it was made from; ``loaded``: its disk segments."""

    head: Head
    manifest: Signature
    last_row: int
    loaded: tuple[tuple[SegmentEntry, Segment], ...]
    on_disk: tuple[Part, ...]
    in_memory: tuple[Part, ...]
    counts: Counts

    @property
    def parts(self) -> tuple[Part, ...]:
        return self.on_disk + self.in_memory


def generation_directory(directory: Path, collection: int) -> Path:
    return directory / "generations" / str(collection)


class States:
    """The newest state of each collection, brought up to date when a search asks for it. Safe between threads."""

    def __init__(self, directory: Path, identity: Identity) -> None:
        self._directory = directory
        self._identity = identity
        self._latest: dict[int, State] = {}
        self._locks: dict[int, Lock] = {}

    def current(self, connection: sa.Connection, head: Head) -> State | None:
        """The state at ``head``, which ``connection`` reads; None where a newer one is held already.

        While one thread maps a new generation of an unchanged collection, the others go on with the old one.
        """
        state = self._latest.get(head.id)
        same = state is not None and state.head.revision == head.revision
        if same and state is not None and state.manifest == signature(self._directory):
            return state
        lock = self._locks.setdefault(head.id, Lock())
        if not lock.acquire(blocking=not same):
            return state
        try:
            return self._advance(connection, head)
        finally:
            lock.release()

    def _advance(self, connection: sa.Connection, head: Head) -> State | None:
        state = self._latest.get(head.id)
        if state is not None and state.head.revision > head.revision:
            return None
        self._latest[head.id] = fresh = self._fresh(state, connection, head)
        return fresh

    def has(self, collection: int) -> bool:
        return collection in self._latest

    def forget(self, collection: int) -> None:
        self._latest.pop(collection, None)

    def _fresh(self, state: State | None, connection: sa.Connection, head: Head) -> State:
        seen = signature(self._directory)
        if state is None or state.manifest != seen or state.head.deletions != head.deletions:
            return self._whole(state, connection, head)
        return self._extended(state, connection, head) if state.head.revision != head.revision else state

    def _extended(self, state: State, connection: sa.Connection, head: Head) -> State:
        """Nothing was removed: the new rows are all there is to read."""
        rows, _ = live(connection, head.id, state.last_row)
        chunks = (*state.in_memory, *self._chunk(connection, rows))
        return replace(
            state, head=head, last_row=_last(rows, state.last_row), in_memory=_merged(chunks), counts=Counts()
        )

    def _whole(self, state: State | None, connection: sa.Connection, head: Head) -> State:
        seen, loaded = self._segments(state, head.id)
        likely = of_parts(state.parts) if state is not None else of_segments([segment for _, segment in loaded])
        rows, stamps = living(connection, head.id, likely)
        disk = cover(rows, stamps, [segment for _, segment in loaded])
        if disk.foreign:
            log.warning("%s: %d segments are of another database and not used.", self._directory, disk.foreign)
        held = [part.segment for part in state.in_memory] if state is not None else []
        memory = cover(disk.missing, stamps[np.isin(rows, disk.missing, assume_unique=True)], held)
        kept = [part for part in memory.parts if part.size]
        chunks = (*kept, *self._chunk(connection, memory.missing))
        return State(head, seen, _last(rows, 0), loaded, disk.parts, _merged(chunks), Counts())

    def _chunk(self, connection: sa.Connection, rows: Int64s) -> list[Part]:
        if len(rows) == 0:
            return []
        arrays = concatenate(list(read_arrays(connection, rows, self._identity.layout, _AT_ONCE)))
        return [make_part(in_memory(arrays), np.ones(len(arrays), dtype=np.bool_))]

    def _segments(
        self, state: State | None, collection: int
    ) -> tuple[Signature, tuple[tuple[SegmentEntry, Segment], ...]]:
        """The manifest's segments, those held already as they are. A damaged one is left out, and said."""
        for _ in range(_TRIES):
            seen = signature(self._directory)
            loaded, problem = self._load(state, collection)
            # A generation may be replaced, and its files removed, while they are being opened.
            if problem is None or seen == signature(self._directory):
                break
        if problem is not None:
            log.warning("%s %s", problem.message, problem.hint)
        return seen, loaded

    def _load(
        self, state: State | None, collection: int
    ) -> tuple[tuple[tuple[SegmentEntry, Segment], ...], DamagedIndexError | None]:
        try:
            manifest = read_manifest(self._directory, self._identity)
        except DamagedIndexError as error:
            return (), error
        entries = manifest.collections.get(collection, Generation("")).segments
        return load_generation(self._directory, collection, entries, state.loaded if state is not None else ())


def load_generation(
    directory: Path,
    collection: int,
    entries: Sequence[SegmentEntry],
    held: Sequence[tuple[SegmentEntry, Segment]] = (),
    *,
    graphs: bool = True,
) -> tuple[tuple[tuple[SegmentEntry, Segment], ...], DamagedIndexError | None]:
    """The segments that can be used, and the last reason why one cannot. ``graphs``: see :func:`load_segment`."""
    loaded, problem = [], None
    for entry in entries:
        known = next((segment for other, segment in held if other == entry), None)
        try:
            path = generation_directory(directory, collection) / str(entry.number)
            loaded.append((entry, known or load_segment(path, entry, graphs=graphs)))
        except DamagedIndexError as error:
            problem = error
    return tuple(loaded), problem


def _last(rows: Int64s, otherwise: int) -> int:
    return int(rows[-1]) if len(rows) else otherwise


def _merged(chunks: tuple[Part, ...]) -> tuple[Part, ...]:
    """Few parts in memory: once there are many, they become one."""
    if len(chunks) <= _MOST_CHUNKS:
        return chunks
    arrays = in_order(concatenate([select(part.segment.arrays, part.alive_positions()) for part in chunks]))
    return (make_part(in_memory(arrays), np.ones(len(arrays), dtype=np.bool_)),)
