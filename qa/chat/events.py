"""What vendors sent, each event once, with how far its reply has come. In the index's database.

    received -> sending -> answered     the answer was taken by the vendor
                        -> told         the user was told why there is no answer
                        -> failed       the vendor took nothing
    dropped                             over the user's rate; nothing is said

The commit of ``received`` comes before the vendor is answered, so that what was acknowledged is replied to after a
crash too. A reply that was being pushed when the process died may or may not have arrived: it is not pushed again,
the user is told instead.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final, Literal

import sqlalchemy as sa

from qa.chat import history
from qa.chat.message import Message
from qa.store.database import Database
from qa.store.insertion import insert_new
from qa.store.tables import chat_events as events

State = Literal["received", "sending", "answered", "told", "failed", "dropped"]

KEPT_SECONDS: Final = 24 * 3600
"""How long an event is remembered: longer than any vendor goes on sending it again."""
MAX_KEPT: Final = 100_000
TIDY_SECONDS: Final = 300
MINUTE: Final = 60.0
MAX_ID: Final = 200
_PENDING: Final = ("received", "sending")


@dataclass(frozen=True, slots=True)
class Work:
    """A reply to be made. ``notice``: name of the phrase to say instead of an answer. ``state``: how far an earlier
    process came with it."""

    number: int
    platform: str
    app: str
    message: Message
    history: tuple[str, ...] = ()
    notice: str | None = None
    state: State = "received"
    attempts: int = 0
    received: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """``per_minute``: questions of one user. ``expiry``: seconds that a conversation is remembered."""

    per_minute: int
    expiry: float


class Events:
    """The events of all platforms. ``owner`` names this process. Safe between threads and processes."""

    def __init__(self, database: Database, owner: str, limits: Limits, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._owner = owner
        self._limits = limits
        self._now = now
        self._tidied = 0.0

    def receive(self, platform: str, app: str, message: Message, notice: str | None) -> Work | None:
        """Keep an event; None for one that was seen before, and for one that is not to be replied to."""
        now = self._now()
        with self._database.writing() as connection:
            self._tidy(connection, now)
            number = self._insert(connection, platform, app, message, now)
            if number is None:
                return None
            if self._over(connection, platform, app, message.user, now):
                return self._over_rate(connection, number, platform, app, message, now)
            earlier: tuple[str, ...] = ()
            if notice is None:
                conversation = history.Conversation(platform, app, short(message.conversation))
                earlier = history.take(connection, conversation, message.text, now, self._limits.expiry)
            return _accept(connection, Work(number, platform, app, message, earlier, notice, received=now))

    def _insert(self, connection: sa.Connection, platform: str, app: str, message: Message, now: float) -> int | None:
        made = connection.execute(
            insert_new(connection, events)
            .values(
                platform=platform,
                app=app,
                event=short(message.event),
                user=short(message.user),
                state="dropped",
                owner=self._owner,
                attempts=0,
                received=now,
            )
            .returning(events.c.number)
        ).scalar()
        return None if made is None else int(made)

    def _over(self, connection: sa.Connection, platform: str, app: str, user: str, now: float) -> bool:
        return self._count(connection, platform, app, user, now) > self._limits.per_minute

    def _count(self, connection: sa.Connection, platform: str, app: str, user: str, now: float) -> int:
        """Events of a user in the last minute, this one among them."""
        counted = connection.execute(
            sa.select(sa.func.count()).where(
                events.c.platform == platform,
                events.c.app == app,
                events.c.user == short(user),
                events.c.received > now - MINUTE,
            )
        ).scalar_one()
        return int(counted)

    def _over_rate(
        self, connection: sa.Connection, number: int, platform: str, app: str, message: Message, now: float
    ) -> Work | None:
        """The first event over the rate is told so; the others are dropped in silence."""
        if self._count(connection, platform, app, message.user, now) > self._limits.per_minute + 1:
            return None
        return _accept(connection, Work(number, platform, app, message, (), "limited", received=now))

    def sending(self, work: Work) -> bool:
        """From here on the vendor may have the reply. False where another process has taken it over meanwhile."""
        return self._set(work, state="sending")

    def finish(self, work: Work, state: State) -> None:
        """The words of the message and its reply address are forgotten."""
        self._set(work, state=state, message=None)

    def _set(self, work: Work, **values: object) -> bool:
        mine = (events.c.number == work.number) & (events.c.owner == self._owner)
        with self._database.writing() as connection:
            return connection.execute(events.update().where(mine).values(**values)).rowcount == 1

    def keep_reply(self, platform: str, app: str, event: str, reply: str) -> None:
        """Keep a reply that the vendor will come for."""
        with self._database.writing() as connection:
            connection.execute(events.update().where(_is(platform, app, event)).values(reply=reply))

    def replace_reply(self, platform: str, app: str, event: str, kept: str, reply: str) -> bool:
        """Keep another reply in the place of ``kept``; False where that is not what is kept any more."""
        with self._database.writing() as connection:
            replaced = connection.execute(
                events.update().where(_is(platform, app, event), events.c.reply == kept).values(reply=reply)
            )
            return replaced.rowcount == 1

    def reply(self, platform: str, app: str, event: str) -> str | None:
        """A reply that was kept, None where there is none yet."""
        with self._database.reading() as connection:
            found = connection.execute(sa.select(events.c.reply).where(_is(platform, app, event))).scalar()
        return None if found is None else str(found)

    def state(self, platform: str, app: str, event: str) -> State | None:
        with self._database.reading() as connection:
            found: State | None = connection.execute(
                sa.select(events.c.state).where(_is(platform, app, event))
            ).scalar()
        return found

    def age(self, work: Work) -> float:
        """Seconds since the message came."""
        return self._now() - work.received

    def abandoned(self, is_gone: Callable[[str], bool]) -> list[Work]:
        """Take over what processes that are gone have left, oldest first."""
        with self._database.reading() as connection:
            waiting = connection.execute(
                sa.select(events).where(events.c.state.in_(_PENDING)).order_by(events.c.number).limit(MAX_KEPT)
            ).all()
        owners = {row.owner for row in waiting}
        gone = {owner for owner in owners if owner != self._owner and is_gone(owner)}
        return [_work(row) for row in waiting if row.owner in gone and self._claim(row.number, row.owner)]

    def _claim(self, number: int, owner: str) -> bool:
        with self._database.writing() as connection:
            claimed = connection.execute(
                events.update()
                .where(events.c.number == number, events.c.owner == owner, events.c.state.in_(_PENDING))
                .values(owner=self._owner, attempts=events.c.attempts + 1)
            )
            return claimed.rowcount == 1

    def _tidy(self, connection: sa.Connection, now: float) -> None:
        if now - self._tidied < TIDY_SECONDS:
            return
        self._tidied = now
        newest = sa.select(sa.func.max(events.c.number)).scalar_subquery()
        expired = events.c.received < now - KEPT_SECONDS
        surplus = (events.c.number <= newest - MAX_KEPT) & events.c.state.not_in(_PENDING)
        connection.execute(events.delete().where(expired | surplus))
        history.tidy(connection, now, self._limits.expiry)


def short(identity: str) -> str:
    """An id as it is kept: a very long one by its hash."""
    if len(identity) <= MAX_ID:
        return identity
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()


def _accept(connection: sa.Connection, work: Work) -> Work:
    content = asdict(work.message) | {"history": list(work.history), "notice": work.notice}
    content["reply_to"] = dict(work.message.reply_to)
    connection.execute(events.update().where(events.c.number == work.number).values(state="received", message=content))
    return work


def _work(row: sa.Row[tuple[object, ...]]) -> Work:
    content = dict(row.message)
    earlier, notice = tuple(content.pop("history")), content.pop("notice")
    attempts = row.attempts + 1
    return Work(
        row.number, row.platform, row.app, Message(**content), earlier, notice, row.state, attempts, row.received
    )


def _is(platform: str, app: str, event: str) -> sa.ColumnElement[bool]:
    return sa.and_(events.c.platform == platform, events.c.app == app, events.c.event == short(event))
