"""Deleted documents that can be brought back, users' verdicts, and the history of evals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _trash()
    _feedback()
    _evals()


def _trash() -> None:
    op.create_table(
        "trash",
        sa.Column("number", Key, primary_key=True),
        sa.Column("collection_id", Key, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("deleted", sa.BigInteger, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("source", sa.JSON, nullable=False),
        sa.Column("text", sa.LargeBinary, nullable=False),
        sa.Column("encodings", sa.JSON, nullable=False),
        sa.UniqueConstraint("collection_id", "id", name="uq_trash_id"),
    )
    op.create_index("ix_trash_deleted", "trash", ["deleted"])


def _feedback() -> None:
    op.create_table(
        "feedback",
        sa.Column("number", Key, primary_key=True),
        sa.Column("created", sa.String(32), nullable=False),
        sa.Column("collection", sa.String(64), nullable=False),
        sa.Column("language", sa.String(8)),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("comment", sa.Text),
        sa.Column("answer", sa.Text),
        sa.Column("document_id", sa.String(200)),
        sa.Column("passage_id", sa.String(64)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("taken_as", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feedback_state", "feedback", ["state", "number"])


def _evals() -> None:
    op.create_table(
        "evals",
        sa.Column("number", Key, primary_key=True),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created", sa.String(32), nullable=False),
        sa.Column("about", sa.JSON, nullable=False),
        sa.Column("figures", sa.JSON(none_as_null=True)),
        sa.Column("report", sa.LargeBinary),
        sqlite_autoincrement=True,
    )
