"""The manifest: which derived files belong to which state, in one small file that is swapped atomically.

It names the index it belongs to, how its vectors were made, and for each collection the generation's number, the
segments that make it up and the checksum of every file. It carries a checksum of its own. Everything it names can be
made again from the database; a manifest that is missing, damaged or of another index is therefore no loss.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from qa.errors import DamagedIndexError
from qa.store.arrays import Layout
from qa.store.segment import REPAIR, FileEntry, SegmentEntry, Shape, sync_directory

NAME = "manifest.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Identity:
    """Which index this is, and how its vectors and texts were made. Written once, when the index is created."""

    id: str
    fingerprint: str
    """Of the encoder."""
    dims: int
    late_dims: int
    bits: int
    codec: str
    """Digest of the token codec."""
    versions: dict[str, str]
    """Of what turns a source into passages and words: normaliser, splitter, …"""

    @property
    def layout(self) -> Layout:
        return Layout(self.dims, self.late_dims * self.bits // 8)


@dataclass(frozen=True, slots=True)
class Generation:
    """The derived files of one collection; ``watermark``: the highest row they were made from."""

    name: str
    number: int = 0
    watermark: int = 0
    segments: tuple[SegmentEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    identity: Identity
    collections: dict[int, Generation] = field(default_factory=dict)
    """By the collection's number in the database."""


Signature = tuple[int, int, int] | None
"""Changes when the manifest file is swapped; None for no file."""


def signature(directory: Path) -> Signature:
    try:
        status = os.stat(directory / NAME)
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Swap the manifest; on disk when it returns. Raises OSError where it cannot be written."""
    body = {"format": FORMAT} | asdict(manifest)
    text = json.dumps({"sha256": _digest(body)} | body, ensure_ascii=False, indent=1)
    fresh = directory / f"{NAME}.new"
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, directory / NAME)
    sync_directory(directory)


def read_manifest(directory: Path, identity: Identity) -> Manifest:
    """The manifest, an empty one where there is none. Raises DamagedIndexError for one that cannot be used here."""
    try:
        text = (directory / NAME).read_text(encoding="utf-8")
    except FileNotFoundError:
        return Manifest(identity)
    except (OSError, UnicodeDecodeError) as error:
        raise DamagedIndexError(f"{directory / NAME} cannot be read: {error}.", REPAIR) from error
    manifest = _parse(text, directory / NAME)
    if manifest.identity != identity:
        raise DamagedIndexError(f"{directory / NAME} belongs to another index.", REPAIR)
    return manifest


def _parse(text: str, path: Path) -> Manifest:
    try:
        body = json.loads(text)
        if body.pop("sha256") != _digest(body):
            raise ValueError("its checksum is wrong")
        if body["format"] != FORMAT:
            raise ValueError(f"format {body['format']} is unknown")
        return Manifest(
            Identity(**body["identity"]),
            {int(number): _generation(entry) for number, entry in body["collections"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedIndexError(f"{path} is damaged: {error}.", REPAIR) from error


def _generation(entry: dict[str, Any]) -> Generation:
    segments = tuple(
        SegmentEntry(
            **{key: segment[key] for key in ("number", "first_row", "last_row")},
            shape=Shape(**{**segment["shape"], "layout": Layout(**segment["shape"]["layout"])}),
            files={name: FileEntry(**file) for name, file in segment["files"].items()},
        )
        for segment in entry["segments"]
    )
    return Generation(entry["name"], entry["number"], entry["watermark"], segments)


def _digest(body: dict[str, Any]) -> str:
    """SHA-256 (hex) of a form that does not depend on the order or spacing of the file."""
    canonical = json.dumps(json.loads(json.dumps(body)), sort_keys=True, separators=(",", ":"))
    return sha256(canonical.encode()).hexdigest()
