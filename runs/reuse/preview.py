"""What `reuse` would save, found out before a run."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import compress
from operator import not_
from typing import Any

from ...data.requests.generate import batch_limits
from ...data.resolve import ResolvedJob
from ...data.results.block import Reading
from ...data.results.tally import UNITS
from ...data.reuse.digests import LineDigests
from ...data.reuse.wanted import Wanted
from ...providers import Format
from ...settings import get_settings
from ..directory.catalog import root_of
from ..directory.storage import Directory
from .answers import take_answers
from .sources import sources_under

__all__ = ["Preview"]


class Preview:
    """The requests of a job, and which of them would be sent."""

    def __init__(self, job: ResolvedJob, fmt: Format, nonce: str) -> None:
        """Begin before the requests are made; `nonce` begins their `custom_id`s."""
        self._job = job
        self._format = fmt
        self._digests = LineDigests(job, nonce)
        self._sizes = array("I")
        self._unsent = bytearray()

    def see(self, lines: bytes) -> None:
        """Note the requests of the next rows."""
        self._digests.see(lines)
        self._sizes.extend(map(len, lines.splitlines(keepends=True)))

    def find(self, run_dir: str | None) -> dict[str, Any]:
        """Look for answers in the runs beside a directory; return what is found.

        None means those in `BATCHWRIGHT_RUNS_DIR`.
        """
        job = self._job
        reading = Reading(job.answer(), self._format, job.template.known_model)
        wanted = Wanted(self._digests.seen)
        root = root_of(Directory(run_dir)) if run_dir else get_settings().runs_dir
        taken = take_answers(wanted, sources_under(root), reading)
        costs = [each.cost for each in taken]
        self._unsent = wanted.unsent()
        known = [cost for cost in costs if cost is not None]
        return {
            "answered": len(costs),
            "shared": len(wanted.followers),
            "saved_usd": sum(known) / UNITS if len(known) == len(costs) else None,
        }

    def batches(self) -> Iterator[tuple[int, int]]:
        """Yield requests and bytes of each batch that would be sent."""
        limits = batch_limits(self._job.job, self._format)
        canary = self._job.job.canary
        requests = size = 0
        is_sent = map(not_, self._unsent)
        for sent, more in enumerate(compress(self._sizes, is_sent)):
            if requests and (
                sent == canary
                or requests == limits.max_requests
                or size + more > limits.max_bytes
            ):
                yield requests, size
                requests = size = 0
            requests += 1
            size += more
        if requests:
            yield requests, size
