"""The copy of an index in Milvus held against the database, and made anew from it where it differs.

Rows and stamps of all passages are compared; what stands under a row, every field, for a sample spread over them or
for all. Filling goes through the passages in order, puts in what Milvus does not have and takes out what it should not
have: cut short and begun again, it goes on. It needs no encoder and nothing but the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from qa.errors import EngineError
from qa.store import passages, records
from qa.store.arrays import Int64s
from qa.store.database import Database
from qa.store.encodings import slices
from qa.store.manifest import Identity
from qa.store.milvus import counts, schema
from qa.store.milvus.place import Place
from qa.store.milvus.schema import Shape
from qa.store.milvus.server import Row, Server
from qa.store.milvus.writing import insert, remove
from qa.store.records import Head
from qa.store.tables import milvus_gone
from qa.store.tables import passages as passage_table

SAMPLE = 500
"""Passages of a collection whose fields are compared one by one, where not all are."""
_PAGE = 5000
_AT_ONCE = 100
_ROUNDS = 3

Progress = Callable[[str, int, int], None]
"""(collection, passages gone through, passages in all)."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One build's copy."""

    database: Database
    identity: Identity
    place: Place

    @property
    def server(self) -> Server:
        return self.place.server

    def find(self) -> Shape | None:
        """None where the server has none. Raises EngineError."""
        name = self.place.collection(self.identity)
        found = schema.describe(self.server, name)
        if found is not None:
            self.server.load(name, self.place.replicas)
        return found


@dataclass(frozen=True, slots=True)
class Difference:
    """``missing``: rows that Milvus lacks or has under another stamp; ``stray``: that it has and should not;
    ``altered``: whose fields are not what the database says, among those ``compared``."""

    collection: str
    passages: int
    missing: tuple[int, ...]
    stray: tuple[int, ...]
    altered: tuple[int, ...]
    compared: int
    counted: bool
    """Whether the token counts are of the collection's revision."""

    @property
    def same(self) -> bool:
        return self.counted and not (self.missing or self.stray or self.altered)


def compare(copy: Copy, shape: Shape, sample: int | None = SAMPLE) -> Iterator[Difference]:
    """Each collection's copy and what is wrong with it. ``sample``: passages compared in full, None: all.

    Raises EngineError.
    """
    with copy.database.reading() as connection:
        for head in records.heads(connection):
            yield _difference(copy, shape, connection, head, sample)


