"""Digests of request lines: equal where only the `custom_id` differs."""

from __future__ import annotations

from hashlib import sha256

import orjson

from ..custom_id import id_in
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
        self._nonce = nonce
        self.seen = bytearray()
        """Digests of all lines that were shown to `see`, one behind the other."""

    def see(self, lines: bytes) -> None:
        """Note the digests of whole lines."""
        self.seen += b"".join(self.of(lines))

    def of(self, lines: bytes) -> list[bytes]:
        """Return a digest for each of some whole lines."""
        custom_id = id_in(lines, self._nonce)
        start = lines.index(custom_id)
        # What is before the ID, and the nonce, are the same in nearly all lines.
        head = lines[: start + len(self._nonce) + 1]
        rest = lines.split(b"\n" + head)
        rest[0] = rest[0].removeprefix(head)
        rest[-1] = rest[-1].removesuffix(b"\n")
        if len(rest) != lines.count(b"\n"):
            found = lines.splitlines(keepends=True)
            return [self.of(line)[0] for line in found]
        prefix = self._scope + lines[:start]
        end = len(custom_id) - len(self._nonce) - 1
        return [sha256(prefix + each[end:]).digest()[:DIGEST_BYTES] for each in rest]
