"""Digests of request lines: equal where only the `custom_id` differs."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import orjson

from ..resolve import ResolvedJob

__all__ = ["DIGEST_BYTES", "LineDigests"]

DIGEST_BYTES = 16
"""Of a SHA-256; 128 bits are enough that no two requests share one by chance."""


class LineDigests:
    """Makes digests of the request lines of one run.

    They cover every byte of a line but its `custom_id`, and what a line need not say:
    the provider, its base URL, whether that is a sandbox, the endpoint and the model.
    """

    def __init__(self, job: ResolvedJob, nonce: str) -> None:
        template = job.template
        scope = [job.provider, job.base_url, job.synthetic]
        scope += [template.endpoint, template.model]
        self._scope = sha256(orjson.dumps(scope)).digest()
        self._mark = f'"{nonce}-'.encode()
        self._head = self._prefix = b""
        self._end = 0
        self.seen = bytearray()
        """Digests of all lines that were shown to `see`, one behind the other."""

    def see(self, lines: bytes) -> None:
        """Note the digests of whole lines."""
        self.seen += b"".join(self.of(lines.splitlines(keepends=True)))

    def of(self, lines: Sequence[bytes]) -> list[bytes]:
        """Return a digest for each line, its newline included."""
        if lines and not self._head:
            self._learn(lines[0])
        head, prefix, end = self._head, self._prefix, self._end
        found = [
            sha256(prefix + line[end:]).digest()[:DIGEST_BYTES]
            for line in lines
            if line.startswith(head) and line[end] == ord('"')
        ]
        return found if len(found) == len(lines) else [*map(self._one, lines)]

    def _one(self, line: bytes) -> bytes:
        start, end = self._place(line)
        hashed = self._scope + line[:start] + line[end:]
        return sha256(hashed).digest()[:DIGEST_BYTES]

    def _learn(self, line: bytes) -> None:
        """Note where the ID is in a line; it is there in nearly all of them."""
        start, self._end = self._place(line)
        self._head = line[: start + len(self._mark) - 1]
        self._prefix = self._scope + line[:start]

    def _place(self, line: bytes) -> tuple[int, int]:
        """Return where the `custom_id` begins and ends: no other text has the nonce."""
        start = line.index(self._mark) + 1
        return start, line.index(b'"', start)