def _difference(copy: Copy, shape: Shape, connection: sa.Connection, head: Head, sample: int | None) -> Difference:
    rows, stamps = passages.live(connection, head.id)
    missing, stray = [], []
    for lacking, extra in _pages(copy.server, shape, connection, head.id, rows, stamps):
        missing += lacking
        stray += extra
    present = np.setdiff1d(rows, missing, assume_unique=True)
    chosen = present if sample is None else present[:: max(1, -(-len(present) // max(1, sample)))]
    altered = [row for some in slices(chosen.tolist(), _AT_ONCE) for row in _altered(copy, shape, connection, some)]
    counted = counts.standing(connection, head.id)[0] == head.revision
    return Difference(head.name, len(rows), tuple(missing), tuple(stray), tuple(altered), len(chosen), counted)


def _pages(
    server: Server,
    shape: Shape,
    connection: sa.Connection,
    collection: int,
    rows: Int64s,
    stamps: Int64s,
) -> Iterator[tuple[list[int], list[int]]]:
    """(missing, stray) of one run of rows after the other. Rows above the highest are a writer's who is at it."""
    top = connection.scalar(sa.select(sa.func.max(passage_table.c.row))) or 0
    last = 0
    for at in range(0, len(rows) + 1, _PAGE):
        known = dict(zip(rows[at : at + _PAGE].tolist(), stamps[at : at + _PAGE].tolist(), strict=True))
        end = top if at + _PAGE >= len(rows) else max(known)
        yield _page(server, shape, connection, known, f"collection == {collection} and row > {last} and row <= {end}")
        last = end


def _page(
    server: Server, shape: Shape, connection: sa.Connection, known: dict[int, int], where: str
) -> tuple[list[int], list[int]]:
    there = {int(entity["row"]): int(entity["stamp"]) for entity in _every(server, shape, where)}
    missing = [row for row, stamp in known.items() if there.get(row) != stamp]
    stray = sorted(row for row in there if row not in known or known[row] != there[row])
    return missing, _unnoted(connection, stray)


def _every(server: Server, shape: Shape, where: str) -> Iterator[Row]:
    last = 0
    while some := server.query(shape.name, f"{where} and row > {last}", ["row", "stamp"], limit=_PAGE):
        yield from some
        last = max(int(entity["row"]) for entity in some)


def _unnoted(connection: sa.Connection, stray: Sequence[int]) -> list[int]:
    """Those that no sweep will remove anyway."""
    due: set[int] = set()
    for some in slices(stray):
        due.update(connection.scalars(sa.select(milvus_gone.c.row).where(milvus_gone.c.row.in_(some))))
    return [row for row in stray if row not in due]


def _altered(copy: Copy, shape: Shape, connection: sa.Connection, rows: Sequence[int]) -> Iterator[int]:
    fields = [*schema.COMPARED, *(["words"] if shape.bm25 else [])]
    there = {int(entity["row"]): entity for entity in copy.server.query(shape.name, f"row in {list(rows)}", fields)}
    for batch in schema.batches(connection, rows, copy.identity.layout.width, shape.bm25):
        for entity in batch:
            if not _equal(entity, there.get(entity["row"], {}), fields):
                yield entity["row"]


def _equal(entity: Row, there: Row, fields: Sequence[str]) -> bool:
    if there.keys() < set(fields):
        return False
    vector = np.asarray(there[schema.VECTOR], dtype=np.float32)
    same = all(entity[name] == there[name] for name in fields if name != schema.VECTOR)
    return same and bool(np.allclose(entity[schema.VECTOR], vector, atol=1e-6))


def discard(copy: Copy, shape: Shape, sample: int | None = SAMPLE) -> None:
    """Take out passages that are not what the database says, for ``fill`` to put them in again. Raises EngineError."""
    for difference in compare(copy, shape, sample):
        remove(copy.server, shape, difference.altered)


def fill(copy: Copy, progress: Progress | None = None) -> Shape:
    """Put into Milvus what it lacks, take out what it should not have, and count the tokens. Searches may go on.

    Raises EngineError, ConfigError where another index has the name, ConflictError where a writer does not finish.
    """
    shape = copy.find() or copy.place.make(copy.identity, beside=False)
    for _ in range(_ROUNDS - 1):
        _fill_once(copy, shape, progress)
    with copy.database.exclusive() as connection:
        for head in records.heads(connection):
            seen = _fill_collection(copy, shape, connection, head, None)
            _count(connection, head, seen)
    return shape


def _fill_once(copy: Copy, shape: Shape, progress: Progress | None) -> None:
    with copy.database.reading() as connection:
        for head in records.heads(connection):
            _fill_collection(copy, shape, connection, head, progress)


def _fill_collection(copy: Copy, shape: Shape, connection: sa.Connection, head: Head, progress: Progress | None) -> int:
    """Returns the timestamp from which on everything is seen; 0 where nothing was missing."""
    rows, stamps = passages.live(connection, head.id)
    seen = done = 0
    for missing, stray in _pages(copy.server, shape, connection, head.id, rows, stamps):
        remove(copy.server, shape, stray)
        for some in slices(missing):
            seen = insert(connection, copy.server, shape, some, copy.identity.layout.width)
        done = min(done + _PAGE, len(rows))
        if progress is not None:
            progress(head.name, done, len(rows))
    if seen and (held := copy.server.count(shape.name, f"collection == {head.id}", seen=seen)) < len(rows):
        raise EngineError(f"Milvus holds {held} of {len(rows)} passages of {head.name!r}.", "Run it again.")
    return seen


def _count(connection: sa.Connection, head: Head, seen: int) -> None:
    revision, known = counts.standing(connection, head.id)
    if revision != head.revision:
        total = counts.whole(connection, head.id)
        counts.write_whole(connection, head.id, head.revision, total, max(seen, known))
    elif seen > known:
        records.touch(connection, head.id, 0)
        counts.note(connection, head.id, head.revision + 1, counts.Tally(), seen)
