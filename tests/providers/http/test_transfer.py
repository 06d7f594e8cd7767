"""Bytes up and down: what is cut, what is kept, and how much memory it takes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.errors import DownloadCutError, UnreachableError
from batchwright.providers.http.download import ResultFile, save_results
from batchwright.providers.http.upload import RequestsBody

_LINE = b'{"custom_id":"row-%09d","request":{"model":"m"},"result":"' + b"x" * 2000
_LINE += b'"}\n'


def answer(*blocks: bytes) -> httpx2.Response:
    """Return an answer whose body comes in these blocks."""
    return httpx2.Response(200, stream=_Stream(blocks))


class _Stream(httpx2.SyncByteStream):
    def __init__(self, blocks: tuple[bytes, ...]) -> None:
        self._blocks = blocks

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._blocks)


_VALUES = st.dictionaries(st.text(max_size=3), st.text(max_size=9), max_size=3)


@given(
    st.lists(_VALUES, max_size=9),
    st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n \r\n"]),
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(0, 200), max_size=4),
)
def test_lines_survive_any_ends_marks_and_blocks(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[dict[str, str]],
    end: bytes,
    is_marked: bool,  # noqa: FBT001 - drawn by Hypothesis
    is_ended: bool,  # noqa: FBT001
    cuts: list[int],
) -> None:
    """However a file is cut into blocks and lines, each document is one line."""
    body = b"\xef\xbb\xbf" * is_marked
    body += end.join(json.dumps(v, ensure_ascii=False).encode() for v in values)
    body += end * is_ended
    edges = sorted({min(cut, len(body)) for cut in cuts} | {0, len(body)})
    blocks = [body[a:b] for a, b in pairwise(edges)]
    path = tmp_path_factory.mktemp("x") / "out"
    count = save_results(path, lambda out: out.add(answer(*blocks), name="It"), 0, "It")
    lines = path.read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line) for line in lines] == values
    assert count == len(values)


@given(st.integers(1, 60))
def test_cut_inside_a_line_is_seen_without_any_size(
    tmp_path_factory: pytest.TempPathFactory, keep: int
) -> None:
    """A body that ends inside a document is cut, even inside a character."""
    body = '{"a":"ü"}\n{"a":{"b":"😀"},"c":[1]}\n'.encode()[:keep]
    path = tmp_path_factory.mktemp("x") / "out"

    def save() -> int:
        return save_results(path, lambda out: out.add(answer(body), name="It"), 0, "It")

    tail = body.rpartition(b"\n")[2]
    if tail and not tail.endswith(b"]}"):
        if tail == b'{"a":"\xc3\xbc"}':
            assert save() == 1
            return
        with pytest.raises(DownloadCutError, match="inside a line"):
            save()
    else:
        assert save() == body.count(b"\n") + bool(tail)


@pytest.mark.parametrize(
    "tail",
    [
        b'{"a":"\x01"}',
        b'{"a":%s}' % (b"1" * 5000),
        b'{"a":"\\ud800\xff"}',
        b'{"a":%b"]"%b}' % (b"[" * 5000, b"]" * 5000),
    ],
)
def test_odd_last_line_is_no_cut(tmp_path: Path, tail: bytes) -> None:
    """A last line that is all there counts, however strange its content."""
    path = tmp_path / "out"
    save_results(path, lambda out: out.add(answer(tail), name="It"), 1, "It")
    assert path.read_bytes() == tail + b"\n"


def test_second_download_may_bring_what_the_first_left_out(tmp_path: Path) -> None:
    """Lines that were missing once are asked for again."""
    bodies = [b"{}\n", b"{}\n{}\n"]

    def fetch(out: ResultFile) -> None:
        out.add(answer(bodies.pop(0)), name="It")

    assert save_results(tmp_path / "out", fetch, 2, "It") == 2


def test_body_of_requests_can_be_sent_again(tmp_path: Path) -> None:
    """The body is the same each time, and as long as it says."""
    path = tmp_path / "r.jsonl"
    path.write_bytes(b'{"a":1}\n{"a":2}\n')
    body = RequestsBody(path, seconds=9)
    assert b"".join(body) == b"".join(body) == b'{"requests":[{"a":1},{"a":2}]}'
    assert body.length == len(b"".join(body))


def test_body_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    """Past its time the body breaks off, so nothing can come of it."""
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"{}\n")
    with pytest.raises(UnreachableError, match="BATCHWRIGHT_HTTP_TIMEOUT_SECONDS"):
        b"".join(RequestsBody(path, seconds=-1))


def test_a_line_may_be_longer_than_many_blocks(tmp_path: Path) -> None:
    """A line of 40 MB is one line, whole."""
    body = (b'{"a":"', *[b"x" * 65_536] * 640, b'"}\n')
    path = tmp_path / "out"
    written = save_results(path, lambda out: out.add(answer(*body), name="It"), 0, "It")
    assert written == 1
    assert path.read_bytes() == b"".join(body)


class _Loopback(BaseHTTPRequestHandler):
    """Takes uploads and creations of any size, and gives results of `LINES` lines."""

    protocol_version = "HTTP/1.1"
    LINES: ClassVar[int] = 0
    taken: ClassVar[dict[str, int]] = {}

    def do_POST(self) -> None:
        left = int(self.headers["content-length"])
        at = int(self.headers.get("x-goog-upload-offset", 0))
        self.taken[self.path] = at + left
        while left:
            left -= len(self.rfile.read(min(left, 1 << 20)))
        made = {"id": "file-1", "name": "batches/1", "file": {"name": "files/a"}}
        self._send(json.dumps(made).encode())

    def do_GET(self) -> None:
        size = self.LINES * len(_LINE % 0)
        if self.path.endswith("/files/out"):
            self._send(json.dumps({"id": "out", "bytes": size}).encode())
            return
        path, _, cursor = self.path.partition("?cursor=")
        if path == "/batches/b/results":  # OpenRouter's, in pages
            rows = range(int(cursor or 0), self.LINES)[:1000]
            page = b",".join(_LINE % row for row in rows)
            end = b"%d" % (rows[-1] + 1) if rows[-1] + 1 < self.LINES else b""
            self._send(b'{"data":[%b],"next_cursor":"%b"}' % (page, end))
            return
        self.send_response(200)
        self.send_header("content-length", str(size))
        self.end_headers()
        for row in range(self.LINES):
            self.wfile.write(_LINE % row)

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-goog-upload-url", f"http://{self.headers['host']}/parts")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


_CLIENT = """
import sys
from datetime import UTC, datetime
from pathlib import Path

