"""The tables of the system of record, in SQLAlchemy Core. What is on disk is made by ``migrations/``; a test compares.

``passages.row`` is the int64 row that the rest of the program knows a passage by: AUTOINCREMENT, so never reused.
``passages.stamp`` ties a row to what was encoded for it; derived files carry it too, so that files which belong to
another state of the database (a restored backup, a copied directory) are noticed and not searched.
``encodings`` are shared by the passages of a collection that were encoded from the same text.
``trash`` holds documents that were deleted and may be brought back for a while, out of reach of every search.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()
Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

collections = sa.Table(
    "collections",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("created", sa.String(32), nullable=False),
    # Counted up by every write to the collection, and by every row removed from it: what a cached snapshot compares.
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("deletions", sa.BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

documents = sa.Table(
    "documents",
    metadata,
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
    sa.Index("ix_documents_raw", "collection_id", "raw_sha256"),
    sa.Index("ix_documents_digest", "collection_id", "digest_of"),
    sqlite_autoincrement=True,
)

sources = sa.Table(
    "sources",
    metadata,
    sa.Column("document_number", Key, sa.ForeignKey("documents.number"), primary_key=True),
    sa.Column("text", sa.LargeBinary, nullable=False),  # UTF-8, zlib
    sa.Column("pages", sa.JSON, nullable=False),
    sa.Column("headings", sa.JSON, nullable=False),
    sa.Column("main", sa.JSON(none_as_null=True)),
    sa.Column("removed", sa.JSON, nullable=False),
)

encodings = sa.Table(
    "encodings",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("collection_id", Key, sa.ForeignKey("collections.id"), nullable=False),
    sa.Column("encode_key", sa.String(128), nullable=False),
    sa.Column("fingerprint", sa.String(200), nullable=False),
    sa.Column("checksum", sa.BigInteger, nullable=False),  # CRC-32 of the four blobs
    sa.Column("vector", sa.LargeBinary, nullable=False),  # float16
    sa.Column("centred", sa.LargeBinary, nullable=False),  # float16
    sa.Column("tokens", sa.LargeBinary, nullable=False),  # codes, see tokens.py
    sa.Column("token_ids", sa.LargeBinary, nullable=False),  # int32
    sa.UniqueConstraint("collection_id", "encode_key", "fingerprint", name="uq_encodings_key"),
    sqlite_autoincrement=True,
)

passages = sa.Table(
    "passages",
    metadata,
    sa.Column("row", Key, primary_key=True),
    sa.Column("collection_id", Key, sa.ForeignKey("collections.id"), nullable=False),
    sa.Column("document_number", Key, sa.ForeignKey("documents.number"), nullable=False),
    sa.Column("encoding_id", Key, sa.ForeignKey("encodings.id"), nullable=False),
    sa.Column("stamp", sa.BigInteger, nullable=False),
    sa.Column("checksum", sa.BigInteger, nullable=False),  # CRC-32 of text, search_text and words
    sa.Column("id", sa.String(64), nullable=False),
    sa.Column("ordinal", sa.BigInteger, nullable=False),
    sa.Column("start", sa.BigInteger, nullable=False),
    sa.Column("end", sa.BigInteger, nullable=False),
    sa.Column("page", sa.BigInteger),
    sa.Column("language", sa.String(8), nullable=False),
    sa.Column("group", sa.String(200), nullable=False),
    sa.Column("fingerprint", sa.BigInteger, nullable=False),  # the unsigned 64 bits, read as signed
    sa.Column("heading", sa.Text),
    sa.Column("quote", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("search_text", sa.Text, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.UniqueConstraint("collection_id", "id", name="uq_passages_id"),
    sa.Index("ix_passages_document", "document_number", "ordinal"),
    sa.Index("ix_passages_encoding", "encoding_id"),
    sa.Index("ix_passages_group", "collection_id", "group"),
    sa.Index("ix_passages_live", "collection_id", "row", "stamp"),
    sqlite_autoincrement=True,
)

trash = sa.Table(
    "trash",
    metadata,
    sa.Column("number", Key, primary_key=True),  # the document's own, so that it comes back to its place
    sa.Column("collection_id", Key, sa.ForeignKey("collections.id"), nullable=False),
    sa.Column("id", sa.String(200), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("deleted", sa.BigInteger, nullable=False),  # seconds since 1970, UTC
    sa.Column("document", sa.JSON, nullable=False),  # the row of ``documents``
    sa.Column("source", sa.JSON, nullable=False),  # the row of ``sources`` without its text
    sa.Column("text", sa.LargeBinary, nullable=False),
    sa.Column("encodings", sa.JSON, nullable=False),  # ids kept until it is purged
    sa.UniqueConstraint("collection_id", "id", name="uq_trash_id"),
    sa.Index("ix_trash_deleted", "deleted"),
)

feedback = sa.Table(
    "feedback",
    metadata,
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
    sa.Index("ix_feedback_state", "state", "number"),
    sqlite_autoincrement=True,
)

evals = sa.Table(
    "evals",
    metadata,
    sa.Column("number", Key, primary_key=True),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("created", sa.String(32), nullable=False),
    sa.Column("about", sa.JSON, nullable=False),
    sa.Column("figures", sa.JSON(none_as_null=True)),
    sa.Column("report", sa.LargeBinary),  # JSON, zlib
    sa.Column("owner", sa.String(64)),  # the process that runs it
    sqlite_autoincrement=True,
)

# What chat platforms sent, for as long as the same event could come again. ``message`` goes when it was replied to.
chat_events = sa.Table(
    "chat_events",
    metadata,
    sa.Column("number", Key, primary_key=True),
    sa.Column("platform", sa.String(32), nullable=False),
    sa.Column("app", sa.String(200), nullable=False),
    sa.Column("event", sa.String(200), nullable=False),
    sa.Column("user", sa.String(200), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("attempts", sa.BigInteger, nullable=False),
    sa.Column("received", sa.Float, nullable=False),  # seconds since 1970
    sa.Column("message", sa.JSON(none_as_null=True)),
    sa.Column("reply", sa.Text),
    sa.UniqueConstraint("platform", "app", "event", name="uq_chat_events_event"),
    sa.Index("ix_chat_events_user", "platform", "app", "user", "received"),
    sa.Index("ix_chat_events_state", "state", "received"),
    sqlite_autoincrement=True,
)

chat_turns = sa.Table(
    "chat_turns",
    metadata,
    sa.Column("number", Key, primary_key=True),
    sa.Column("platform", sa.String(32), nullable=False),
    sa.Column("app", sa.String(200), nullable=False),
    sa.Column("conversation", sa.String(200), nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("asked", sa.Float, nullable=False),  # seconds since 1970
    sa.Index("ix_chat_turns_conversation", "platform", "app", "conversation", "number"),
    sa.Index("ix_chat_turns_asked", "asked"),
    sqlite_autoincrement=True,
)

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),  # SHA-256 of the token
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("scope", sa.String(8), nullable=False),
    sa.Column("collections", sa.JSON(none_as_null=True)),
    sa.Column("origins", sa.JSON, nullable=False),
    sa.Column("created", sa.String(32), nullable=False),
    sa.Column("expires", sa.String(32)),
    sa.Column("revoked", sa.String(32)),
    sa.Column("used", sa.String(32)),
)

# Ingest jobs in the order they came. What was sent is in ``batch`` and ``job_files`` until the job has ended.
jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("number", Key, primary_key=True),
    sa.Column("id", sa.String(24), nullable=False, unique=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("collection", sa.String(64), nullable=False),
    sa.Column("items", sa.JSON, nullable=False),  # names
    sa.Column("created", sa.String(32), nullable=False),
    sa.Column("started", sa.String(32)),
    sa.Column("finished", sa.String(32)),
    sa.Column("attempts", sa.BigInteger, nullable=False),
    sa.Column("owner", sa.String(64)),  # the process that has it in hand
    sa.Column("progress", sa.JSON(none_as_null=True)),
    sa.Column("report", sa.JSON(none_as_null=True)),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("batch", sa.JSON(none_as_null=True)),
    sa.Index("ix_jobs_state", "state", "number"),
    sqlite_autoincrement=True,
)

job_files = sa.Table(
    "job_files",
    metadata,
    sa.Column("job_number", Key, sa.ForeignKey("jobs.number"), primary_key=True),
    sa.Column("file", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("part", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("bytes", sa.LargeBinary, nullable=False),
)

# Processes that share a PostgreSQL database: each says again and again that it lives (owner.py).
owners = sa.Table(
    "owners",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("until", sa.Float, nullable=False),  # seconds since 1970, by the database's clock
)

# How far each caller has used up what it may ask, for all processes that share a PostgreSQL database.
rates = sa.Table(
    "rates",
    metadata,
    sa.Column("who", sa.String(200), primary_key=True),
    sa.Column("spent", sa.Float, nullable=False),  # seconds since 1970: until when its requests are used up
    sa.Index("ix_rates_spent", "spent"),
)

# What a store on Milvus keeps beside it (qa/store/milvus/): rows to be deleted there once no search needs them, and how
# many passages hold each token, a line for each write (counts.py).
milvus_gone = sa.Table(
    "milvus_gone",
    metadata,
    sa.Column("row", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("collection_id", sa.BigInteger, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),  # seconds since 1970
    sa.Index("ix_milvus_gone_since", "since"),
)

token_counts = sa.Table(
    "token_counts",
    metadata,
    sa.Column("collection_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("revision", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("entire", sa.Boolean, nullable=False),  # whether it counts everything up to its revision
    sa.Column("counts", sa.LargeBinary, nullable=False),  # int32 token ids, then int32 counts, zlib
    sa.Column("languages", sa.JSON, nullable=False),
    sa.Column("seen", sa.BigInteger, nullable=False),  # Milvus's timestamp of the write
)
