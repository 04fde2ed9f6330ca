"""What Milvus holds of a passage, and how a collection for it is made.

One Milvus collection a build holds the passages of all citeqa collections, told apart by the partition key
``collection``. The primary key is the passage's row. Entities are never changed: what a filter looks at is copied from
the document, and a document whose copy would change gets new rows. Only types that servers from 2.3 on have are used:
one vector field; other vectors are base64 text, token vectors over several fields where they exceed one.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from qa.store.encodings import slices
from qa.store.milvus.server import Row, Server, has_bm25
from qa.store.tables import documents, encodings, passages

if TYPE_CHECKING:
    from pymilvus import CollectionSchema, MilvusClient

TEXT_BYTES: Final = 65_535
"""The longest text that a field holds, in bytes of UTF-8."""
NAME_BYTES: Final = 512
TOKEN_FIELDS: Final = 3
_CHUNK = TEXT_BYTES // 4 * 3
"""Bytes that fit into one field as base64."""
PARTITIONS: Final = 64
M, EF_CONSTRUCTION, EF = 32, 400, 1024
"""Of the HNSW graph: links a node, candidates while it is built, and at least while it is searched; filters that let
a quarter pass take more than without."""
_AT_ONCE = 200
_MOST_BYTES = 8_000_000
"""Of one insert; servers accept 64 MB, brokers far less a message."""
VECTOR, SPARSE = "centred", "sparse"
_ANALYZER = {"tokenizer": "jieba", "filter": ["lowercase", "cnalphanumonly"]}
"""For words that are segmented already: Chinese words stay words, punctuation goes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A collection as it is on the server. ``bm25``: it has the words, and the server ranks by them."""

    name: str
    version: str
    bm25: bool


def describe(server: Server, name: str) -> Shape | None:
    """None where the server has no such collection. Raises EngineError."""
    version = server.version()
    if not server.call("look", lambda client, seconds: client.has_collection(name, timeout=seconds)):
        return None
    told = server.call("describe", lambda client, seconds: client.describe_collection(name, timeout=seconds))
    return Shape(name, version, SPARSE in {field["name"] for field in told["fields"]})


def create(server: Server, name: str, dims: int, *, shards: int, replicas: int) -> Shape:
    """Make a collection, indexed and loaded. Raises EngineError."""
    version = server.version()

    def make(client: MilvusClient, seconds: float) -> None:
        schema, indexes = _schema(client, dims, has_bm25(version)), client.prepare_index_params()
        build = {"M": M, "efConstruction": EF_CONSTRUCTION}
        indexes.add_index(VECTOR, index_type="HNSW", metric_type="IP", params=build)
        if has_bm25(version):
            indexes.add_index(SPARSE, index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
        if not client.has_collection(name, timeout=seconds):
            client.create_collection(name, schema=schema, num_shards=shards, num_partitions=PARTITIONS, timeout=seconds)
        client.create_index(name, indexes, timeout=seconds)

    server.call("create", make)
    server.load(name, replicas)
    return Shape(name, version, has_bm25(version))


def _schema(client: MilvusClient, dims: int, bm25: bool) -> CollectionSchema:
    from pymilvus import DataType, Function, FunctionType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("row", DataType.INT64, is_primary=True)
    schema.add_field("collection", DataType.INT64, is_partition_key=True)
    for name in ("document", "stamp", "tokens"):
        schema.add_field(name, DataType.INT64)
    for name in ("language", "written"):
        schema.add_field(name, DataType.VARCHAR, max_length=8)
    for name in ("publisher", "published"):
        schema.add_field(name, DataType.VARCHAR, max_length=NAME_BYTES)
    for name in ("vector", *_token_fields()):
        schema.add_field(name, DataType.VARCHAR, max_length=TEXT_BYTES)
    schema.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=dims)
    if bm25:
        words = {"enable_analyzer": True, "analyzer_params": _ANALYZER}
        schema.add_field("words", DataType.VARCHAR, max_length=TEXT_BYTES, **words)
        schema.add_field(SPARSE, DataType.SPARSE_FLOAT_VECTOR)
        bm25_of = {"input_field_names": ["words"], "output_field_names": [SPARSE]}
        schema.add_function(Function(name="bm25", function_type=FunctionType.BM25, **bm25_of))
    return schema


def _token_fields() -> list[str]:
    return [f"tokens_{number}" for number in range(TOKEN_FIELDS)]


FETCHED: Final = ("row", "stamp", "tokens", "vector", *_token_fields())
"""What late interaction needs."""
COMPARED: Final = (*FETCHED, "collection", "document", "language", "written", "publisher", "published", VECTOR)
"""What is held against the database."""


def batches(connection: sa.Connection, rows: Sequence[int], width: int, bm25: bool) -> Iterator[list[Row]]:
    """The entities of these rows, as many at a time as one insert may hold. ``width``: bytes of a token's codes."""
    batch: list[Row] = []
    size = 0
    for some in slices(rows, _AT_ONCE):
        for entity in _entities(connection, some, width, bm25):
            taken = sum(len(value) for value in entity.values() if isinstance(value, str))
            if batch and size + taken > _MOST_BYTES:
                yield batch
                batch, size = [], 0
            batch.append(entity)
            size += taken
    if batch:
        yield batch


