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
        """Note the digests of whole lines of one round."""
        self.seen += b"".join(self.of(lines))

    def of(self, lines: bytes) -> list[bytes]:
        """Return a digest for each of some whole lines of one round."""
        custom_id = id_in(lines, self._nonce)
        start = lines.index(custom_id)
        before, skip = self._scope + lines[:start], start + len(custom_id)
        # Nearly all lines have the same bytes before their ID.
        head = lines[: start + len(self._nonce) + 1]
        view = memoryview(lines)
        digests = []
        at = 0
        while at < len(lines):
            if not lines.startswith(head, at):
                return [self.of(line)[0] for line in BytesIO(lines)]
            end = lines.index(b"\n", at)
            digest = sha256(view[at + skip : end])
            digest.update(before)
            digests.append(digest.digest()[:DIGEST_BYTES])
            at = end + 1
        return digests
