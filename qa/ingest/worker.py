"""Parsing in a process of its own, with bounds on memory, processor time and wall time.

PDF, Word and HTML files come from strangers and are parsed by large libraries. The worker has neither secrets in its
environment nor a file open but its pipes; a file that takes it down costs that file and a second for the next worker.
Messages are a line of JSON, and after a request the bytes of the file.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import selectors
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from typing import IO, Any

from qa.errors import ReadError
from qa.ingest.content import Content
from qa.types import Metadata

MAX_MEMORY = 2_000_000_000
"""Bytes of address space."""
MAX_SECONDS = 60
"""Seconds of processor time for one file."""
_WAIT = 60
"""Seconds more that it may take where the machine is busy, the start of the worker included."""
MOST_FILES = 200
"""Files that one worker parses: what a library leaks does not add up."""
_INHERITED = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "SYSTEMROOT")
_LONGEST_LINE = 200_000_000


class Worker:
    """The parsing process of this program: started when first needed, replaced when it dies. Safe between threads."""

    def __init__(self, seconds: float = MAX_SECONDS, memory: int = MAX_MEMORY) -> None:
        self._seconds = seconds
        self._memory = memory
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._parsed = 0

    def parse(self, format: str, data: bytes, charset: str | None, address: str | None) -> Content:
        """What a PDF, Word or HTML file holds. Raises ReadError, ``code`` ``too_slow``, ``too_much_memory`` or
        ``crashed`` where the bounds were reached, or what the reader of the format raises."""
        with self._lock:
            process = self._running()
            self._parsed += 1
            try:
                answer = self._asked(process, {"format": format, "charset": charset, "address": address}, data)
            except ReadError:
                self.stop()
                raise
            if self._parsed >= MOST_FILES or answer.get("error", {}).get("code") == "too_much_memory":
                self.stop()
        return _content(answer)

    def _running(self) -> subprocess.Popen[bytes]:
        """A forked program does not share the worker of the one it was forked from."""
        process = self._process
        if process is None or self._owner != os.getpid() or process.poll() is not None:
            self.stop()
            self._process = process = _started(self._seconds, self._memory)
            self._owner, self._parsed = os.getpid(), 0
        return process

    def _asked(self, process: subprocess.Popen[bytes], request: dict[str, Any], data: bytes) -> dict[str, Any]:
        deadline = time.monotonic() + self._seconds + _WAIT
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(request | {"bytes": len(data)}).encode() + b"\n" + data)
            process.stdin.flush()
        except BrokenPipeError as error:
            raise _crashed() from error
        line = _line(process.stdout, deadline)
        if line is None:
            raise _too_slow(self._seconds + _WAIT)
        if not line:
            raise _too_slow(self._seconds) if process.wait() == -24 else _crashed()  # 24: SIGXCPU
        found: dict[str, Any] = json.loads(line)
        return found

    def stop(self) -> None:
        """End the worker, if this program started it."""
        process, self._process = self._process, None
        if process is not None and self._owner == os.getpid():
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    _close(pipe)


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return


def _started(seconds: float, memory: int) -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "qa.ingest.worker", str(seconds), str(memory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )


def _line(pipe: IO[bytes], deadline: float) -> bytes | None:
    """The next line, empty where the other end has gone; None where it does not come in time."""
    pieces: list[bytes] = []
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while sum(map(len, pieces)) < _LONGEST_LINE:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return None
            piece = os.read(pipe.fileno(), 1 << 20)
            pieces.append(piece)
            if not piece:
                return b""
            if piece.endswith(b"\n"):
                return b"".join(pieces)
    return b""


def _content(answer: dict[str, Any]) -> Content:
    if "error" in answer:
        error = answer["error"]
        raise ReadError(error["message"], error["hint"], code=error["code"])
    found = answer["content"]
    main = found["main"]
    return Content(
        text=found["text"],
        metadata=Metadata(**found["metadata"]),
        pages=tuple(found["pages"]),
        headings=tuple((start, end, level) for start, end, level in found["headings"]),
        main=None if main is None else tuple((start, end) for start, end in main),
        encoding=found["encoding"],
    )


def _too_slow(seconds: float) -> ReadError:
    return ReadError(f"The file took longer than {seconds:g} s to read.", "Split it, or save it anew.", code="too_slow")


def _crashed() -> ReadError:
    return ReadError(
        "The file brought its parser down.", "Open and save it again in the program that made it.", code="crashed"
    )


_worker = Worker()
atexit.register(_worker.stop)


def parse(format: str, data: bytes, charset: str | None, address: str | None) -> Content:
    """:meth:`Worker.parse`, by the worker of this program."""
    return _worker.parse(format, data, charset, address)


def serve(seconds: float, memory: int) -> None:
    """The worker's side: answer until there are no more requests."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    answers, sys.stdout = sys.stdout, sys.stderr
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        data = sys.stdin.buffer.read(request.pop("bytes"))
        _load(request["format"])
        used = time.process_time()
        resource.setrlimit(resource.RLIMIT_CPU, (int(used + seconds) + 1, resource.RLIM_INFINITY))
        answers.write(json.dumps(_answered(request, data)) + "\n")
        answers.flush()


def _load(format: str) -> None:
    """Libraries are loaded before a file's time begins."""
    if format == "pdf":
        import pypdf  # noqa: F401
    elif format == "docx":
        import docx  # noqa: F401
    else:
        import trafilatura  # noqa: F401


def _answered(request: dict[str, Any], data: bytes) -> dict[str, Any]:
    try:
        return {"content": asdict(_read(request["format"], data, request["charset"], request["address"]))}
    except ReadError as error:
        return {"error": {"message": error.message, "hint": error.hint, "code": error.code}}
    except MemoryError:
        message, hint = "The file needs too much memory to read.", "Split it, or take the pictures out."
        return {"error": {"message": message, "hint": hint, "code": "too_much_memory"}}
    except Exception as error:  # whatever a parser of untrusted files raises ends that file alone
        message = f"The file cannot be read ({type(error).__name__})."
        return {"error": {"message": message, "hint": "Open and save it again.", "code": "unreadable"}}


def _read(format: str, data: bytes, charset: str | None, address: str | None) -> Content:
    if format == "pdf":
        from qa.ingest.pdf import read_pdf

        return read_pdf(data)
    if format == "docx":
        from qa.ingest.docx import read_docx

        return read_docx(data)
    from qa.ingest.html import read_html

    return read_html(data, charset=charset, address=address)


if __name__ == "__main__":
    serve(float(sys.argv[1]), int(sys.argv[2]))
