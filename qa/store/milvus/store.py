"""The store on Milvus: the database is the system of record, Milvus searches a copy of what is in it.

A commit in the database is the only moment at which anything becomes visible. Passages are put into Milvus inside the
transaction that makes them, counted there, and only then committed; what a rollback or a crash leaves in Milvus is
never shown, since every candidate is looked up in the database. Deleted passages are noted in ``milvus_gone`` and
removed from Milvus after a minute (sweep.py), so that a search that began before still finds them.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import sqlalchemy as sa

from qa.errors import CiteqaError, EngineError
from qa.store import builds, passages, records
from qa.store import encodings as blobs
from qa.store.database import Database
from qa.store.encodings import Packing
from qa.store.location import Build, Location, at
from qa.store.manifest import Identity
from qa.store.milvus import counts
from qa.store.milvus.copy import Copy
from qa.store.milvus.counts import Ledger, Tally
from qa.store.milvus.place import Place
from qa.store.milvus.schema import Shape
from qa.store.milvus.snapshot import MilvusSnapshot
from qa.store.milvus.sweep import sweep
from qa.store.milvus.writing import put_in, take_out
from qa.store.opening import open_index
from qa.store.record_store import RecordStore
from qa.store.records import Head
from qa.store.store import NewDocument
from qa.store.tables import documents as document_table
from qa.store.tables import milvus_gone
from qa.store.tables import passages as passage_table
from qa.store.tokens import TokenCodec

log = logging.getLogger(__name__)

FLUSH_ROWS = 2000
"""Passages added by this process from which on publishing has Milvus seal and index them at once."""


class MilvusStore(RecordStore):
    """Implements :class:`qa.store.store.Store`. Safe to share between threads; other processes may write meanwhile."""

    def __init__(
        self,
        location: Location,
        build: Build,
        database: Database,
        identity: Identity,
        packing: Packing,
        place: Place,
    ) -> None:
        """Use :meth:`open`."""
        super().__init__(location, build, database, identity, packing)
        self.copy = Copy(database, identity, place)
        self.place = place
        self.name = place.collection(identity)
        self._ledger = Ledger()
        self._shape: Shape | None = None
        self._lock = Lock()
        self._unflushed = 0

    @classmethod
    def open(
        cls,
        where: Path | Location,
        place: Place,
        *,
        fingerprint: str,
        dims: int,
        codec: TokenCodec,
        versions: dict[str, str],
        create: bool,
    ) -> MilvusStore:
        """Like :meth:`qa.store.local.LocalStore.open`. Milvus need not answer yet: what needs it raises EngineError."""
        wanted = Identity(uuid.uuid4().hex, fingerprint, dims, codec.dims, codec.bits, codec.digest, dict(versions))
        location = at(where)
        build, database, identity = open_index(location, wanted, create)
        return cls(location, build, database, identity, Packing(fingerprint, dims, codec), place)

    def ready(self) -> Shape:
        """The collection, made where the index is new. Raises EngineError where it is lost, or Milvus away."""
        with self._lock:
            if self._shape is None:
                self._shape = self.copy.find() or self._made()
                if not self._shape.bm25:
                    log.warning("%s", _no_bm25(self._shape))
            return self._shape

    def _made(self) -> Shape:
        with self.database.reading() as connection:
            filled = connection.scalar(sa.select(passage_table.c.row).limit(1)) is not None
        if filled:
            raise EngineError(
                f"Milvus has no collection {self.name!r} though this index has passages.",
                "Move the index there with `qa migrate --to milvus`; where Milvus lost it: `qa doctor --repair`.",
                code="milvus_lost",
            )
        return self.place.make(self.identity, beside=self._is_beside())

    def _is_beside(self) -> bool:
        """Whether this is a build that is made beside the current one."""
        return bool(self.location.schema) or self.root.parent.name == builds.FOLDER

    def adopted(self) -> None:
        """This build has become the current one: the alias follows. Raises EngineError."""
        self.place.adopt(self.identity)

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Like :meth:`RecordStore.writing`; with Milvus away nothing is written. Raises EngineError."""
        self.ready()
        with super().writing() as connection:
            yield connection

    @contextmanager
    def changing(
        self,
        connection: sa.Connection,
        head: Head,
        ids: Sequence[str] | None,
        new: Sequence[NewDocument] = (),
    ) -> Iterator[None]:
        """Brings Milvus and the token counts up to date, inside the transaction. Raises EngineError."""
        if ids is None:
            _note_gone(connection, passage_table.c.collection_id == head.id)
            counts.forget(connection, head.id)
            yield
            return
        self._check_counted(connection, head)
        before = _held(connection, head.id, ids)
        known = counts.read(connection, sorted(before))
        last = connection.scalar(sa.select(sa.func.coalesce(sa.func.max(passage_table.c.row), 0))) or 0
        given_up = _renew(connection, head.id, new)
        yield
        blobs.forget_unused(connection, given_up)
        after = _held(connection, head.id, ids)
        gone, added = sorted(before.keys() - after.keys()), sorted(row for row in after if row > last)
        _note_rows(connection, head.id, gone)
        put = counts.tally(counts.read(connection, added).values())
        self._derive(connection, head, added, put.plus(counts.tally([known[row] for row in gone]), -1))

    def _derive(self, connection: sa.Connection, head: Head, added: Sequence[int], changed: Tally) -> None:
        shape, server = self.ready(), self.place.server
        try:
            seen = put_in(connection, server, shape, added, self.packing.codec.width)
            counts.note(connection, head.id, head.revision + 1, changed, seen)
        except CiteqaError:
            take_out(server, shape, added)
            raise
        self._unflushed += len(added)

    def _check_counted(self, connection: sa.Connection, head: Head) -> None:
        revision, _ = counts.standing(connection, head.id)
        if revision != head.revision:
            raise behind(head.name)

    def snapshot(self, collection: str) -> MilvusSnapshot:
        """What is committed now. Raises NotFoundError for an unknown collection, EngineError."""
        shape = self.ready()
        connection = self.database.begin()
        try:
            with self.database.translated():
                head = records.head(connection, collection)
                totals = self._ledger.current(connection, head)
            if totals.revision != head.revision:
                raise behind(collection)
        except BaseException:
            connection.close()
            raise
        return MilvusSnapshot(self.database, connection, head, self.packing, totals, (self.place.server, shape))

    def publish(self, collection: str) -> None:
        """Fold the token counts, sweep, and have Milvus seal what was added. Raises NotFoundError."""
        with self.database.reading() as connection:
            head = records.head(connection, collection)
            lines = counts.lines(connection, head.id)
        try:
            if lines >= counts.FOLD:
                self._fold(collection)
            self.sweep()
            if self._unflushed >= FLUSH_ROWS:
                self.flush()
        except EngineError as error:
            log.warning("%s %s", error.message, error.hint)

    def _fold(self, collection: str) -> None:
        with self.database.writing() as connection:
            head = records.head(connection, collection)
            totals = self._ledger.current(connection, head)
            counts.write_whole(connection, head.id, totals.revision, totals.tally, totals.seen)

    def flush(self) -> None:
        """Have Milvus seal and index what was added. Raises EngineError."""
        self._unflushed = 0
        self.place.server.call("flush", lambda client, seconds: client.flush(self.name, timeout=seconds))

    def sweep(self, grace: float | None = None) -> int:
        """Remove from Milvus what was deleted over a minute ago; returns how many passages. Raises EngineError."""
        return sweep(self.database, self.place.server, self.ready(), grace)

    def notices(self) -> tuple[str, ...]:
        """Raises EngineError where searching does not work."""
        shape = self.ready()
        self.place.server.query(shape.name, "row == 0", ["row"], seen=1)
        return () if shape.bm25 else (_no_bm25(shape),)

    def generation(self) -> int:
        """How often the collections were written to."""
        with self.database.reading() as connection:
            return sum(head.revision for head in records.heads(connection))

    def _added(self, head: Head) -> None:
        """Visible already, and Milvus seals by itself."""

    def _dropped(self, head: Head) -> None:
        self._ledger.forget(head.id)

    def close(self) -> None:
        """Release connections and files. Snapshots taken before stay usable."""
        super().close()
        self.place.server.close()


