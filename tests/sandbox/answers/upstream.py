"""A small chat API in a process of its own, standing in for a local model's server."""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

lock = threading.Lock()
now = most = 0
barrier = threading.Barrier(2)


class Handler(BaseHTTPRequestHandler):
    """Echoes the last message; some words in it ask for trouble."""

    def do_POST(self) -> None:
        """Answer one chat request."""
        global now, most  # noqa: PLW0603 - a counter over all threads
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with lock:
            now += 1
            most = max(most, now)
        try:
            self.answer(body)
        finally:
            with lock:
                now -= 1

    def answer(self, body: dict[str, Any]) -> None:
        """Send what the message asks for."""
        text = body["messages"][-1]["content"]
        if "fail" in text:
            self.reply(429, {"error": {"message": "slow down"}})
        elif "html" in text:
            self.reply(500, None)
        elif "drop" in text:
            self.close_connection = True
        else:
            if "together" in text:
                barrier.wait(30)
            said = text
            if form := body.get("response_format"):
                said = json.dumps({"asked": sorted(form["json_schema"]["schema"])})
            message = {"role": "assistant", "content": f"{body['model']}: {said}"}
            if form:
                message["content"] = said
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            usage = {"prompt_tokens": 11, "completion_tokens": most}
            self.reply(200, {"choices": [choice], "usage": usage})

    def reply(self, status: int, content: Any) -> None:
        """Send one answer."""
        body = json.dumps(content).encode() if content else b"<html>"
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)  # noqa: T201 - the parent reads it
    server.serve_forever()
    sys.exit(0)
