"""An index as a program sees it: open, ingest, search. The same objects that HTTP serialises.

import qa
index = qa.open("index")
index.ingest("articles/")
index.search("昌平区有多少家医药健康企业？").hits[0].citation.quote
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING

from qa import tracing
from qa.config import Settings
from qa.config import settings as read_settings
from qa.errors import NoIndexError, QuestionError, ReadError
from qa.types import (
    DEFAULT_COLLECTION,
    Answer,
    Document,
    Filters,
    Generator,
    IngestReport,
    Passage,
    SearchResult,
    Skipped,
    Source,
)

if TYPE_CHECKING:
    from qa.answer.ask import Event, Writer
    from qa.answer.candidates import Evidence
    from qa.encode.centring import Statistics
    from qa.encode.encoder import Encoder
    from qa.ingest.pipeline import Progress
    from qa.retrieve.calibrate import Calibration
    from qa.retrieve.search import Ranking
    from qa.store.check import Problem
    from qa.store.location import Location
    from qa.store.record_store import RecordStore
    from qa.store.store import CollectionInfo, Snapshot
    from qa.store.tokens import TokenCodec
    from qa.store.trash import Deleted

MAX_FILTER_IDS = 1000
CALIBRATION_KEY = "calibration"


class Index:
    """Documents, their passages and the lane that searches them. Safe to share between threads."""

    def __init__(self, store: RecordStore, encoder: Encoder, statistics: Statistics, settings: Settings) -> None:
        from qa.ingest.pipeline import Pipeline
        from qa.retrieve.glossary import Glossary
        from qa.store.trash import Trash

        self._store = store
        self._encoder = encoder
        self._statistics = statistics
        self._settings = settings
        self._pipeline = Pipeline(store, encoder, statistics)
        self._trash = Trash(store)
        self._glossary = Glossary.open(settings.cache_dir)
        self.set_calibration(None)

    @classmethod
    def open(
        cls,
        path: Path | str | Location | None = None,
        *,
        settings: Settings | None = None,
        create: bool = True,
        progress: Callable[[str], None] | None = None,
    ) -> Index:
        """Open the index in ``path`` (default: ``QA_INDEX_DIR``), building the encoder on first use.

        Records are in ``QA_DATABASE_URL``, if that is set and ``path`` is ``QA_INDEX_DIR``; else in the directory.
        ``progress`` is told in words what takes long. Raises NoIndexError where there is none and ``create`` is false,
        EncoderMismatchError, FormatError, DamagedIndexError, EncoderError.
        """
        from qa.encode.load import load, statistics_for
        from qa.store.choice import open_store
        from qa.store.location import location

        chosen = settings or read_settings()
        place = location(chosen, path)
        if not create and place.url is None and not place.root.exists():
            raise NoIndexError(f"There is no index in {place}.", "Make one with `qa ingest PATH`, or name another.")
        encoder = load(chosen, progress=progress)
        statistics = statistics_for(encoder, chosen)
        store = open_store(
            place,
            chosen,
            fingerprint=_fingerprint(encoder, statistics),
            dims=encoder.dims,
            codec=_codec(statistics),
            versions=_versions(),
            create=create,
        )
        return cls(store, encoder, statistics, chosen)

    def search(
        self, query: str, *, top_k: int = 5, collection: str = DEFAULT_COLLECTION, filters: Filters | None = None
    ) -> SearchResult:
        """The passages that best answer ``query``, cited. Raises QuestionError, NotFoundError for the collection."""
        self._check_question(query, top_k, filters)
        with tracing.span("search", top_k=top_k) as traced:
            snapshot = self._store.snapshot(collection)
            ranking = self.lane.search(snapshot, query, top_k=top_k, filters=filters)
            hits = tuple(each.hit for each in self._evidence(snapshot, ranking))
            traced.set(hits=len(hits), passages=snapshot.size, confidence=ranking.confidence)
        return SearchResult(
            query=query,
            language=ranking.question.language,
            answerable=self._answers(ranking),
            confidence=round(ranking.confidence, 4),
            hits=hits,
            took_ms=ranking.took_ms,
        )

    def ask(
        self,
        query: str,
        *,
        top_k: int = 5,
        collection: str = DEFAULT_COLLECTION,
        filters: Filters | None = None,
        history: Sequence[str] = (),
        generator: Generator = "extractive",
    ) -> Answer:
        """The answer to ``query``, each sentence with what proves it.

        ``history``: the user's earlier questions, oldest first; a follow-up is made complete from them. ``generator``
        ``model`` has the configured model write, and verifies it; where that fails the answer is quoted, and says so.
        Raises QuestionError, NotFoundError for the collection.
        """
        asked = self.ask_events(
            query, top_k=top_k, collection=collection, filters=filters, history=history, generator=generator
        )
        return next(event for event in asked if isinstance(event, Answer))

    def ask_events(
        self,
        query: str,
        *,
        top_k: int = 5,
        collection: str = DEFAULT_COLLECTION,
        filters: Filters | None = None,
        history: Sequence[str] = (),
        generator: Generator = "extractive",
    ) -> Iterator[Event]:
        """The same as it happens: what was found, pieces of the text, and last the Answer."""
        from qa.answer import ask
        from qa.answer.context import contextual
        from qa.answer.sides import sides

        self._check_question(query, top_k, filters)
        with tracing.span("ask", top_k=top_k, turns=len(history), generator=generator) as traced:
            began, snapshot = perf_counter(), self._store.snapshot(collection)
            searched = contextual(query, history)
            asked = [searched, *sides(searched)]
            whole, *apart = (self.lane.search(snapshot, each, top_k=top_k, filters=filters) for each in asked)
            ranking = ask.merged(whole, apart, top_k)
            evidence = self._evidence(snapshot, ranking)
            found = ask.Found(query, searched, ranking, evidence, self._answers(ranking), ask.sides(apart, evidence))
            traced.set(hits=len(evidence), passages=snapshot.size, confidence=ranking.confidence)
            return traced.over(ask.events(found, self._writer(generator, snapshot), began))

    def _writer(self, generator: Generator, snapshot: Snapshot) -> Writer:
        from qa.answer.ask import quoting

        quote = quoting(snapshot, self._encoder)
        if generator == "extractive":
            return quote
        from qa.answer.endpoint import Endpoint
        from qa.answer.generate import unconfigured, writing

        chosen = self._settings
        if not chosen.model_base_url:
            return unconfigured(quote)
        endpoint = Endpoint(chosen.model_base_url, chosen.model_name, chosen.model_api_key, chosen.model_timeout)
        return writing(endpoint, self._encoder, self.lane.likeness, chosen.unsupported, quote)

    def _answers(self, ranking: Ranking) -> bool:
        return bool(ranking.hits) and self.lane.calibration.answers(ranking.confidence, ranking.hits[0].features)

    def _evidence(self, snapshot: Snapshot, ranking: Ranking) -> tuple[Evidence, ...]:
        from qa.answer.candidates import Evidence
        from qa.answer.cite import Carriers, hit

        documents = snapshot.documents([ranked.passage.document_id for ranked in ranking.hits])
        carriers = Carriers(snapshot.copies([ranked.passage.group for ranked in ranking.hits]))
        # A document may be deleted between ranking and reading: its hits are left out rather than shown uncheckable.
        kept = [(ranked, documents.get(ranked.passage.document_id)) for ranked in ranking.hits]
        known = [(ranked, document) for ranked, document in kept if document is not None]
        return tuple(
            Evidence(hit(rank, ranked, document, carriers, self._encoder), ranked, document)
            for rank, (ranked, document) in enumerate(known, 1)
        )

    def _check_question(self, query: str, top_k: int, filters: Filters | None) -> None:
        longest = self._settings.max_question_chars
        if len(query) > longest:
            raise QuestionError(
                f"The question has {len(query):,} characters; at most {longest:,} are read.",
                "Ask one question at a time, or raise QA_MAX_QUESTION_CHARS.",
            )
        if not any(character.isalnum() for character in query):
            raise QuestionError("The question is empty.", "Type a question in Chinese or English.")
        if not 1 <= top_k <= self._settings.max_top_k:
            raise QuestionError(
                f"top_k is {top_k}; it must lie between 1 and {self._settings.max_top_k}.", "Ask for fewer passages."
            )
        if filters is not None and filters.document_ids is not None and len(filters.document_ids) > MAX_FILTER_IDS:
            raise QuestionError(
                f"The filter names {len(filters.document_ids):,} documents; at most {MAX_FILTER_IDS:,} are allowed.",
                "Put the documents into a collection of their own.",
            )

    def ingest(
        self,
        *locations: str | Path,
        collection: str = DEFAULT_COLLECTION,
        progress: Callable[[Progress], None] | None = None,
    ) -> IngestReport:
        """Read files, folders and pages (http, https) into a collection, which is made if it is not there.

        What cannot be read is named in the report's ``skipped``; the rest goes in.
        """
        for location in locations:
            _check_exists(location)
        sources = chain.from_iterable(_read(location, self._settings) for location in locations)
        return self.ingest_sources(sources, collection=collection, progress=progress)

    def ingest_sources(
        self,
        sources: Iterable[Source | Skipped],
        *,
        collection: str = DEFAULT_COLLECTION,
        progress: Callable[[Progress], None] | None = None,
    ) -> IngestReport:
        """Write sources that were read already. Raises InputError for a bad collection name, ConflictError."""
        self._store.ensure_collection(collection)
        return self._pipeline.ingest(sources, collection=collection, report=progress)

    def documents(self, collection: str = DEFAULT_COLLECTION, *, offset: int = 0, limit: int = 100) -> list[Document]:
        """Documents in the order they were added."""
        return self._store.documents(collection, offset=offset, limit=limit)

    def document(self, document_id: str, collection: str = DEFAULT_COLLECTION) -> Document:
        """Raises NotFoundError."""
        return self._store.document(collection, document_id)

    def source_text(self, document_id: str, collection: str = DEFAULT_COLLECTION) -> str:
        """The text that the offsets of citations refer to. Raises NotFoundError."""
        return self._store.source_text(collection, document_id)

    def removed(self, document_id: str, collection: str = DEFAULT_COLLECTION) -> list[tuple[int, int, str]]:
        """(start, end, rule) of what cleaning took away. Raises NotFoundError."""
        return self._store.removed(collection, document_id)

    def passages(self, document_id: str, collection: str = DEFAULT_COLLECTION) -> list[Passage]:
        """The passages of a document, in order. Raises NotFoundError."""
        return self._store.document_passages(collection, document_id)

    def delete(self, document_id: str, collection: str = DEFAULT_COLLECTION, *, forever: bool = False) -> None:
        """Gone from every search that begins after this returns; ``restore`` brings it back within a day.

        ``forever``: nothing is kept to bring it back. Raises NotFoundError.
        """
        if forever:
            self._trash.delete_forever(collection, document_id)
        else:
            self._trash.delete(collection, document_id)

    def restore(self, document_id: str, collection: str = DEFAULT_COLLECTION) -> Document:
        """Bring a deleted document back. Raises NotFoundError where it was not deleted, or too long ago."""
        self.ingest_sources([self._trash.source(collection, document_id)], collection=collection)
        return self.document(document_id, collection)

    def deleted(self, collection: str = DEFAULT_COLLECTION) -> list[Deleted]:
        """Documents that can be brought back, deleted last first. Raises NotFoundError for the collection."""
        return self._trash.documents(collection)

    def purge(self) -> int:
        """Forget deleted documents that can no longer be brought back; returns how many."""
        purged = self._trash.purge()
        self._store.sweep()
        return purged

    def collections(self) -> list[CollectionInfo]:
        return self._store.collections()

    def has_collection(self, name: str) -> bool:
        return self._store.has_collection(name)

    def create_collection(self, name: str) -> None:
        """Raises ConflictError where it exists, InputError for a bad name."""
        self._store.create_collection(name)

    def drop_collection(self, name: str) -> None:
        """Delete a collection with all its documents. Raises NotFoundError."""
        self._store.drop_collection(name)

    def check(self) -> list[Problem]:
        """What is wrong with the files of this index; an empty list where nothing is."""
        from qa.store.check import check

        return check(self._store)

    def repair(self) -> None:
        """Rebuild every derived file from SQLite."""
        from qa.store.check import repair

        repair(self._store)

    @property
    def store(self) -> RecordStore:
        return self._store

    @property
    def encoder(self) -> Encoder:
        return self._encoder

    @property
    def settings(self) -> Settings:
        return self._settings

    def set_calibration(self, calibration: Calibration | None) -> None:
        """Keep ``calibration`` in this index and use it; None: use the stored one, or else the shipped one."""
        from qa.retrieve.calibrate import stored_or_shipped
        from qa.retrieve.search import Lane

        if calibration is not None:
            self._store.set_meta(CALIBRATION_KEY, calibration.to_json())
        chosen = stored_or_shipped(self._store.meta(CALIBRATION_KEY))
        self.lane = Lane(self._encoder, self._statistics, self._glossary, chosen)

    def close(self) -> None:
        """Release files and locks; the index cannot be used afterwards."""
        self._store.close()
        self._glossary.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _is_address(location: str | Path) -> bool:
    return isinstance(location, str) and location.startswith(("http://", "https://"))


def _check_exists(location: str | Path) -> None:
    """Nothing is read before everything named is there: a slip of the pen must not leave half of it ingested."""
    if not _is_address(location) and not Path(location).exists():
        raise ReadError(f"{location} does not exist.", "Check the path; addresses begin with http:// or https://.")


def _read(location: str | Path, settings: Settings) -> Iterator[Source | Skipped]:
    from qa.errors import CiteqaError
    from qa.ingest.fetch import fetch
    from qa.ingest.read import read_path

    limit = settings.max_file_mb * 1_000_000
    if _is_address(location):
        try:
            yield fetch(str(location), max_bytes=limit)
        except CiteqaError as error:
            yield Skipped(str(location), error.code, f"{error.message} {error.hint}".strip())
    else:
        yield from read_path(Path(location), max_bytes=limit)


def _fingerprint(encoder: Encoder, statistics: Statistics) -> str:
    return f"{encoder.fingerprint}+{statistics.fingerprint}"


def _codec(statistics: Statistics) -> TokenCodec:
    from qa.store.tokens import TokenCodec

    return TokenCodec(statistics.low, statistics.high)


def _versions() -> dict[str, str]:
    from qa.ingest.normalise import NORMALISER_VERSION
    from qa.ingest.split import SPLITTER_VERSION
    from qa.ingest.words import WORDS_VERSION

    versions = {"normaliser": NORMALISER_VERSION, "splitter": SPLITTER_VERSION, "words": WORDS_VERSION}
    return {name: str(version) for name, version in versions.items()}
