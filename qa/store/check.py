"""The doctor: what is wrong with an index, and putting right what can be put right from the database alone.

Works on any index directory, without its encoder. Derived files (segments, manifest, lexical index) are made anew;
texts and encodings that are themselves damaged are named with the document that has to be ingested again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import sqlalchemy as sa

from qa.errors import CiteqaError, ConflictError, DamagedIndexError
from qa.store import builds, lexical, passages, records
from qa.store import encodings as blobs
from qa.store.database import Database
from qa.store.generations import LOCK, Publisher, unnamed
from qa.store.location import Location, at
from qa.store.lock import locked
from qa.store.manifest import Generation, Manifest, read_manifest
from qa.store.milvus import counts
from qa.store.milvus.check import problems
from qa.store.milvus.copy import Copy, discard, fill
from qa.store.milvus.place import Place
from qa.store.milvus.store import MilvusStore
from qa.store.opening import current_build, open_build, read_identity
from qa.store.parts import cover
from qa.store.record_store import RecordStore
from qa.store.records import Head, heads
from qa.store.segment import FileEntry, SegmentEntry, hash_file
from qa.store.state import generation_directory, load_generation
from qa.store.tables import collections, documents, encodings, sources
from qa.store.tables import passages as passage_table
from qa.store.trash import held_encodings

AGAIN = "Ingest the document again, or restore a backup (`qa restore FILE --force`)."
_AT_ONCE = 200
_OF_AN_INDEX = re.compile(r"^(row \d+ missing from|wrong # of entries in|non-unique entry in) index ")
"""What SQLite says where an index of its own disagrees with its table: it is made again from the table."""


@dataclass(frozen=True, slots=True)
class Problem:
    """``code``: stable, for programs; ``where``: the file or record; ``repairable``: from the database alone."""

    code: str
    where: str
    message: str
    repairable: bool


@dataclass(frozen=True, slots=True)
class _Index:
    root: Path
    directory: Path
    database: Database
    publisher: Publisher
    copy: Copy | None = None
    """What is searched, where that is not the files."""


def check(target: RecordStore | Path | Location, place: Place | None = None) -> list[Problem]:
    """Everything that is wrong with an index: files, checksums, counts, and that every quote stands in its source.

    ``place``: where the copy in Milvus is, for a directory whose index has one. Reads all of it: about a second for
    100 MB; of the copy, all rows and a sample of what they hold. Raises NoIndexError.
    """
    try:
        with _opened(target, place) as index:
            looks = (*_LOOKS, _look_at_files if index.copy is None else _look_at_copy)
            return [problem for look in looks for problem in _guarded(look, index)]
    except DamagedIndexError as error:
        return [Problem("database", str(target), error.message, repairable=False)]


def repair(target: RecordStore | Path | Location, place: Place | None = None) -> list[Problem]:
    """Make anew whatever is derived and damaged; returns what is wrong still. Searches may go on meanwhile.

    Raises NoIndexError, ConflictError where somebody else is writing, IndexError_ for a full disk, EngineError.
    """
    found = check(target, place)
    if any(problem.repairable for problem in found):
        with _opened(target, place) as index:
            _repair_records(index, reindex=any(problem.code == "database" for problem in found))
            _repair_files(index) if index.copy is None else _repair_copy(index.copy)
            _repair_builds(index)
    return check(target, place) if found else []


@contextmanager
def _opened(target: RecordStore | Path | Location, place: Place | None) -> Iterator[_Index]:
    if isinstance(target, RecordStore):
        copy = target.copy if isinstance(target, MilvusStore) else None
        publisher = Publisher(target.directory, target.identity, target.database)
        yield _Index(target.root, target.directory, target.database, publisher, copy)
        return
    build = current_build(target)
    database = open_build(build)
    directory = build.directory
    try:
        directory.mkdir(parents=True, exist_ok=True)
        identity = read_identity(database)
        copy = None if place is None else Copy(database, identity, place)
        yield _Index(at(target).root, directory, database, Publisher(directory, identity, database), copy)
    finally:
        database.close()


def _guarded(look: Callable[[_Index], Iterator[Problem]], index: _Index) -> Iterator[Problem]:
    """A database too damaged to be read through ends one look, not the others."""
    try:
        yield from look(index)
    except CiteqaError as error:
        yield Problem(error.code, index.database.name, error.message, repairable=False)


def _look_at_database(index: _Index) -> Iterator[Problem]:
    """SQLite's own structures; PostgreSQL looks after its pages and references itself."""
    if index.database.shared:
        return
    with index.database.reading() as connection:
        for said in map(str, connection.exec_driver_sql("PRAGMA integrity_check(20)").scalars()):
            if said != "ok":
                repairable = _OF_AN_INDEX.search(said) is not None
                yield Problem("database", index.database.name, said, repairable)
        for table, row, *_ in connection.exec_driver_sql("PRAGMA foreign_key_check").all():
            yield Problem("database", f"{table} {row}", "It refers to a record that is not there.", repairable=False)


