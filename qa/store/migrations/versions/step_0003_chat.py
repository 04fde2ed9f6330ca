"""What chat platforms sent, and the questions of their conversations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _events()
    _turns()


def _events() -> None:
    op.create_table(
        "chat_events",
        sa.Column("number", Key, primary_key=True),
        sa.Column("platform", sa.String(32), nullable=False),
        sa.Column("app", sa.String(200), nullable=False),
        sa.Column("event", sa.String(200), nullable=False),
        sa.Column("user", sa.String(200), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("received", sa.Float, nullable=False),
        sa.Column("message", sa.JSON(none_as_null=True)),
        sa.Column("reply", sa.Text),
        sa.UniqueConstraint("platform", "app", "event", name="uq_chat_events_event"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_chat_events_user", "chat_events", ["platform", "app", "user", "received"])
    op.create_index("ix_chat_events_state", "chat_events", ["state", "received"])


def _turns() -> None:
    op.create_table(
        "chat_turns",
        sa.Column("number", Key, primary_key=True),
        sa.Column("platform", sa.String(32), nullable=False),
        sa.Column("app", sa.String(200), nullable=False),
        sa.Column("conversation", sa.String(200), nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("asked", sa.Float, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_chat_turns_conversation", "chat_turns", ["platform", "app", "conversation", "number"])
    op.create_index("ix_chat_turns_asked", "chat_turns", ["asked"])
