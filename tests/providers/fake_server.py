"""Acme's API: jobs in memory, each of which ends when it is looked at twice."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_hex
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass
class Job:
    """One job of an account."""

    account: str
    name: str
    requests: list[dict[str, Any]]
    fails: bool
    id: str = field(default_factory=lambda: f"job-{token_hex(4)}")
    state: str = "work"
    looks: int = 0

    def look(self) -> dict[str, Any]:
        """Return the job as it is, and let it go on."""
        self.looks += 1
        if self.looks > 1:
            self.end()
        return {"id": self.id, "name": self.name, "state": self.state}

    def end(self) -> None:
        """Let the job end, if it has not ended."""
        self.state = {"work": "done", "halt": "halted"}.get(self.state, self.state)

    def lines(self) -> str:
        """Return the result lines, in another order than the requests."""
        ok = {"ok": {"says": "Yes.", "used": [3, 1]}}
        results = [{"key": each["key"], **ok} for each in self.requests]
        if self.state == "halted":
            no = {"no": {"why": "halted"}}
            results = [{"key": each["key"], **no} for each in self.requests]
        elif self.fails:
            no = {"no": {"why": "busy", "again": True}}
            results[-1] = {"key": results[-1]["key"], **no}
        compact = {"separators": (",", ":")}
        return "".join(f"{json.dumps(each, **compact)}\n" for each in results[::-1])


class AcmeServer(ThreadingHTTPServer):
    """Serves Acme's API; a context manager."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.jobs: list[Job] = []
        self.fails_next = False
        self.loses_next: str | None = None
        self.refusal: int | None = None
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Stop."""
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, *_: Any) -> None:
        """Say nothing of clients that were killed."""

    def environment(self) -> dict[str, str]:
        """Return a new account."""
        url = f"http://127.0.0.1:{self.server_port}"
        return {"ACME_URL": url, "ACME_KEY": token_hex(4)}

    def settle(self) -> None:
        """Let all jobs end."""
        for job in self.jobs:
            job.end()

    def first_ids(self) -> list[str]:
        """Return the first key of each job."""
        return [job.requests[0]["key"] for job in self.jobs]

    def fail_request(self) -> None:
        """Let the last request of the next job fail."""
        self.fails_next = True

    def refuse_to_answer(self, status: int) -> None:
        """Refuse every request that is asked at once."""
        self.refusal = status

    def lose_answer(self, *, created: bool) -> None:
        """Let the next creation end without an answer."""
        self.loses_next = "after" if created else "before"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: AcmeServer

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "0.01")
        self.end_headers()
        self.wfile.write(body.encode())

    def _mine(self) -> list[Job]:
        account = self.headers["acme-key"]
        return [job for job in self.server.jobs[::-1] if job.account == account]

    def _job(self, act: str) -> str | None:
        for job in self._mine():
            if job.id == self.path.split("/")[2]:
                if act == "lines":
                    return job.lines()
                if act == "halt" and job.state == "work":
                    job.state = "halt"
                return json.dumps(job.look())
        return None

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        parts = url.path.split("/")
        if len(parts) > 2:
            body = self._job(parts[3] if len(parts) > 3 else "")
            missing = '{"error":{"message":"No such job","code":"unknown"}}'
            self._answer(200 if body else 404, body or missing)
            return
        query, jobs = parse_qs(url.query), self._mine()
        ids = [job.id for job in jobs]
        start = ids.index(query["after"][0]) + 1 if "after" in query else 0
        end = start + int(query["limit"][0])
        page = [job.look() for job in jobs[start:end]]
        self._answer(200, json.dumps({"data": page, "has_more": end < len(jobs)}))

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/halt"):
            body = self._job("halt")
            missing = '{"error":{"message":"No such job","code":"unknown"}}'
            self._answer(200 if body else 404, body or missing)
            return
        if self.path == "/ask":
            no = {"no": {"why": "bad", "again": False}, "error": {"message": "No."}}
            ok = {"ok": {"says": "Yes.", "used": [3, 1]}}
            status = self.server.refusal or 200
            self._answer(status, json.dumps(ok if status == 200 else no))
            return
        lost, self.server.loses_next = self.server.loses_next, None
        if lost != "before":
            fails, self.server.fails_next = self.server.fails_next, False
            requests = [json.loads(line) for line in data.splitlines()]
            account, name = self.headers["acme-key"], self.headers["acme-name"]
            job = Job(account, name, requests, fails)
            self.server.jobs.append(job)
        if lost:
            self.close_connection = True
            return
        self._answer(200, json.dumps(job.look()))