def _look_at_documents(index: _Index) -> Iterator[Problem]:
    c = documents.c
    columns = (c.number, c.id, c.sha256, c.characters, c.passages, collections.c.name)
    with index.database.reading() as connection:
        statement = sa.select(*columns).join_from(documents, collections).order_by(c.number)
        for number, identity, digest, characters, count, collection in connection.execute(statement).all():
            where = f"{collection}/{identity}"
            text = _readable_source(connection, number)
            if text is None or sha256(text.encode()).hexdigest() != digest or len(text) != characters:
                yield Problem("source", where, f"The source text is not what was stored. {AGAIN}", repairable=False)
            yield from _look_at_passages(connection, number, where, text, count)
        for number in connection.scalars(sa.select(sources.c.document_number).except_(sa.select(c.number))):
            yield Problem("orphan_source", f"source {number}", "It belongs to no document.", repairable=True)


def _readable_source(connection: sa.Connection, number: int) -> str | None:
    try:
        return records.source_text(connection, number)
    except DamagedIndexError:
        return None


def _look_at_passages(
    connection: sa.Connection, number: int, where: str, text: str | None, count: int
) -> Iterator[Problem]:
    c = passage_table.c
    columns = (c.id, c.start, c.end, c.quote, c.text, c.search_text, c.words, c.checksum)
    found = connection.execute(sa.select(*columns).where(c.document_number == number)).all()
    if len(found) != count:
        yield Problem("passages", where, f"{len(found)} passages, expected {count}. {AGAIN}", repairable=False)
    for identity, start, end, quote, *texts, checksum in found:
        if text is not None and text[start:end] != quote:
            yield Problem("quote", f"{where}/{identity}", f"The quote is not in the source. {AGAIN}", repairable=False)
        if passages.text_checksum(*texts) != checksum:
            yield Problem("passage", f"{where}/{identity}", f"Its text is damaged. {AGAIN}", repairable=False)


def _look_at_encodings(index: _Index) -> Iterator[Problem]:
    with index.database.reading() as connection:
        for number in _unused_encodings(connection):
            yield Problem("orphan_encoding", f"encoding {number}", "No passage refers to it.", repairable=True)
        ids = connection.scalars(sa.select(encodings.c.id).order_by(encodings.c.id)).all()
        for some in blobs.slices(ids, _AT_ONCE):
            for number in blobs.damaged(connection, some, index.publisher.identity.layout):
                message = f"The vectors of {_readers(connection, number)} are damaged. {AGAIN}"
                yield Problem("encoding", f"encoding {number}", message, repairable=False)


def _unused_encodings(connection: sa.Connection) -> list[int]:
    held = held_encodings(connection)
    return [number for number in passages.unused_encodings(connection) if number not in held]


def _readers(connection: sa.Connection, encoding: int) -> str:
    """The documents that an encoding belongs to, for a message."""
    statement = (
        sa.select(documents.c.id)
        .join_from(passage_table, documents)
        .where(passage_table.c.encoding_id == encoding)
        .distinct()
        .limit(3)
    )
    return ", ".join(connection.scalars(statement).all()) or "no document"


def _look_at_words(index: _Index) -> Iterator[Problem]:
    """FTS5 checks itself by way of an INSERT: it needs a writer's transaction, though nothing is written."""
    if index.database.read_only:
        return
    with index.database.reading() as connection:
        every = heads(connection)
    for head in every:
        if not _words_agree(index, head):
            message = "The lexical index does not agree with the passages."
            yield Problem("words", f"collection {head.name}", message, repairable=True)


def _words_agree(index: _Index, head: Head) -> bool:
    try:
        with index.database.exclusive() as connection:
            lexical.verify(connection, head.id)
    except DamagedIndexError:
        return False
    except (sa.exc.OperationalError, sa.exc.ProgrammingError):  # The table itself is gone.
        return False
    return True


