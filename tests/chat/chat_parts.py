"""A core over a real database, with an adapter that keeps what it is given to send, and answers made by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from qa.chat.card import Card
from qa.chat.core import Core
from qa.chat.events import Events, Limits
from qa.chat.message import Connection, Message, Question
from qa.chat.settings import ChatSettings
from qa.store import migrations, schemas
from qa.store.database import Database, SqliteDatabase
from qa.store.postgres import PostgresDatabase, connected
from qa.types import Answer, AnswerSentence, AskTimings, Citation, QuoteSpan

Reply = Card | str
LIMITS = Limits(per_minute=20, expiry=3600)


def new_database(path: Path, url: str = "") -> Database:
    """``url``: of the PostgreSQL database to make it in."""
    database = _schema(url) if url else SqliteDatabase(path, read_only=False, create=True)
    with database.writing() as connection:
        migrations.create(connection)
    return database


def _schema(url: str) -> Database:
    with connected(SecretStr(url)) as connection:
        name = schemas.new_schema(connection)
    return PostgresDatabase(SecretStr(url), name)


def message(event: str = "e1", text: str = "谁投喂丹顶鹤？", **changed: object) -> Message:
    fields: dict[str, object] = {"conversation": "c1", "user": "u1", "reply_to": {"channel": "C1"}} | changed
    return Message(event=event, text=text, **fields)  # type: ignore[arg-type]


def citation(number: int = 1, **changed: object) -> Citation:
    quote = "巡护员刘海每天投喂玉米二百斤。"
    fields: dict[str, object] = {
        "marker": f"[{number}]",
        "document_id": "d1",
        "passage_id": "p1",
        "title": "扎龙的鹤",
        "publisher": "龙江报",
        "author": None,
        "published": "2024-12-02",
        "url": "https://news.example/a-b?id=1",
        "source": "鹤.txt",
        "kind": "article",
        "heading": None,
        "page": None,
        "start": 100,
        "end": 100 + len(quote),
        "quote": quote,
        "sha256": "0" * 64,
    }
    fields |= changed
    if "quote" in changed and "end" not in changed:
        fields["end"] = int(str(fields["start"])) + len(str(changed["quote"]))
    return Citation(**fields)  # type: ignore[arg-type]


def answer(
    question: str = "谁投喂丹顶鹤？", *citations: Citation, text: str | None = None, **changed: object
) -> Answer:
    cited = citations or (citation(),)
    sentence = "巡护员刘海每天投喂玉米二百斤。"
    fields: dict[str, object] = {
        "query": question,
        "searched": question,
        "language": "zh",
        "answerable": True,
        "confidence": 0.9,
        "answer": text if text is not None else f"{sentence}[1]",
        "sentences": (AnswerSentence(sentence, (1,), True, (QuoteSpan(1, 100, 100 + len(sentence)),)),),
        "citations": cited,
        "hits": (),
        "generator": "extractive",
        "warnings": (),
        "took_ms": AskTimings(0, 0, 0, 0, 0),
    }
    return Answer(**(fields | changed))  # type: ignore[arg-type]


@dataclass
class Outbox:
    """An adapter whose vendor takes everything; ``before`` runs before it does."""

    before: Callable[[], Awaitable[None]] | None = None
    platform: str = "outbox"
    app: str = "a1"
    collection: str = "default"
    sent: list[tuple[Message, Reply]] = field(default_factory=list)

    async def send(self, to: Message, reply: Reply) -> None:
        if self.before is not None:
            await self.before()
        self.sent.append((to, reply))

    @property
    def connection(self) -> Connection:
        return Connection(self)


@dataclass
class Answers:
    """What is asked of the index, and an answer to it."""

    asked: list[Question] = field(default_factory=list)

    async def __call__(self, question: Question) -> Answer:
        self.asked.append(question)
        return answer(question.text)


def core(database: Database, ask: Callable[[Question], Awaitable[Answer]], owner: str = "me", **set_: int) -> Core:
    settings = ChatSettings(**set_)  # type: ignore[arg-type]
    events = Events(database, owner, Limits(settings.per_minute, settings.history_minutes * 60))
    return Core(events, ask, settings, max_chars=200, base="https://qa.example")
