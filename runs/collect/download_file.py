"""Download the results of one batch to a file, at once or when it is over."""

from __future__ import annotations

from pathlib import Path

from ...data.files import new_output
from ...errors import (
    BatchFailedError,
    BatchNotEndedError,
    InputError,
    ResultsGoneError,
)
from ...models import Batch, BatchStatus
from ...providers import Progress, Provider
from .wait import wait_for_batch

__all__ = ["download_file"]

_SHOWN = 20


def download_file(
    provider: Provider,
    batch_id: str,
    path: Path,
    *,
    wait: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write output and error lines of a batch to `path`; return how many.

    A file of that name is replaced when all of it has arrived, and not before. With
    `wait`, a batch that still runs is waited for.

    Raises:
        BatchNotEndedError: It still runs; the text says how far it is.
        BatchFailedError: Its input was refused; the text lists the reasons.
        ResultsGoneError: The provider does not show all results; what it shows is in
            the file.
        InputError: The file cannot be written.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file.")
    batch = provider.retrieve(batch_id)  # a wrong key or host is reported at once
    if wait and not batch.status.is_final:
        batch = wait_for_batch(provider, batch_id)
    if batch.status is BatchStatus.FAILED:
        raise BatchFailedError(_why_refused(batch))
    if not batch.status.is_final:
        total = batch.counts.total
        of = f"{batch.counts.done:,} of {total:,} requests done" if total else "running"
        raise BatchNotEndedError(
            f"Batch {batch_id} is {batch.provider_status} ({of}); ask again later, or"
            " add --wait."
        )
    gone: ResultsGoneError | None = None
    with new_output(str(path)) as temporary:
        try:
            lines = provider.download(batch, temporary, progress)
        except ResultsGoneError as exc:
            if not temporary.stat().st_size:
                raise
            gone = exc
    if gone is not None:
        raise ResultsGoneError(f"{gone} What else it has is in {path}.", gone.status)
    return lines


def _why_refused(batch: Batch) -> str:
    lines = [f"Batch {batch.id} was refused, so nothing ran and nothing was billed:"]
    for error in batch.errors[:_SHOWN]:
        where = f"line {error.line}: " if error.line else ""
        code = f" [{error.code}]" if error.code else ""
        lines.append(f"  {where}{error.message}{code}")
    more = len(batch.errors) - _SHOWN
    if more > 0:
        lines.append(f"  and {more:,} more")
    return "\n".join(lines)
