"""A server that takes uploads and gives results as fast as it can; prints its port.

Of both batch APIs it knows what an upload and a download need, and no more.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

__all__: list[str] = []

_BLOCK = bytearray(1 << 20)
_RESULTS = Path(sys.argv[1])
_COUNTS = {"processing": 0, "errored": 0, "canceled": 0, "expired": 0, "succeeded": 1}
_ANTHROPIC = {
    "id": "msgbatch_0",
    "type": "message_batch",
    "processing_status": "in_progress",
    "request_counts": _COUNTS,
    "created_at": "2026-01-01T00:00:00Z",
    "expires_at": "2026-01-02T00:00:00Z",
    "ended_at": None,
    "results_url": None,
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Take a body and forget it."""
        left = int(self.headers["Content-Length"])
        while left:
            left -= self.rfile.readinto(memoryview(_BLOCK)[:left]) or left
        file = {"id": "file-0", "object": "file", "bytes": 0}
        self._send(_ANTHROPIC if "messages" in self.path else file)

    def do_GET(self) -> None:
        """Send the results, or what is to be known of their file."""
        size = _RESULTS.stat().st_size
        if not self.path.endswith(("/content", "/results")):
            self._send({"id": "file-0", "object": "file", "bytes": size})
            return
        self._head(size)
        with _RESULTS.open("rb") as file:
            sent = 0
            while sent < size:
                sent += os.sendfile(self.connection.fileno(), file.fileno(), sent, size)

    def _send(self, answer: dict[str, object]) -> None:
        data = json.dumps(answer).encode()
        self._head(len(data))
        self.wfile.write(data)

    def _head(self, size: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
