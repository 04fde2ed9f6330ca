"""From sources to a store: clean, split, find copies, encode what is new, write.

Works through windows of documents: the passages of a window are encoded together (full batches), then each window is
written in one transaction. A killed ingest therefore loses at most the window it was working on, none of it half.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from qa import tracing
from qa.encode.centring import Statistics, centre_tokens, centre_vector
from qa.encode.encoder import Encoded, Encoder
from qa.encode.language import detect
from qa.errors import IndexError_
from qa.ingest.clean import clean
from qa.ingest.duplicates import Groups, fingerprint
from qa.ingest.normalise import normalise
from qa.ingest.split import split
from qa.ingest.words import words
from qa.store.store import Encoding, NewDocument, NewPassage, Store
from qa.types import Document, IngestReport, Language, Piece, Skipped, Source

log = logging.getLogger(__name__)

T = TypeVar("T")

WINDOW_DOCUMENTS = 64
WINDOW_CHARACTERS = 400_000
ENCODE_BATCH = 64
"""Passages between two progress reports."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is. ``stage`` is ``read``, ``encode`` or ``write``; ``total`` is None while it is unknown."""

    stage: str
    done: int
    total: int | None
    name: str = ""


Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A document on its way: everything but the vectors."""

    id: str
    source: Source
    language: Language
    pieces: tuple[Piece, ...]
    texts: tuple[str, ...]
    """What is encoded for each piece."""
    removed: tuple[tuple[int, int, str], ...]


def document_id(collection: str, source: Source) -> str:
    """Stable id of a document: reading the same place again gives the same document."""
    place = f"{collection}\0{source.locator or source.name}"
    return hashlib.sha256(place.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def encoded_text(title: str, heading: str | None, search_text: str) -> str:
    """What the encoder reads for a passage: title and heading give it the context that the quote leaves out."""
    return "\n".join(part for part in (title, heading or "", search_text) if part)


class Pipeline:
    """Ingests sources into one store with one encoder."""

    def __init__(self, store: Store, encoder: Encoder, statistics: Statistics) -> None:
        self._store = store
        self._encoder = encoder
        self._statistics = statistics

    def ingest(
        self, sources: Iterable[Source | Skipped], *, collection: str = "default", report: Report | None = None
    ) -> IngestReport:
        """Write every readable source; unchanged documents are left alone. Raises what the store raises."""
        tell = report or (lambda _: None)
        groups = Groups(self._store.fingerprints(collection))
        outcome = _Outcome()
        with tracing.span("ingest") as traced:
            for window in _windows(sources):
                self._ingest_window(window, collection, groups, outcome, tell)
            with tracing.span("publish"):
                self._publish(collection)
            traced.set(documents=outcome.seen, skipped=len(outcome.skipped), passages=outcome.passages)
        return outcome.report()

    def _publish(self, collection: str) -> None:
        """What was written is found already; where the disk has no room to make searches faster, it stays as it is."""
        try:
            self._store.publish(collection)
        except IndexError_ as error:
            log.warning("%s %s", error.message, error.hint)

    def _ingest_window(
        self, window: Sequence[Source | Skipped], collection: str, groups: Groups, outcome: _Outcome, tell: Report
    ) -> None:
        drafts: dict[str, _Draft] = {}
        for item in window:
            tell(Progress("read", outcome.seen, None, item.name))
            outcome.seen += 1
            if isinstance(item, Skipped):
                outcome.skipped.append(item)
                continue
            draft = self._draft(item, collection)
            known = self._existing(collection, draft.id)
            if not draft.pieces:
                outcome.skipped.append(_without_text(item))
            elif known is not None and _unchanged(known, item):
                outcome.unchanged.append(draft.id)
            else:
                (outcome.added if known is None and draft.id not in drafts else outcome.replaced).append(draft.id)
                drafts[draft.id] = draft
        if drafts:
            self._write(list(drafts.values()), collection, groups, outcome, tell)

    def _draft(self, source: Source, collection: str) -> _Draft:
        cleaned = clean(source)
        pieces = tuple(split(source, cleaned, self._encoder.count_tokens))
        title = normalise(source.metadata.title).text
        return _Draft(
            id=document_id(collection, source),
            source=source,
            language=_language(pieces),
            pieces=pieces,
            texts=tuple(encoded_text(title, _normal(piece.heading), piece.search_text) for piece in pieces),
            removed=tuple((run.start, run.end, run.rule) for run in cleaned.removed),
        )

    def _existing(self, collection: str, identity: str) -> Document | None:
        return next(iter(self._store.documents_by_id(collection, [identity]).values()), None)

    def _write(
        self, drafts: Sequence[_Draft], collection: str, groups: Groups, outcome: _Outcome, tell: Report
    ) -> None:
        with tracing.span("encode", documents=len(drafts)):
            encodings = self._encode(drafts, collection, tell)
        outcome.encoded += len(encodings)
        documents = []
        for draft in drafts:
            document, copied = _assemble(draft, groups, encodings)
            documents.append(document)
            outcome.passages += len(document.passages)
            if copied is not None:
                outcome.duplicates.append((draft.id, copied))
        tell(Progress("write", len(documents), len(documents)))
        with tracing.span("write", documents=len(documents)):
            self._store.add(collection, documents)

    def _encode(self, drafts: Sequence[_Draft], collection: str, tell: Report) -> dict[str, Encoding]:
        wanted = {
            _key(text): (text, piece.language) for d in drafts for text, piece in zip(d.texts, d.pieces, strict=True)
        }
        for key in self._store.known(collection, list(wanted)):
            del wanted[key]
        encodings: dict[str, Encoding] = {}
        # Similar lengths together: a batch pads every passage to its longest.
        order = sorted(wanted, key=lambda key: (len(wanted[key][0]), key))
        for batch in _batches(order, ENCODE_BATCH):
            tell(Progress("encode", len(encodings), len(order)))
            for key, encoded in zip(batch, self._encoder.encode_passages([wanted[k][0] for k in batch]), strict=True):
                encodings[key] = self._encoding(encoded, wanted[key][1])
        tell(Progress("encode", len(order), len(order)))
        return encodings

    def _encoding(self, encoded: Encoded, language: Language) -> Encoding:
        return Encoding(
            vector=encoded.vector,
            centred=centre_vector(self._statistics, encoded.vector, language, "passage"),
            tokens=centre_tokens(self._statistics, encoded.tokens, language, "passage"),
            token_ids=encoded.token_ids,
        )


class _Outcome:
    """Collects what an ingest does, for its report."""

    def __init__(self) -> None:
        self.seen = self.passages = self.encoded = 0
        self.added: list[str] = []
        self.replaced: list[str] = []
        self.unchanged: list[str] = []
        self.skipped: list[Skipped] = []
        self.duplicates: list[tuple[str, str]] = []

    def report(self) -> IngestReport:
        return IngestReport(
            added=tuple(self.added),
            replaced=tuple(self.replaced),
            unchanged=tuple(self.unchanged),
            skipped=tuple(self.skipped),
            passages=self.passages,
            encoded=self.encoded,
            duplicates=tuple(self.duplicates),
        )


def _assemble(draft: _Draft, groups: Groups, encodings: dict[str, Encoding]) -> tuple[NewDocument, str | None]:
    fingerprints = [fingerprint(piece.search_text) for piece in draft.pieces]
    passages, copies = [], []
    for piece, text, mark in zip(draft.pieces, draft.texts, fingerprints, strict=True):
        group, owner = groups.assign(draft.id, piece.search_text, mark)
        copies.append(owner)
        key = _key(text)
        line = " ".join(words(piece.search_text))
        passages.append(NewPassage(piece, group, line, key, encodings.get(key)))
    document = NewDocument(
        id=draft.id,
        source=draft.source,
        language=draft.language,
        passages=tuple(passages),
        fingerprints=tuple(fingerprints),
        removed=draft.removed,
    )
    return document, _copied(copies)


def _copied(owners: Sequence[str | None]) -> str | None:
    """The document that most of the passages stand in already, if there is one."""
    known = [owner for owner in owners if owner is not None]
    if 2 * len(known) <= len(owners):
        return None
    return max(sorted(set(known)), key=known.count)


def _language(pieces: Sequence[Piece]) -> Language:
    return detect(" ".join(piece.search_text for piece in pieces[:20])) if pieces else "other"


def _normal(text: str | None) -> str | None:
    return None if text is None else normalise(text).text


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _unchanged(known: Document, source: Source) -> bool:
    return known.raw_sha256 == source.raw_sha256 and known.metadata == source.metadata


def _without_text(source: Source) -> Skipped:
    return Skipped(source.name, "no_text", "Nothing is left after page furniture is removed: there is no text to cite.")


def _windows(items: Iterable[Source | Skipped]) -> Iterator[list[Source | Skipped]]:
    """Runs of items bounded in number and in characters, so that memory is bounded too."""
    window: list[Source | Skipped] = []
    size = 0
    for item in items:
        window.append(item)
        size += len(item.text) if isinstance(item, Source) else 0
        if len(window) >= WINDOW_DOCUMENTS or size >= WINDOW_CHARACTERS:
            yield window
            window, size = [], 0
    if window:
        yield window


def _batches(items: Sequence[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
