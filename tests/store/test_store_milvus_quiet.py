"""What is logged while Milvus is away."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
from qa.errors import EngineError
from qa.store.milvus.server import Server

server = Server("http://127.0.0.1:9", timeout=0.5)
try:
    server.call("look", lambda client, seconds: client.list_collections(timeout=seconds))
except EngineError:
    import logging
    print(logging.getLogger("pymilvus.decorators").isEnabledFor(logging.ERROR))
"""


def test_a_server_that_is_away_is_told_of_in_words_and_not_by_the_tracebacks_of_its_client() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)

    assert done.stdout == "False\n", done.stderr
    assert "Traceback" not in done.stderr