def _entities(connection: sa.Connection, rows: Sequence[int], width: int, bm25: bool) -> Iterator[Row]:
    p, d, e = passages.c, documents.c, encodings.c
    of_passage = (p.row, p.collection_id, p.document_number, p.stamp, p.language, p.words)
    of_document = (d.publisher, d.published, d.language.label("written"))
    statement = sa.select(*of_passage, *of_document, e.vector, e.centred, e.tokens)
    statement = statement.join_from(passages, documents).join(encodings, e.id == p.encoding_id)
    for found in connection.execute(statement.where(p.row.in_(rows)).order_by(p.row)).mappings():
        yield _entity(found, width, bm25)


def _entity(found: sa.RowMapping, width: int, bm25: bool) -> Row:
    entity: Row = {
        "row": found["row"],
        "collection": found["collection_id"],
        "document": found["document_number"],
        "stamp": found["stamp"],
        "language": found["language"],
        "written": found["written"],
        "publisher": cut(found["publisher"] or "", NAME_BYTES),
        "published": cut(found["published"] or "", NAME_BYTES),
        "vector": b64encode(found["vector"]).decode(),
        VECTOR: np.frombuffer(found["centred"], dtype="<f2").astype(np.float32),
        "tokens": len(found["tokens"]) // width,
    }
    pieces = [found["tokens"][at * _CHUNK : (at + 1) * _CHUNK] for at in range(TOKEN_FIELDS)]
    entity |= {name: b64encode(piece).decode() for name, piece in zip(_token_fields(), pieces, strict=True)}
    return entity | ({"words": cut(found["words"], TEXT_BYTES)} if bm25 else {})


def cut(text: str, most: int) -> str:
    """At most so many bytes of UTF-8."""
    return text if 4 * len(text) <= most else text.encode()[:most].decode(errors="ignore")


@dataclass(frozen=True, slots=True)
class Fetched:
    """``vector``: [dims] float16, raw. ``tokens``: [n, width] codes."""

    vector: npt.NDArray[np.float16]
    tokens: npt.NDArray[np.uint8]


def fetched(entity: Row, width: int) -> Fetched | None:
    """What Milvus holds of a passage's vectors; None where it does not hold all token vectors."""
    codes = b"".join(b64decode(entity[name]) for name in _token_fields())
    if len(codes) != int(entity["tokens"]) * width:
        return None
    vector = np.frombuffer(b64decode(entity["vector"]), dtype="<f2")
    return Fetched(vector, np.frombuffer(codes, dtype=np.uint8).reshape(-1, width))


def index_parameters(limit: int) -> dict[str, Any]:
    """Of a search: how many candidates the graph keeps on its way; a few times what is wanted."""
    return {"metric_type": "IP", "params": {"ef": min(max(EF, 8 * limit), 32_768)}}
