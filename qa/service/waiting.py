"""What is answered while the index and the encoder get ready: 503 and when to come back, at the service's own address;
to a browser, a page that looks again by itself.

A first start builds the encoder and indexes the corpus, which takes long enough for a probe to give up on a service
that does not listen.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from qa.service import shape
from qa.service.doorman import SECURITY_HEADERS

RETRY_SECONDS: Final = 2
_SECONDS: Final = 5.0
"""How long a connection may take to send its request."""
_DRAINED: Final = 1_000_000
_ALIVE: Final = shape.dumps({"status": "ok"}).encode()
_STARTING: Final = shape.dumps(
    shape.error("starting", "The service is getting ready.", "Try again when Retry-After says.")
).encode()
_PAGE: Final = f"""<!doctype html>
<html lang="zh">
<meta charset="utf-8">
<meta http-equiv="refresh" content="{RETRY_SECONDS}">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>citeqa</title>
<h1>citeqa</h1>
<p>服务正在启动，准备好后会自动打开。首次启动需要一两分钟。</p>
<p lang="en">The service is getting ready and opens by itself when it is. A first start takes a minute or two.</p>
</html>
""".encode()


@contextmanager
def answering(taken: socket.socket) -> Iterator[None]:
    """Answer on the socket for as long as the block lasts; then it goes on listening, and whoever connects waits."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = taken.dup()
    server.server_activate()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="qa-waiting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    timeout = _SECONDS

    def _tell(self) -> None:
        self._drain()
        alive = self.path == "/healthz"
        page = not alive and self.command == "GET" and "text/html" in self.headers.get("Accept", "")
        body = _ALIVE if alive else _PAGE if page else _STARTING
        self.send_response_only(200 if alive else 503)
        for name, value in SECURITY_HEADERS.items():
            self.send_header(name, value)
        if not alive:
            self.send_header("Retry-After", str(RETRY_SECONDS))
        self.send_header("Content-Type", "text/html; charset=utf-8" if page else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _tell

    def _drain(self) -> None:
        declared = self.headers.get("Content-Length", "")
        if declared.isdecimal():
            self.rfile.read(min(int(declared[:20]), _DRAINED))

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: stderr is for the progress of getting ready."""
