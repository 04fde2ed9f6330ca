"""Segments: what candidate search and late interaction read, for a run of rows.

A segment is derived from the database, never changed, and known by the generation that made it. On disk it is a
directory of raw little-endian arrays, mapped into memory; the same arrays in memory serve for rows that no generation
holds yet.

    rows.i64 stamps.i64 languages.u8 vectors.f16 centred.f16        one entry a passage, rows ascending
    tokens.u8 offsets.i64                                           token codes, see arrays.py
    ids.i32 id_offsets.i64                                          distinct token ids
    frequency.i64                                                   token ids, then in how many passages each occurs
    nearest.<language>.faiss                                        only for more passages than are searched one by one
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from qa.errors import DamagedIndexError
from qa.store.arrays import LANGUAGES, Array, Arrays, Int32s, Int64s, Layout, count_ids, lookup
from qa.store.nearest import EXACT, Nearest, build_graph, extend_graph, read_graph, write_graph
from qa.types import Language

REPAIR = "Run `qa doctor --repair`: it is made again from the database."


@dataclass(frozen=True, slots=True)
class Shape:
    """What turns the files of a segment into arrays: how many of each, and their layout."""

    passages: int
    tokens: int
    token_ids: int
    frequencies: int
    layout: Layout

    def arrays(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """File name -> (dtype, shape)."""
        n = self.passages
        return {
            "rows.i64": ("<i8", (n,)),
            "stamps.i64": ("<i8", (n,)),
            "languages.u8": ("u1", (n,)),
            "vectors.f16": ("<f2", (n, self.layout.dims)),
            "centred.f16": ("<f2", (n, self.layout.dims)),
            "tokens.u8": ("u1", (self.tokens, self.layout.width)),
            "offsets.i64": ("<i8", (n + 1,)),
            "ids.i32": ("<i4", (self.token_ids,)),
            "id_offsets.i64": ("<i8", (n + 1,)),
            "frequency.i64": ("<i8", (2, self.frequencies)),
        }


@dataclass(frozen=True, slots=True)
class FileEntry:
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A segment in the manifest: its directory's number, the rows it spans, its shape and files."""

    number: int
    first_row: int
    last_row: int
    shape: Shape
    files: dict[str, FileEntry]


class Segment:
    """Arrays, with the means to search them. Safe to share between threads."""

    def __init__(
        self, arrays: Arrays, frequency: Int64s, number: int = 0, graphs: dict[Language, Any] | None = None
    ) -> None:
        """``number``: of the generation that made it; 0 for one in memory."""
        self.arrays = arrays
        self.number = number
        self._frequency = frequency
        self._graphs = graphs or {}
        self._nearest: dict[Language, Nearest | None] = {}
        self._lock = Lock()

    def nearest(self, language: Language) -> Nearest | None:
        """The search over the passages of one language, made when first asked for; None where there are none."""
        with self._lock:
            if language not in self._nearest:
                self._nearest[language] = self._make_nearest(language)
            return self._nearest[language]

    def _make_nearest(self, language: Language) -> Nearest | None:
        members = np.flatnonzero(self.arrays.languages == LANGUAGES.index(language))
        if len(members) == 0:
            return None
        return Nearest(members, self.arrays.centred, self._graphs.get(language))

    def frequency(self, token_ids: Int32s) -> Int64s:
        """In how many passages of the segment each token id occurs."""
        return lookup(self._frequency, token_ids)


def in_memory(arrays: Arrays) -> Segment:
    return Segment(arrays, count_ids(arrays.ids))


def _graph_name(language: Language) -> str:
    return f"nearest.{language}.faiss"


def load_segment(directory: Path, entry: SegmentEntry, *, graphs: bool = True) -> Segment:
    """Map a segment's files; nothing is opened later, so the directory may be removed while the segment is in use.

    ``graphs``: read them too, which takes as long as there are vectors; without them a segment cannot be searched.
    Raises DamagedIndexError for a file that is missing or of the wrong size.
    """
    if not is_whole(directory, entry):
        raise DamagedIndexError(f"{directory} has files that are missing or of the wrong size.", REPAIR)
    try:
        loaded = _mapped_all(directory, entry.shape)
        loaded_graphs = _read_graphs(directory, entry) if graphs else {}
    except OSError as error:
        raise DamagedIndexError(f"{directory} cannot be read: {error}.", REPAIR) from error
    return Segment(_arrays(loaded), np.array(loaded["frequency"]), entry.number, loaded_graphs)


def _read_graphs(directory: Path, entry: SegmentEntry) -> dict[Language, Any]:
    named = {language: _graph_name(language) for language in LANGUAGES}
    return {language: read_graph(directory / name) for language, name in named.items() if name in entry.files}


def is_whole(directory: Path, entry: SegmentEntry) -> bool:
    """Whether every file of a segment is there, in its size (contents are for `qa doctor` to check)."""
    return all(_size(directory / name) == file.bytes for name, file in entry.files.items())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _mapped_all(directory: Path, shape: Shape) -> dict[str, Array]:
    return {
        name.partition(".")[0]: _mapped(directory / name, dtype, size) for name, (dtype, size) in shape.arrays().items()
    }