from batchwright.models import Account, Batch, Intent
from batchwright.providers import get_provider


def memory(name):
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition(name + ":")[2].split()[0]) // 1024


name, url, folder = sys.argv[1:]
requests, results = Path(folder, "requests.jsonl"), Path(folder, "results.jsonl")
provider = get_provider(name, url, "key")
intent = Intent(
    token="t", claimed_at=datetime.now(UTC), requests=1, bytes=1, digest="",
    endpoint="/v1/chat/completions", account=Account(base_url=url),
)
batch = Batch(
    id="b", provider=name, status="ended", provider_status="ended",
    output_file_id="out", results_url=url,
)
small = requests.with_name("small.jsonl")
small.write_bytes(b'{"request":{"model":"m"}}\\n')
provider.create(small, intent)
before = memory("VmRSS")
provider.create(requests, intent)
lines = provider.download(batch, results)
print(lines, memory("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    ("megabytes", "most_megabytes"),
    [(60, 20), pytest.param(150, 40, marks=pytest.mark.long)],
)
@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "openrouter"])
def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, name: str, megabytes: int, most_megabytes: int
) -> None:
    """A large file goes up, and as large a one comes down, in a few megabytes."""
    lines = megabytes * 1_000_000 // len(_LINE % 0) + 1
    with (tmp_path / "requests.jsonl").open("wb") as file:
        file.writelines(_LINE % row for row in range(lines))
    handler = type("Handler", (_Loopback,), {"LINES": lines, "taken": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        script = [sys.executable, "-c", _CLIENT, name, url, str(tmp_path)]
        done = subprocess.run(
            script, capture_output=True, text=True, timeout=120, check=False
        )
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == 0, done.stderr
    downloaded, grown_megabytes = map(int, done.stdout.split())
    assert downloaded == lines
    assert max(handler.taken.values()) > megabytes * 1_000_000
    assert (tmp_path / "results.jsonl").read_bytes() == (
        tmp_path / "requests.jsonl"
    ).read_bytes()
    assert grown_megabytes <= most_megabytes
