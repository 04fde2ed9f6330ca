"""The queue of ingest jobs, in the database: any process that serves the index takes up what waits.

    arriving -> queued -> running -> done
                               `--> failed

A job is ``arriving`` until all that was sent is kept; nobody sees it before. Whoever claims a job is its owner; jobs
of one collection are done one after the other, in the order they came. When the owner is gone, another process claims
the job anew. What the owner writes of it afterwards changes nothing: every change compares the owner.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Final, Literal

import sqlalchemy as sa

from qa.errors import BusyError, CiteqaError
from qa.store.database import Database
from qa.store.records import now
from qa.store.tables import job_files, jobs

State = Literal["queued", "running", "done", "failed"]
Json = dict[str, Any]

KEPT: Final = 1000
"""Ended jobs that are remembered."""
MAX_WAITING: Final = 100
"""Batches that may wait; more get 503."""
CHUNK: Final = 1 << 20
"""Bytes of an uploaded file that are written in one transaction."""
_ID: Final = re.compile("[0-9a-f]{24}")
_WAITING: Final = ("arriving", "queued", "running")
_ENDED: Final = ("done", "failed")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to ingest: an uploaded file (``file`` is its number), a page (``url`` alone), or a text."""

    name: str
    file: str | None = None
    url: str | None = None
    title: str | None = None
    text: str | None = None
    publisher: str | None = None
    author: str | None = None
    published: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one request sent."""

    collection: str
    created: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """An ingest job as it is remembered. Times are ISO, UTC."""

    id: str
    state: State
    collection: str
    items: tuple[str, ...]
    created: str
    started: str | None = None
    finished: str | None = None
    attempts: int = 0
    progress: Json | None = None
    report: Json | None = None
    error: Json | None = None

    def json(self) -> Json:
        return asdict(self) | {"items": list(self.items)}


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job in hand. ``number``: its row."""

    number: int
    job: Job
    batch: Batch


class LostError(Exception):
    """The job is another process's by now."""


c: Final = jobs.c
_COLUMNS: Final = [c[name] for name in Job.__slots__]


