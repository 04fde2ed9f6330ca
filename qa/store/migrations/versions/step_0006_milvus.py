"""What a store on Milvus keeps in the database: rows to be deleted there, and token counts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "milvus_gone",
        sa.Column("row", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("collection_id", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_milvus_gone_since", "milvus_gone", ["since"])
    op.create_table(
        "token_counts",
        sa.Column("collection_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("entire", sa.Boolean, nullable=False),
        sa.Column("counts", sa.LargeBinary, nullable=False),
        sa.Column("languages", sa.JSON, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
    )
