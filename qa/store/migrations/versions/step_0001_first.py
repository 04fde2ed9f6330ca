"""Collections, documents with their sources, passages with their encodings, and the index's own notes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _meta()
    _collections()
    _documents()
    _sources()
    _encodings()
    _passages()


def _meta() -> None:
    op.create_table(
        "meta",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _collections() -> None:
    op.create_table(
        "collections",
        sa.Column("id", Key, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("created", sa.String(32), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("deletions", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("number", Key, primary_key=True),
        sa.Column("collection_id", Key, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("locator", sa.Text, nullable=False),
        sa.Column("format", sa.String(16), nullable=False),
        sa.Column("encoding", sa.String(64), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("publisher", sa.Text),
        sa.Column("author", sa.Text),
        sa.Column("published", sa.String(32)),
        sa.Column("url", sa.Text),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("digest_of", sa.String(64)),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("raw_sha256", sa.String(64), nullable=False),
        sa.Column("characters", sa.BigInteger, nullable=False),
        sa.Column("passages", sa.BigInteger, nullable=False),
        sa.Column("added", sa.String(32), nullable=False),
        sa.UniqueConstraint("collection_id", "id", name="uq_documents_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_documents_raw", "documents", ["collection_id", "raw_sha256"])
    op.create_index("ix_documents_digest", "documents", ["collection_id", "digest_of"])


def _sources() -> None:
    op.create_table(
        "sources",
        sa.Column("document_number", Key, sa.ForeignKey("documents.number"), primary_key=True),
        sa.Column("text", sa.LargeBinary, nullable=False),
        sa.Column("pages", sa.JSON, nullable=False),
        sa.Column("headings", sa.JSON, nullable=False),
        sa.Column("main", sa.JSON(none_as_null=True)),
        sa.Column("removed", sa.JSON, nullable=False),
    )


def _encodings() -> None:
    op.create_table(
        "encodings",
        sa.Column("id", Key, primary_key=True),
        sa.Column("collection_id", Key, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("encode_key", sa.String(128), nullable=False),
        sa.Column("fingerprint", sa.String(200), nullable=False),
        sa.Column("checksum", sa.BigInteger, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.Column("centred", sa.LargeBinary, nullable=False),
        sa.Column("tokens", sa.LargeBinary, nullable=False),
        sa.Column("token_ids", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("collection_id", "encode_key", "fingerprint", name="uq_encodings_key"),
        sqlite_autoincrement=True,
    )


def _passages() -> None:
    op.create_table(
        "passages",
        sa.Column("row", Key, primary_key=True),
        sa.Column("collection_id", Key, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("document_number", Key, sa.ForeignKey("documents.number"), nullable=False),
        sa.Column("encoding_id", Key, sa.ForeignKey("encodings.id"), nullable=False),
        sa.Column("stamp", sa.BigInteger, nullable=False),
        sa.Column("checksum", sa.BigInteger, nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("ordinal", sa.BigInteger, nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("end", sa.BigInteger, nullable=False),
        sa.Column("page", sa.BigInteger),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("group", sa.String(200), nullable=False),
        sa.Column("fingerprint", sa.BigInteger, nullable=False),
        sa.Column("heading", sa.Text),
        sa.Column("quote", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("search_text", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.UniqueConstraint("collection_id", "id", name="uq_passages_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_passages_document", "passages", ["document_number", "ordinal"])
    op.create_index("ix_passages_encoding", "passages", ["encoding_id"])
    op.create_index("ix_passages_group", "passages", ["collection_id", "group"])
    op.create_index("ix_passages_live", "passages", ["collection_id", "row", "stamp"])