def _mapped(path: Path, dtype: str, shape: tuple[int, ...]) -> Array:
    if 0 in shape:
        return np.empty(shape, dtype=dtype)
    return np.asarray(np.memmap(path, dtype=dtype, mode="r", shape=shape))


def _arrays(loaded: dict[str, Array]) -> Arrays:
    return Arrays(**{name: array for name, array in loaded.items() if name != "frequency"})


def write_segment(
    directory: Path, number: int, chunks: Iterable[Arrays], layout: Layout, begun: SegmentEntry | None = None
) -> SegmentEntry:
    """Write the chunks as one segment into a new directory, in bounded memory; on disk when it returns.

    The chunks' rows have to ascend across them. ``begun``: the segment beside it whose passages, all of them, come
    first: its graphs are gone on with. Raises OSError where the disk is full.
    """
    directory.mkdir(parents=True)
    with _SegmentWriter(directory) as writer:
        for chunk in chunks:
            writer.append(chunk)
        writer.end()
    shape = writer.shape(layout)
    files = {name: writer.files[name].entry() for name in shape.arrays()}
    graphs = _write_graphs(directory, shape, begun)
    sync_directory(directory)
    return SegmentEntry(number, writer.first_row, writer.last_row, shape, files | graphs)


class _ArrayFile:
    """An array file being written, hashed on the way; on disk when closed."""

    def __init__(self, path: Path) -> None:
        self._file: IO[bytes] = path.open("wb")
        self._hash = sha256()
        self._bytes = 0

    def write(self, array: Array) -> None:
        data = np.ascontiguousarray(array).tobytes()
        self._hash.update(data)
        self._bytes += len(data)
        self._file.write(data)

    def sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()

    def entry(self) -> FileEntry:
        return FileEntry(self._bytes, self._hash.hexdigest())


class _SegmentWriter:
    """The array files of a segment, all growing together."""

    def __init__(self, directory: Path) -> None:
        self._open = ExitStack()
        names = Shape(0, 0, 0, 0, Layout(0, 0)).arrays()
        self.files = {name: self._open.enter_context(closing(_ArrayFile(directory / name))) for name in names}
        self.first_row = self.last_row = 0
        self._passages = self._tokens = self._ids = 0
        self._frequency = np.zeros(0, dtype=np.int64)

    def __enter__(self) -> _SegmentWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def append(self, chunk: Arrays) -> None:
        if len(chunk) == 0:
            return
        for name in ("rows.i64", "stamps.i64", "languages.u8", "vectors.f16", "centred.f16", "tokens.u8", "ids.i32"):
            self.files[name].write(getattr(chunk, name.partition(".")[0]))
        self.files["offsets.i64"].write(chunk.offsets[:-1] + self._tokens)
        self.files["id_offsets.i64"].write(chunk.id_offsets[:-1] + self._ids)
        self._count(chunk)

    def _count(self, chunk: Arrays) -> None:
        self.first_row = self.first_row or int(chunk.rows[0])
        self.last_row = int(chunk.rows[-1])
        self._passages += len(chunk)
        self._tokens += len(chunk.tokens)
        self._ids += len(chunk.ids)
        counts = np.bincount(chunk.ids, minlength=len(self._frequency))
        counts[: len(self._frequency)] += self._frequency
        self._frequency = counts

    def end(self) -> None:
        self.files["offsets.i64"].write(np.array([self._tokens], dtype=np.int64))
        self.files["id_offsets.i64"].write(np.array([self._ids], dtype=np.int64))
        occurring = np.flatnonzero(self._frequency)
        self.files["frequency.i64"].write(np.stack([occurring, self._frequency[occurring]]).astype(np.int64))
        for file in self.files.values():
            file.sync()

    def shape(self, layout: Layout) -> Shape:
        return Shape(self._passages, self._tokens, self._ids, int(np.count_nonzero(self._frequency)), layout)


def _write_graphs(directory: Path, shape: Shape, begun: SegmentEntry | None) -> dict[str, FileEntry]:
    arrays = _arrays(_mapped_all(directory, shape))
    entries = {}
    for code, language in enumerate(LANGUAGES):
        members = np.flatnonzero(arrays.languages == code)
        if len(members) > EXACT:
            path = directory / _graph_name(language)
            write_graph(_graph(arrays.centred, members, _begun_graph(directory, path.name, begun)), path)
            entries[path.name] = _synced(path)
    return entries


def _begun_graph(directory: Path, name: str, begun: SegmentEntry | None) -> Path | None:
    return directory.parent / str(begun.number) / name if begun is not None and name in begun.files else None


def _graph(centred: npt.NDArray[np.float16], members: Int64s, begun: Path | None) -> Any:
    """To build a graph takes far longer than to write it, so one that holds the first members is gone on with."""
    try:
        graph = read_graph(begun) if begun is not None else None
    except OSError:
        graph = None
    return build_graph(centred[members]) if graph is None else extend_graph(graph, centred[members[graph.ntotal :]])


def _synced(path: Path) -> FileEntry:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return FileEntry(path.stat().st_size, hash_file(path))


def hash_file(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes."""
    digest = sha256()
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()


def sync_directory(directory: Path) -> None:
    """Make the names in a directory survive a crash."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
