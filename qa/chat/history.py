"""The last questions of each conversation, so that a follow-up can be understood. In the index's database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from qa.answer.context import MAX_TURN_CHARS, MAX_TURNS
from qa.store.tables import chat_turns as turns

MAX_KEPT: Final = 100_000
"""Questions kept in all."""


@dataclass(frozen=True, slots=True)
class Conversation:
    platform: str
    app: str
    name: str


def take(
    connection: sa.Connection, conversation: Conversation, question: str, now: float, expiry: float
) -> tuple[str, ...]:
    """The earlier questions, oldest first, not older than ``expiry`` seconds; ``question`` is added to them."""
    added = connection.execute(
        turns.insert()
        .values(
            platform=conversation.platform,
            app=conversation.app,
            conversation=conversation.name,
            question=question[:MAX_TURN_CHARS],
            asked=now,
        )
        .returning(turns.c.number)
    ).scalar_one()
    kept = connection.execute(
        sa.select(turns.c.number, turns.c.question, turns.c.asked)
        .where(_within(conversation), turns.c.number < added)
        .order_by(turns.c.number.desc())
        .limit(MAX_TURNS)
    ).all()
    if len(kept) == MAX_TURNS:
        connection.execute(turns.delete().where(_within(conversation), turns.c.number < kept[-1].number))
    return tuple(row.question for row in reversed(kept) if row.asked >= now - expiry)


def tidy(connection: sa.Connection, now: float, expiry: float) -> None:
    """Forget what has expired, and the oldest beyond MAX_KEPT."""
    newest = sa.select(sa.func.max(turns.c.number)).scalar_subquery()
    expired = turns.c.asked < now - expiry
    connection.execute(turns.delete().where(expired | (turns.c.number <= newest - MAX_KEPT)))


def _within(conversation: Conversation) -> sa.ColumnElement[bool]:
    return sa.and_(
        turns.c.platform == conversation.platform,
        turns.c.app == conversation.app,
        turns.c.conversation == conversation.name,
    )
