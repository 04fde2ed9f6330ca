"""Ingest jobs with what was sent, and what several processes have to know of each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("evals", sa.Column("owner", sa.String(64)))
    _jobs()
    _files()
    _processes()


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("number", Key, primary_key=True),
        sa.Column("id", sa.String(24), nullable=False, unique=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("collection", sa.String(64), nullable=False),
        sa.Column("items", sa.JSON, nullable=False),
        sa.Column("created", sa.String(32), nullable=False),
        sa.Column("started", sa.String(32)),
        sa.Column("finished", sa.String(32)),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.String(64)),
        sa.Column("progress", sa.JSON(none_as_null=True)),
        sa.Column("report", sa.JSON(none_as_null=True)),
        sa.Column("error", sa.JSON(none_as_null=True)),
        sa.Column("batch", sa.JSON(none_as_null=True)),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_state", "jobs", ["state", "number"])


def _files() -> None:
    op.create_table(
        "job_files",
        sa.Column("job_number", Key, sa.ForeignKey("jobs.number"), primary_key=True),
        sa.Column("file", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("part", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("bytes", sa.LargeBinary, nullable=False),
    )


def _processes() -> None:
    op.create_table(
        "owners",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_table(
        "rates",
        sa.Column("who", sa.String(200), primary_key=True),
        sa.Column("spent", sa.Float, nullable=False),
    )
    op.create_index("ix_rates_spent", "rates", ["spent"])
