"""Digests of request lines: equal where only the `custom_id` differs."""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO

import orjson

from ..custom_id import id_in
from ..resolve import ResolvedJob

__all__ = ["DIGEST_BYTES", "LineDigests"]

DIGEST_BYTES = 16
"""Of a SHA-256; 128 bits are enough that no two requests share one by chance."""

_MARK = b"]"
"""The end of the messages in most lines, where no text has one. What follows, such as a
schema, is the same in all of them, so it has a digest of its own that is made once."""


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
        self._nonce = nonce
        self.seen = bytearray()
        """Digests of all lines that were shown to `see`, one behind the other."""

    def see(self, lines: bytes, rows: int) -> None:
        """Note the digests of whole lines of one round, of so many rows."""
        self.seen += b"".join(self.of(lines, rows))

    def of(self, lines: bytes, rows: int) -> list[bytes]:
        """Return a digest for each of some whole lines of one round.

        Where a line ends as the one before it, its end need not be looked for.
        """
        custom_id = id_in(lines, self._nonce)
        start = lines.index(custom_id)
        before, skip = self._scope + lines[:start], start + len(custom_id)
        head = lines[: start + len(self._nonce) + 1]
        tail = tail_and_head = before_text = b""
        view = memoryview(lines)
        digests = []
        at = 0
        while at < len(lines):
            if tail and lines.startswith(tail_and_head, cut := lines.find(_MARK, at)):
                text = before_text + view[at + skip : cut]
                digests.append(sha256(text).digest()[:DIGEST_BYTES])
                at = cut + len(tail)
                continue
            end = lines.index(b"\n", at) + 1
            if not lines.startswith(head, at):
                break
            digests.append(_digest(before, lines[at + skip : end]))
            cut = lines.find(_MARK, at + skip, end)
            is_usual = cut >= 0 and lines.startswith(head, end)
            tail = lines[cut:end] if is_usual else b""
            tail_and_head = tail + head
            before_text = before + sha256(tail).digest()
            at = end
        if len(digests) == rows:
            return digests
        # Lines begin in several ways, or one without the mark was taken for two.
        return [*map(self._of_line, BytesIO(lines))]

    def _of_line(self, line: bytes) -> bytes:
        before, _, after = line.partition(id_in(line, self._nonce))
        return _digest(self._scope + before, after)


def _digest(before: bytes, after: bytes) -> bytes:
    text, mark, rest = after.partition(_MARK)
    tail = sha256(mark + rest).digest() if mark else b""
    return sha256(before + tail + text).digest()[:DIGEST_BYTES]