class Queue:
    """The jobs of one index. ``owner`` names this process."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner

    def put(self, batch: Batch, files: Sequence[BinaryIO] = ()) -> Job:
        """Accept a batch: when this returns, it is on disk. Raises BusyError, IndexError_ (code ``disk``)."""
        with self._database.reading() as connection:
            waiting = connection.execute(sa.select(sa.func.count()).where(c.state.in_(_WAITING))).scalar_one()
        if waiting >= MAX_WAITING:
            raise BusyError("Too many uploads are waiting.", "Try again when some of them are done.")
        return self.keep(new_job(secrets.token_hex(12), batch), batch, files)

    def keep(self, job: Job, batch: Batch, files: Sequence[BinaryIO]) -> Job:
        """The same for a job that was accepted before."""
        with self._database.writing() as connection:
            _remove(connection, (c.id == job.id) & (c.state == "arriving"))
            number = insert(connection, job, "arriving", batch, self._owner)
        try:
            self._fill(number, files)
        except BaseException:
            with suppress(CiteqaError), self._database.writing() as connection:
                _remove(connection, c.number == number)
            raise
        return job

    def _fill(self, number: int, files: Sequence[BinaryIO]) -> None:
        for place, file in enumerate(files):
            for part, content in enumerate(_chunks(file)):
                values = {"job_number": number, "file": place, "part": part, "bytes": content}
                with self._database.writing() as connection:
                    connection.execute(job_files.insert().values(values))
        with self._database.writing() as connection:
            connection.execute(jobs.update().where(c.number == number).values(state="queued", owner=None))
            forget_oldest(connection)

    def find(self, identity: str) -> Job | None:
        if not _ID.fullmatch(identity):
            return None
        wanted = sa.select(*_COLUMNS).where(c.id == identity, c.state != "arriving")
        with self._database.reading() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else _job(row)

    def waits(self) -> bool:
        """Whether any job has not ended."""
        return self._any(c.state.in_(_WAITING))

    def claim(self, is_gone: Callable[[str], bool]) -> Claimed | None:
        """The first job that nobody has in hand, from now on this process's; None where there is none.

        For a process that does one job at a time: what it had in hand before and did not end, it is given again.
        """
        gone = [owner for owner in self._owners() if owner == self._owner or is_gone(owner)]
        given_up = (c.state == "arriving") & c.owner.in_(gone) & (c.owner != self._owner)
        free = sa.select(c.number, c.batch).where(_is_free(gone)).order_by(c.number).limit(1)
        if not self._any(given_up | _is_free(gone)):
            return None
        with self._database.writing() as connection:
            _remove(connection, given_up)
            found = connection.execute(free.with_for_update(skip_locked=True)).first()
            if found is None:
                return None
            taken = {"state": "running", "owner": self._owner, "started": now(), "attempts": c.attempts + 1}
            change = jobs.update().where(c.number == found.number).values(taken).returning(*_COLUMNS)
            job = _job(connection.execute(change).one())
        return Claimed(found.number, job, read_batch(found.batch))

    def _owners(self) -> list[str]:
        known = sa.select(c.owner).where(c.state.in_(_WAITING), c.owner.is_not(None)).distinct()
        with self._database.reading() as connection:
            return [str(owner) for owner in connection.scalars(known)]

    def _any(self, which: sa.ColumnElement[bool]) -> bool:
        with self._database.reading() as connection:
            return connection.execute(sa.select(c.number).where(which).limit(1)).first() is not None

    def content(self, claimed: Claimed, item: Item) -> bytes:
        """The bytes of an uploaded file. Raises LostError where the job was ended by another process."""
        of_file = (job_files.c.job_number == claimed.number) & (job_files.c.file == int(item.file or 0))
        parts = sa.select(job_files.c.bytes).where(of_file).order_by(job_files.c.part)
        with self._database.reading() as connection:
            self._check_mine(connection, claimed)
            return b"".join(connection.scalars(parts))

    def _check_mine(self, connection: sa.Connection, claimed: Claimed) -> None:
        if connection.execute(sa.select(c.number).where(self._is_mine(claimed))).first() is None:
            raise LostError

    def check(self, connection: sa.Connection, claimed: Claimed) -> None:
        """For the length of a write transaction the job is this process's: nobody claims it before that has ended, so
        that a process which was taken for gone adds no document that was deleted meanwhile. Raises LostError."""
        mine = sa.select(c.number).where(self._is_mine(claimed)).with_for_update(read=True)
        if connection.execute(mine).first() is None:
            raise LostError

    def note(self, claimed: Claimed, progress: Json) -> None:
        """How far a job is. Raises LostError."""
        with self._database.writing() as connection:
            self._change(connection, claimed, {"progress": progress})

    def finish(self, claimed: Claimed, job: Job) -> None:
        """What came of a job; what was sent is forgotten. Raises LostError."""
        ended = {"state": job.state, "report": job.report, "error": job.error, "finished": now()}
        with self._database.writing() as connection:
            self._change(connection, claimed, ended | {"progress": None, "batch": None, "owner": None})
            connection.execute(job_files.delete().where(job_files.c.job_number == claimed.number))

    def release(self, claimed: Claimed) -> None:
        """Let another have a job; that it was begun does not count. Raises LostError."""
        with self._database.writing() as connection:
            self._change(connection, claimed, {"state": "queued", "owner": None, "attempts": c.attempts - 1})

    def _change(self, connection: sa.Connection, claimed: Claimed, values: Json) -> None:
        if connection.execute(jobs.update().where(self._is_mine(claimed)).values(values)).rowcount == 0:
            raise LostError

    def _is_mine(self, claimed: Claimed) -> sa.ColumnElement[bool]:
        return (c.number == claimed.number) & (c.owner == self._owner) & (c.state == "running")


def insert(connection: sa.Connection, job: Job, state: str, batch: Batch | None, owner: str | None = None) -> int:
    """Add a job, whatever its state; returns its row."""
    values = job.json() | {"state": state, "owner": owner, "batch": None if batch is None else asdict(batch)}
    return int(connection.execute(jobs.insert().values(values).returning(c.number)).scalar_one())


def forget_oldest(connection: sa.Connection) -> None:
    """Of the jobs that have ended, KEPT are remembered."""
    ended = c.state.in_(_ENDED)
    beyond = sa.select(c.number).where(ended).order_by(c.number.desc()).offset(KEPT).limit(1).scalar_subquery()
    connection.execute(jobs.delete().where(ended, c.number <= beyond))


def read_batch(content: Json) -> Batch:
    """What ``asdict`` made of a batch."""
    return Batch(content["collection"], content["created"], tuple(Item(**item) for item in content["items"]))


def new_job(identity: str, batch: Batch) -> Job:
    return Job(identity, "queued", batch.collection, tuple(item.name for item in batch.items), batch.created)


def is_known(connection: sa.Connection, identity: str) -> bool:
    return connection.execute(sa.select(c.number).where(c.id == identity)).first() is not None


def _is_free(gone: Collection[str]) -> sa.ColumnElement[bool]:
    """A job that waits, or whose owner is gone, in a collection where no other owner has one in hand."""
    other = jobs.alias("other")
    elsewhere = (other.c.collection == c.collection) & (other.c.state == "running") & other.c.owner.not_in(gone)
    left = (c.state == "queued") | ((c.state == "running") & c.owner.in_(gone))
    return left & ~sa.exists(sa.select(other.c.number).where(elsewhere))


def _remove(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    connection.execute(job_files.delete().where(job_files.c.job_number.in_(sa.select(c.number).where(which))))
    connection.execute(jobs.delete().where(which))


def _job(row: sa.Row[Any]) -> Job:
    found = {name: row._mapping[name] for name in Job.__slots__}
    return Job(**found | {"items": tuple(found["items"])})


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while content := file.read(CHUNK):
        yield content
