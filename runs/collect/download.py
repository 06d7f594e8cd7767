"""Download all that an ended batch holds, and record that it is on disk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ...data.files import size_and_digest
from ...errors import ResultsGoneError, UnknownBatchError
from ...models import Batch, BatchStatus, EventKind
from ...providers import Provider
from ..directory.access import Known, checked_account
from ..directory.attempts import Attempt
from ..directory.reading import damaged
from ..directory.records import Ended, Verdict
from ..directory.run import Run, Shard
from ..events import emit
from ..pause import patiently
from .scan import scan_results

__all__ = ["download_shard", "restored_results"]

_NO_CAPACITY = "token_limit_exceeded"
_LIMIT = re.compile(r"\bLimit: ([\d,]+) enqueued tokens")
_KINDS: dict[Verdict, EventKind] = {
    Verdict.DOWNLOADED: "downloaded",
    Verdict.PARKED: "parked",
    Verdict.FAILED: "ended",
}


def download_shard(run: Run, path: str) -> None:
    """Download the results of the shard's batch, and close the attempt.

    Safe to repeat at any point: every file is replaced by the same one. A batch that
    still runs is left alone.

    Raises:
        ScopeError: The key does not see the run's batches.
        ProviderError: The results cannot be had now; nothing is concluded.
    """
    shard = run.shard(path)
    attempt = shard.last
    if attempt is None or attempt.batch is None or attempt.ended is not None:
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
        text=f"{name} is damaged, and is downloaded again.",
    )
    with run.directory.scratch() as scratch:
        output = scratch / "output.jsonl"

        def fetch() -> None:
            provider.download(provider.retrieve(batch.id), output)

        try:
            patiently(fetch, f"The download of {batch.id}")
        except (UnknownBatchError, ResultsGoneError) as exc:
            raise damaged(run.directory, name, str(exc)) from exc
        _keep(run, shard, attempt, batch, output)


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
    except UnknownBatchError as exc:
        _check_account(run, attempt, provider)
        return _gone(batch, exc)
    except ResultsGoneError as exc:
        return _gone(batch, exc)
    if batch.status is BatchStatus.FAILED:
        return _refused(run, batch)
    if not batch.status.is_final:
        return None
    return _keep(run, shard, attempt, batch, output)


def _keep(
    run: Run, shard: Shard, attempt: Attempt, batch: Batch, output: Path
) -> Ended:
    """Check the results, and move them to where they are read from.

    The results of a further round are sorted by the shards that their rows are in.
    """
    plan = run.plan()
    scan = scan_results(
        output,
        run.format,
        plan,
        model=run.job.template.model,
        shard=shard.plan,
        sort_into=output.parent if shard.path.startswith("rounds/") else None,
    )
    now = datetime.now(UTC)
    provisional = attempt.batch and attempt.batch.provisional
    if provisional and scan.lines and not scan.ours:
        text = f"The results of {batch.id} answer other requests than ours."
        return Ended(verdict=Verdict.NOT_OURS, at=now, text=text)
    name = f"{shard.path.replace('/', '-')}-{attempt.number:03}.jsonl"
    files = {
        f"{plan.shards[index].path}/results/{name}": file
        for index, file in scan.by_shard.items()
    }
    files[shard.output_name] = output
    digests = {each: size_and_digest(str(file))[1] for each, file in files.items()}
    for each, file in files.items():
        run.directory.adopt(file, each)
    return Ended(
        verdict=Verdict.DOWNLOADED,
        batch=batch,
        at=now,
        lines=scan.lines,
        again=scan.again,
        outcomes=dict(scan.outcomes),
        input_tokens=scan.input_tokens,
        output_tokens=scan.output_tokens,
        cost_usd=scan.cost_usd,
        digests=digests,
    )


def _refused(run: Run, batch: Batch) -> Ended:
    """Return how an attempt ended of which nothing ran."""
    parked = any(error.code == _NO_CAPACITY for error in batch.errors)
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


def _gone(batch: Batch, why: Exception) -> Ended:
    return Ended(
        verdict=Verdict.GONE,
        batch=batch,
        at=datetime.now(UTC),
        cost_usd=None,
        text=str(why),
    )


def _check_account(run: Run, attempt: Attempt, provider: Provider) -> None:
    """Tell a batch that is gone from a key that may not see it."""
    shards = run.state().shards.values()
    own = {batch_id for each in shards for batch_id in each.attempts.own_batch_ids}
    known = Known(own - {attempt.batch and attempt.batch.id}, attempt.intent.account)
    patiently(lambda: checked_account(provider, known), "Looking at the account")
