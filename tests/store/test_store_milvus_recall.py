"""The parameters of the HNSW graph find what exact search finds, on a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from qa.store.manifest import Identity
from qa.store.milvus.place import Place
from qa.store.milvus.schema import TOKEN_FIELDS, VECTOR, index_parameters
from qa.store.milvus.server import Server

PASSAGES, TOPICS, DIMS, LIMIT = 6000, 60, 384, 50
Floats = npt.NDArray[np.float32]


def around(rng: np.random.Generator, centres: Floats, count: int) -> Floats:
    """Vectors that lie around topics, as those of passages do."""
    vectors = centres[rng.integers(0, len(centres), count)] + rng.standard_normal((count, DIMS)) * 0.06
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def vectors() -> tuple[Floats, Floats]:
    """(passages, questions)."""
    rng = np.random.default_rng(3)
    centres = rng.standard_normal((TOPICS, DIMS)) / np.sqrt(DIMS)
    return around(rng, centres, PASSAGES), around(rng, centres, 50)


@pytest.fixture(scope="module")
def collection(milvus_uri: str, vectors: tuple[Floats, Floats]) -> Iterator[tuple[Server, str]]:
    place = Place(Server(milvus_uri, timeout=120), "recall")
    identity = Identity("0123456789abcdef", "test", DIMS, 8, 4, "", {})
    name = place.make(identity, beside=True).name
    empty = {"vector": "", "publisher": "", "published": "", "tokens": 0} | {
        f"tokens_{n}": "" for n in range(TOKEN_FIELDS)
    }
    about = empty | {"collection": 1, "document": 1, "language": "zh", "written": "zh"}
    entities = [about | {"row": n + 1, "stamp": n, VECTOR: vector} for n, vector in enumerate(vectors[0])]
    for at in range(0, PASSAGES, 1000):
        place.server.insert(name, entities[at : at + 1000])
    place.server.call("flush", lambda client, seconds: client.flush(name, timeout=seconds))
    wait_until_indexed(place.server, name)
    yield place.server, name
    place.server.call("drop", lambda client, _: client.drop_collection(name))
    place.server.close()


def wait_until_indexed(server: Server, name: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        told = server.call("index", lambda client, _: client.describe_index(name, VECTOR))
        if told["indexed_rows"] >= PASSAGES and not told["pending_index_rows"]:
            break
        time.sleep(0.2)
    assert server.count(name, "collection == 1") == PASSAGES


@pytest.mark.parametrize("where", ["collection == 1", 'collection == 1 and language == "zh" and row <= 1500'])
def test_recall_of_the_graph(collection: tuple[Server, str], vectors: tuple[Floats, Floats], where: str) -> None:
    server, name = collection
    passages = vectors[0] if "row" not in where else vectors[0][:1500]
    shares, missed = [], set()
    for question in vectors[1]:
        hits = server.search(name, question, VECTOR, where, LIMIT, parameters=index_parameters(LIMIT), seen=1)
        exact = np.argsort(-(passages @ question), kind="stable")[:LIMIT] + 1
        missed |= set(exact.tolist()) - {hit.row for hit in hits}
        shares.append(len({hit.row for hit in hits} & set(exact.tolist())) / LIMIT)
    assert np.mean(shares) >= 0.98, (min(missed), max(missed))
