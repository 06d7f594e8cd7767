"""Download all that an ended batch holds, and record that it is on disk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ...data.files import size_and_digest
from ...errors import BatchwrightError, ResultsGoneError, UnknownBatchError
from ...models import Batch, BatchStatus, EventKind
from ...providers import Provider
from ...settings import get_settings
from ..directory.access import Known, checked_account
from ..directory.attempts import Attempt
from ..directory.reading import damaged
from ..directory.records import NO_CAPACITY, Absence, Ended, Verdict
from ..directory.run import Run
from ..directory.shard import Shard
from ..events import emit
from ..pause import patiently
from .keep import keep_results

__all__ = [
    "are_results_shown",
    "download_shard",
    "restored_results",
]

_LIMIT = re.compile(r"\bLimit: ([\d,]+) enqueued tokens")
_KINDS: dict[Verdict, EventKind] = {
    Verdict.DOWNLOADED: "downloaded",
    Verdict.PARKED: "parked",
    Verdict.FAILED: "ended",
}
_LOOKS = 3
_KEPT = timedelta(days=29)
"""After this, absent results are believed to be deleted: the vendors keep them for 29
(Anthropic) or 30 days (OpenAI) from the batch's creation."""


def download_shard(run: Run, path: str) -> None:
    """Download the results of the shard's batch, and close the attempt.

    Safe to repeat at any point: every file is replaced by the same one. A batch that
    still runs is left alone. Where the provider does not show the batch or its results,
    that is recorded, and only believed when it has stayed so for long.

    Files of results that are gone since are downloaded again.

    Raises:
        ScopeError: The key does not see the run's batches.
        ProviderError: The results cannot be had now; nothing is concluded.
    """
    shard = run.shard(path)
    attempt = shard.last
    if attempt is None or attempt.batch is None:
        return
    if attempt.ended is not None:
        for name in attempt.ended.digests:
            if not run.directory.exists(name):
                _download_again(run, shard, name)
        return
    with run.directory.scratch() as scratch:
        ended = _download(run, shard, attempt, attempt.batch, scratch / "output.jsonl")
    if ended is not None:
        shard.attempts.close(attempt, ended)
        emit(
            _KINDS.get(ended.verdict, "notice"),
            shard=path,
            batch_id=attempt.batch.id,
            done=ended.lines,
            text=ended.text or (ended.batch.provider_status if ended.batch else None),
        )


@contextmanager
def restored_results(run: Run, shard: Shard, name: str) -> Iterator[Path]:
    """Give a local path of results of the shard's newest attempt, as received.

    If the file `name` is missing or damaged, they are downloaded again.

    Raises:
        RunError: The provider no longer has them.
    """
    if not run.directory.exists(name) or _is_damaged(run, shard, name):
        _download_again(run, shard, name)
    with run.directory.local(name) as path:
        yield path


def _is_damaged(run: Run, shard: Shard, name: str) -> bool:
    """Whether it is not the file that the attempt's record describes.

    Records of version 0.1 have the number of lines alone.
    """
    ended = shard.last.ended if shard.last else None
    if ended is None:
        return False
    with run.directory.local(name) as path:
        if name in ended.digests:
            return ended.digests[name] != size_and_digest(str(path))[1]
        with path.open("rb") as lines:
            return name == shard.output_name and ended.lines != sum(1 for _ in lines)


def _download_again(run: Run, shard: Shard, name: str) -> None:
    attempt, provider = shard.last, run.provider()
    if attempt is None or attempt.batch is None:
        raise damaged(run.directory, name, "its batch is on no record")
    batch = attempt.batch
    emit(
        "notice",
        shard=shard.path,
        batch_id=batch.id,
        text=f"{name} is damaged or missing, and is downloaded again.",
    )
    with run.directory.scratch() as scratch:
        output = scratch / "output.jsonl"

        def fetch() -> None:
            provider.download(provider.retrieve(batch.id), output)

        try:
            patiently(fetch, f"The download of {batch.id}")
        except (UnknownBatchError, ResultsGoneError) as exc:
            raise damaged(run.directory, name, str(exc)) from exc
        run.directory.remove(shard.attempts.index_name(attempt))
        if (
            name
            not in keep_results(run, shard, attempt, output, scratch, batch).digests
        ):
            raise damaged(
                run.directory, name, "the provider's results have no such part"
            )


