"""Proves the stage without citeqa: rows written by pymilvus outlive a lost querynode and a restart of everything.

    python tests/cluster/cluster_proof.py [--keep DIRECTORY]

Ends with 1 where a row is missing or a search fails after the loss was made good.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from cluster_enclosure import enclose, place
from cluster_processes import until
from cluster_replicas import replicas
from cluster_stage import URI, Stage

ROWS, DIMENSIONS, BATCH, PAUSE = 20_000, 384, 1_000, 0.1
"""The mock broker loses what is written faster than it is read, so batches are paced, and rows are counted."""
NAME = "proof"


def vectors() -> np.ndarray[Any, np.dtype[np.float32]]:
    made = np.random.default_rng(7).standard_normal((ROWS, DIMENSIONS), dtype=np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def filled(client: Any, rows: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    """A collection of two shards under HNSW, loaded in two replicas."""
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=DIMENSIONS)
    index = client.prepare_index_params()
    index.add_index("vector", index_type="HNSW", metric_type="COSINE", params={"M": 16, "efConstruction": 128})
    client.create_collection(NAME, schema=schema, index_params=index, num_shards=2)
    for start in range(0, ROWS, BATCH):
        batch = rows[start : start + BATCH].tolist()
        client.insert(NAME, [{"id": start + n, "vector": row} for n, row in enumerate(batch)])
        time.sleep(PAUSE)
    client.flush(NAME)
    client.release_collection(NAME)
    client.load_collection(NAME, replica_number=2)


def counted(client: Any) -> int:
    return int(client.query(NAME, output_fields=["count(*)"], consistency_level="Strong")[0]["count(*)"])


def counted_again(client: Any) -> int:
    """The count as soon as the server gives one: after a restart the collection has to be loaded first."""
    from pymilvus import MilvusException

    counts: list[int] = []

    def tried() -> bool:
        try:
            counts.append(counted(client))
        except MilvusException:
            return False
        return True

    until(tried, "rows can be counted")
    return counts[0]


class Searching:
    """Searches one after the other in a thread until the block ends; each has to find the row it asks for."""

    def __init__(self, client: Any, rows: np.ndarray[Any, np.dtype[np.float32]]) -> None:
        self._client = client
        self._rows = rows
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.seen: list[tuple[float, str]] = []
        """Time of the end, and ``right``, ``wrong`` or the kind of error."""

    def __enter__(self) -> Searching:
        self._thread.start()
        until(lambda: len(self.seen) > 100, "a hundred searches")
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            number = (number + 1) % ROWS
            self.seen.append((time.monotonic(), self._search(number)))

    def _search(self, number: int) -> str:
        from pymilvus import MilvusException

        try:
            found = self._client.search(
                NAME, [self._rows[number].tolist()], limit=1, search_params={"params": {"ef": 64}}, timeout=10
            )
        except MilvusException as error:
            return type(error).__name__
        return "right" if found[0] and found[0][0]["id"] == number else "wrong"

    def answered(self, number: int, since: float) -> bool:
        """Whether the last ``number`` searches are younger than ``since`` and right."""
        last = self.seen[-number:]
        return last[0][0] > since and all(told == "right" for _, told in last)


def lost_querynode(stage: Stage, client: Any, rows: np.ndarray[Any, np.dtype[np.float32]]) -> dict[str, Any]:
    assert stage.milvus is not None
    node = stage.milvus["querynode2"]
    with Searching(client, rows) as searching:
        killed = time.monotonic()
        node.kill()
        until(lambda: searching.answered(50, killed), "searches are answered without the querynode")
        node.start()
        node.wait()
        back = until(lambda: replicas() == 2, "two replicas again")
        healed = time.monotonic()
        until(lambda: searching.answered(50, healed), "searches are answered with the new querynode")
    before = Counter(told for moment, told in searching.seen if moment <= killed)
    after = [(moment, told) for moment, told in searching.seen if moment > killed]
    failed = [moment - killed for moment, told in after if told != "right"]
    return {
        "before": dict(before),
        "after": dict(Counter(told for _, told in after)),
        "last_failure_s": round(max(failed, default=0.0), 1),
        "second_replica_back_s": round(back, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="directory for data and logs; else they go with the run")
    parser.add_argument("--tools", type=Path, default=Path(".venv-cluster"))
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "citeqa")
    given = parser.parse_args()
    enclose()
    logging.disable(logging.ERROR)
    from pymilvus import MilvusClient

    stage, rows, began = Stage(place(given.keep, 4000), given.tools.resolve(), given.cache), vectors(), time.monotonic()
    stage.start()
    figures: dict[str, Any] = {"started_s": round(time.monotonic() - began, 1)}
    client = MilvusClient(uri=URI)
    filled(client, rows)
    figures["rows"] = counted(client)
    figures["querynode_lost"] = lost_querynode(stage, client, rows)
    began = time.monotonic()
    stage.kill()
    stage.start_again()
    client = MilvusClient(uri=URI)
    figures["rows_after_restart"] = counted_again(client)
    figures["restarted_s"] = round(time.monotonic() - began, 1)
    print(json.dumps(figures, indent=1))
    return int(not figures["rows"] == figures["rows_after_restart"] == ROWS)


if __name__ == "__main__":
    sys.exit(main())
