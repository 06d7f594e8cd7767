"""Keep the results of an attempt where they are read from, and count them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ...data.files import size_and_digest
from ...models import Batch
from ..directory.attempts import Attempt
from ..directory.deadline import is_late
from ..directory.records import Ended, Verdict
from ..directory.run import Run
from ..directory.shard import Shard
from .scan import LinesOfOthers, scan_results

__all__ = ["keep_results"]


def keep_results(
    run: Run,
    shard: Shard,
    attempt: Attempt,
    output: Path,
    scratch: Path,
    batch: Batch | None = None,
    gone: Ended | None = None,
) -> Ended:
    """Check the results, and move them to where they are read from.

    Results for rows of other shards are copied to these, through `scratch`. Without
    `batch` they were asked for in realtime, and `output` is where they belong. `gone`
    says that others are lost; what they were is not known.
    """
    plan, is_cut = run.plan(), is_late(run)
    with LinesOfOthers(shard.plan, plan, run.shared, scratch) as others:
        scan = scan_results(
            output,
            run.format,
            plan,
            model=run.job_at(shard.plan.round).template.known_model,
            shard=shard.plan,
            others=others if shard.plan.is_dealt_out else None,
            realtime=batch is None,
            is_cut=is_cut,
        )
    now = datetime.now(UTC)
    # What has no line may have been answered, and billed, unless the counts of a batch
    # that was cut off say that nothing else ran.
    is_known = (
        not scan.missing
        or batch is None
        or (
            is_cut
            and batch.counts.total is not None
            and batch.counts.done <= scan.lines
        )
    )
    provisional = attempt.batch and attempt.batch.provisional
    if batch and provisional and scan.lines and not scan.ours:
        return Ended.as_not_ours(batch.id)
    name = f"{shard.path.replace('/', '-')}-{attempt.number:03}.jsonl"
    files = {
        f"{plan.shards[index].path}/results/{name}": file
        for index, file in others.files.items()
    }
    files[shard.output_name] = output
    digests = {each: size_and_digest(str(file))[1] for each, file in files.items()}
    for each, file in files.items():
        run.directory.adopt(file, each)
    return Ended(
        verdict=Verdict.PARTLY_GONE if gone else Verdict.DOWNLOADED,
        batch=batch,
        at=now,
        lines=scan.lines,
        again=scan.again + (0 if gone else scan.missing),
        outcomes=dict(scan.outcomes),
        input_tokens=scan.input_tokens,
        output_tokens=scan.output_tokens,
        cost_usd=scan.cost_usd if is_known and not gone else None,
        text=gone.text if gone else None,
        digests=digests,
        cut=is_cut,
    )