def _download(
    run: Run, shard: Shard, attempt: Attempt, batch: Batch, output: Path
) -> Ended | None:
    """Return how the attempt ended, its results on disk; None: it still runs."""
    provider = run.provider()

    def progress(done: int, total: int | None) -> None:
        emit("downloading", shard=shard.path, done=done, total=total)

    def fetch() -> None:
        nonlocal batch
        batch = provider.retrieve(batch.id)  # each try looks anew
        if batch.status is BatchStatus.ENDED:
            provider.download(batch, output, progress)

    try:
        patiently(fetch, f"The download of {batch.id}")
    except (UnknownBatchError, ResultsGoneError) as exc:
        if isinstance(exc, UnknownBatchError):
            _check_account(run, attempt, provider)
        gone = _absent(shard, attempt, batch, exc)
        has_part = gone is not None and output.exists() and output.stat().st_size
        return (
            keep_results(run, shard, attempt, output, output.parent, batch, gone)
            if has_part
            else gone
        )
    if batch.status is BatchStatus.FAILED:
        return _refused(run, batch)
    if not batch.status.is_final:
        return None
    return keep_results(run, shard, attempt, output, output.parent, batch)


def _refused(run: Run, batch: Batch) -> Ended:
    """Return how an attempt ended of which nothing ran."""
    parked = any(error.code == NO_CAPACITY for error in batch.errors)
    text = "; ".join(error.message for error in batch.errors[:3]) or "no reason given"
    limit = _LIMIT.search(text)
    return Ended(
        verdict=Verdict.PARKED if parked else Verdict.FAILED,
        batch=batch,
        at=datetime.now(UTC),
        in_flight=len(run.state().open_shards) - 1,
        token_limit=int(limit[1].replace(",", "")) if parked and limit else None,
        text=text,
    )


def are_results_shown(run: Run, attempt: Attempt) -> bool:
    """Whether the provider shows results of a batch that it did not show before."""
    is_kept = datetime.now(UTC) - attempt.created_at < _KEPT
    if attempt.batch is None or not is_kept:
        return False
    with run.directory.scratch() as scratch, suppress(BatchwrightError):
        batch = run.provider().retrieve(attempt.batch.id)
        run.provider().download(batch, scratch / "output.jsonl")
        return True
    return False


def _absent(
    shard: Shard, attempt: Attempt, batch: Batch, why: Exception
) -> Ended | None:
    """Note that the provider does not show the results; return the end once it is sure.

    They are known to exist, so the run looks for them for hours (`absence_seconds`), or
    for `settle_seconds` if they are older than the provider keeps results.
    """
    settings = get_settings()
    now = datetime.now(UTC)
    before = attempt.absence
    first_at, looks = (before.first_at, before.looks + 1) if before else (now, 1)
    is_old = batch.archived_at is not None or now - attempt.created_at > _KEPT
    seconds = settings.settle_seconds if is_old else settings.absence_seconds
    if looks >= _LOOKS and now - first_at >= timedelta(seconds=seconds):
        return Ended(
            verdict=Verdict.GONE, batch=batch, at=now, cost_usd=None, text=str(why)
        )
    if before is None:
        emit(
            "notice",
            shard=shard.path,
            batch_id=batch.id,
            text=f"{why} The run looks again later.",
        )
    pause = settings.settle_seconds / (_LOOKS - 1) * 2 ** max(0, looks - _LOOKS)
    pause = min(pause, max(settings.max_poll_seconds, settings.settle_seconds))
    absence = Absence(
        first_at=first_at,
        last_at=now,
        next_at=now + timedelta(seconds=pause),
        looks=looks,
        text=str(why),
    )
    shard.attempts.note_absence(attempt, absence)
    return None


def _check_account(run: Run, attempt: Attempt, provider: Provider) -> None:
    """Tell a batch that is gone from a key that may not see it."""
    shards = run.state().shards.values()
    own = {batch_id for each in shards for batch_id in each.attempts.own_batch_ids}
    known = Known(own - {attempt.batch and attempt.batch.id}, attempt.intent.account)
    patiently(lambda: checked_account(provider, known), "Looking at the account")
