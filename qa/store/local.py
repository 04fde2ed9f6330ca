"""The local store: the database is the system of record, FAISS and token vectors are derived files of this machine.

    index/citeqa.sqlite                              collections, documents, source texts, passages, encodings, words
    index/manifest.json                              which derived files are current (manifest.py)
    index/generations/<collection>/<number>/         immutable segments (segment.py)
    index/writer.lock, index/publisher.lock          one writer, one maker of generations at a time (lock.py)
    index/current, index/builds/                     another build of the same index in its place (builds.py)

With the records in PostgreSQL (location.py) the derived files and their locks are in index/postgresql/<schema>/, and
every process, or all that share the directory, derives them for itself.

The commit of a database transaction is the only point at which anything becomes visible: a search joins the current
generation with whatever the database has beyond it (state.py), so that an acknowledged write is found at once, after
a crash too, and a generation is only ever a matter of speed. All derived files can be lost without loss.
"""

from __future__ import annotations

import logging
import threading
import uuid
from contextlib import suppress
from pathlib import Path

from qa.errors import BusyError, CiteqaError, ConflictError, IndexError_
from qa.store import builds, records
from qa.store.database import Database
from qa.store.encodings import Packing
from qa.store.generations import Publisher, longest_tail
from qa.store.location import Build, Location, at
from qa.store.manifest import Identity
from qa.store.opening import open_index
from qa.store.record_store import RecordStore
from qa.store.records import Head
from qa.store.snapshot import LocalSnapshot
from qa.store.state import State, States
from qa.store.tokens import TokenCodec

log = logging.getLogger(__name__)

_TRIES = 100


class LocalStore(RecordStore):
    """Implements :class:`qa.store.store.Store`. Safe to share between threads; other processes may write meanwhile."""

    def __init__(
        self, location: Location, build: Build, database: Database, identity: Identity, packing: Packing
    ) -> None:
        """Use :meth:`open`."""
        super().__init__(location, build, database, identity, packing)
        self.publisher = Publisher(build.directory, identity, database)
        self._states = States(build.directory, identity)
        self._publishing = threading.Lock()

    @classmethod
    def open(
        cls,
        where: Path | Location,
        *,
        fingerprint: str,
        dims: int,
        codec: TokenCodec,
        versions: dict[str, str],
        create: bool,
    ) -> LocalStore:
        """Open the index in a directory or a shared database, or make one there.

        ``fingerprint``, ``dims``: of the encoder. ``codec``: of its token vectors. ``versions``: of what turns a
        source into passages and words; others than the index was made with are logged, and `qa doctor` names them.

        Raises NoIndexError where there is none and ``create`` is false, EncoderMismatchError, FormatError,
        DamagedIndexError, IndexError_ (``code="index_read_only"``), BusyError where PostgreSQL cannot be reached.
        """
        location = at(where)
        wanted = Identity(uuid.uuid4().hex, fingerprint, dims, codec.dims, codec.bits, codec.digest, dict(versions))
        build, database, identity = open_index(location, wanted, create)
        try:
            store = cls(location, build, database, identity, Packing(fingerprint, dims, codec))
            store._tidy()
        except BaseException:
            database.close()
            raise
        return store

    def _tidy(self) -> None:
        """What a crash left behind is put in order when nobody else is at it; a search does not need it."""
        if self.database.read_only:
            return
        try:
            if (self.root / builds.FOLDER).is_dir():
                with suppress(ConflictError), builds.rebuilding(self.root):
                    builds.remove_abandoned(self.root)
            self.publisher.tidy()
        except ConflictError:
            log.debug("%s: another process makes a generation.", self.directory)
        except IndexError_ as error:
            log.warning("%s %s", error.message, error.hint)

    def generation(self) -> int:
        """One more each time that something was published."""
        return self.publisher.generation()

    def _added(self, head: Head) -> None:
        if self.publisher.is_due(head):
            self._publish_quietly(head.name)

    def _dropped(self, head: Head) -> None:
        self._states.forget(head.id)
        self._tidy()

    def snapshot(self, collection: str) -> LocalSnapshot:
        """What is committed now. Raises NotFoundError for an unknown collection."""
        for _ in range(_TRIES):
            connection = self.database.begin()
            try:
                with self.database.translated():
                    state = self._states.current(connection, records.head(connection, collection))
            except BaseException:
                connection.close()
                raise
            if state is not None:
                if self.database.shared and _is_behind(state):
                    self._publish_aside(collection)
                return LocalSnapshot(self.database, connection, state, self.packing)
            connection.close()
        raise BusyError(f"{collection!r} is changing too fast to be read.", "Try again in a moment.")

    def publish(self, collection: str) -> None:
        """Fold what was added since into a new immutable generation (speed only: visibility does not wait for it).

        Where another process is at it for long, it is left to the next time. Raises NotFoundError, IndexError_ for a
        full disk.
        """
        with self.database.reading() as connection:
            head = records.head(connection, collection)
        try:
            published = self.publisher.publish(head)
        except ConflictError as error:
            log.info("%s", error.message)
            return
        if published:
            self.database.checkpoint()
            self._warm(collection, head.id)

    def _warm(self, collection: str, number: int) -> None:
        """Map the new generation here rather than in the next search, if this process searches at all."""
        if self._states.has(number):
            self.snapshot(collection).close()

    def _publish_aside(self, collection: str) -> None:
        """What other processes add is folded here too, while searches go on; one such work at a time."""
        if self._publishing.acquire(blocking=False):
            threading.Thread(target=self._publish_in_thread, args=(collection,), name="qa-publish", daemon=True).start()

    def _publish_in_thread(self, collection: str) -> None:
        try:
            self._publish_quietly(collection)
        finally:
            self._publishing.release()

    def _publish_quietly(self, collection: str) -> None:
        """What was added is safe already: a generation that cannot be made now is made later."""
        try:
            self.publish(collection)
        except CiteqaError as error:
            log.warning("%s %s", error.message, error.hint)


def _is_behind(state: State) -> bool:
    """Whether searches carry more in memory than is left to itself."""
    on_disk, in_memory = (sum(part.size for part in parts) for parts in (state.on_disk, state.in_memory))
    return in_memory > longest_tail(on_disk)