def _look_at_files(index: _Index) -> Iterator[Problem]:
    with nullcontext() if index.database.read_only else locked(index.directory, LOCK):
        yield from _look_at_generations(index)


def _look_at_generations(index: _Index) -> Iterator[Problem]:
    try:
        manifest = read_manifest(index.directory, index.publisher.identity)
    except DamagedIndexError as error:
        yield Problem("manifest", str(index.directory), error.message, repairable=True)
        return
    with index.database.reading() as connection:
        for head in heads(connection):
            generation = manifest.collections.get(head.id, Generation(head.name))
            yield from _look_at_generation(connection, index.directory, head, generation)
    for path in unnamed(index.directory, manifest):
        yield Problem("orphan_files", str(path), "No generation refers to it.", repairable=True)


def _look_at_generation(
    connection: sa.Connection, directory: Path, head: Head, generation: Generation
) -> Iterator[Problem]:
    for number, message in _damaged_segments(directory, head.id, generation):
        where = generation_directory(directory, head.id) / str(number)
        yield Problem("segment", str(where), message, repairable=True)
    loaded, _ = load_generation(directory, head.id, generation.segments)
    covered = cover(*passages.live(connection, head.id), [segment for _, segment in loaded])
    if covered.foreign:
        message = f"{covered.foreign} segments were made from another database."
        yield Problem("segment", f"collection {head.name}", message, repairable=True)


def _damaged_segments(directory: Path, collection: int, generation: Generation) -> Iterator[tuple[int, str]]:
    for entry in generation.segments:
        path = generation_directory(directory, collection) / str(entry.number)
        if damaged := _damaged_files(path, entry):
            yield entry.number, f"Missing or altered: {', '.join(damaged)}."


def _damaged_files(path: Path, entry: SegmentEntry) -> list[str]:
    return [name for name, file in entry.files.items() if not _is_same(path / name, file)]


def _is_same(path: Path, file: FileEntry) -> bool:
    return path.is_file() and hash_file(path) == file.sha256


def _look_at_copy(index: _Index) -> Iterator[Problem]:
    assert index.copy is not None
    for where, message in problems(index.copy):
        yield Problem("milvus", where, message, repairable=True)


def _repair_copy(copy: Copy) -> None:
    if (shape := copy.find()) is not None:
        discard(copy, shape)
    fill(copy)


def _look_at_builds(index: _Index) -> Iterator[Problem]:
    """A build that nobody is making and nobody needs was left by a crash."""
    if index.database.shared or index.database.read_only or index.directory != builds.current(index.root):
        return
    try:
        with builds.rebuilding(index.root):
            for path in builds.abandoned(index.root):
                yield Problem("orphan_files", str(path), "A build that was never finished.", repairable=True)
    except ConflictError:
        return


_LOOKS = (
    _look_at_database,
    _look_at_documents,
    _look_at_encodings,
    _look_at_words,
    _look_at_builds,
)


def _repair_records(index: _Index, reindex: bool) -> None:
    with index.database.reading() as connection:
        every = heads(connection)
    wrong = [head for head in every if not _words_agree(index, head)]
    with index.database.exclusive() as connection:
        if reindex:
            connection.exec_driver_sql("REINDEX")
        for head in wrong:
            lexical.rebuild(connection, head.id)
            records.touch(connection, head.id, 0)
            counts.note_nothing(connection, head.id)
        blobs.forget_unused(connection, _unused_encodings(connection))
        connection.execute(sources.delete().where(sources.c.document_number.not_in(sa.select(documents.c.number))))


def _repair_files(index: _Index) -> None:
    manifest = _readable(index)
    with index.database.reading() as connection:
        every = heads(connection)
    for head in every:
        generation = manifest.collections.get(head.id, Generation(head.name))
        damaged = {number for number, _ in _damaged_segments(index.directory, head.id, generation)}
        index.publisher.publish(head, frozenset(damaged))
    index.publisher.tidy()


def _repair_builds(index: _Index) -> None:
    if index.database.shared:
        return
    with suppress(ConflictError), builds.rebuilding(index.root):
        builds.remove_abandoned(index.root)


def _readable(index: _Index) -> Manifest:
    try:
        return read_manifest(index.directory, index.publisher.identity)
    except DamagedIndexError:
        return Manifest(index.publisher.identity)