def behind(collection: str) -> EngineError:
    return EngineError(
        f"The collection {collection!r} was written to without Milvus: its copy there is behind.",
        "Bring it up to date: `qa doctor --repair`.",
        code="milvus_behind",
    )


def _no_bm25(shape: Shape) -> str:
    return (
        f"Milvus {shape.version} ranks no words (its BM25 function came with 2.5): "
        "lexical candidates come from the database instead."
    )


def _held(connection: sa.Connection, collection: int, ids: Sequence[str]) -> dict[int, int]:
    """Rows of the passages of these documents, with the numbers of their encodings."""
    found: dict[int, int] = {}
    p, d = passage_table.c, document_table.c
    for some in blobs.slices(ids):
        statement = sa.select(p.row, p.encoding_id).join_from(passage_table, document_table)
        found.update(connection.execute(statement.where(d.collection_id == collection, d.id.in_(some))).all())
    return found


def _renew(connection: sa.Connection, collection: int, new: Sequence[NewDocument]) -> list[int]:
    """Take out the passages of documents whose filters would see other values than Milvus holds: they come back under
    new rows. Returns their encodings."""
    d = document_table.c
    given_up: list[int] = []
    for document in new:
        place = sa.select(d.number, d.publisher, d.published, d.language)
        found = connection.execute(place.where(d.collection_id == collection, d.id == document.id)).first()
        about = document.source.metadata
        if found is None or tuple(found[1:]) == (about.publisher, about.published, document.language):
            continue
        c = passage_table.c
        given_up += connection.scalars(sa.select(c.encoding_id).where(c.document_number == found[0])).all()
        passages.remove_all(connection, collection, found[0], forget=False)
    return given_up


def _note_rows(connection: sa.Connection, collection: int, rows: Sequence[int]) -> None:
    now = int(time.time())
    for some in blobs.slices(rows):
        connection.execute(
            milvus_gone.insert(), [{"row": row, "collection_id": collection, "since": now} for row in some]
        )


def _note_gone(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    c = passage_table.c
    chosen = sa.select(c.row, c.collection_id, sa.literal(int(time.time()))).where(which)
    connection.execute(milvus_gone.insert().from_select(["row", "collection_id", "since"], chosen))
