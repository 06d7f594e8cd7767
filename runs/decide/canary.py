"""The first rows go alone; the rest is sent only if enough of them succeed."""

from __future__ import annotations

from ...data.job import BatchJob
from ...errors import CanaryError
from ..directory.records import CanaryCount
from ..directory.run import RunState

__all__ = ["is_canary_over", "is_canary_sent_again", "is_enough"]


def is_canary_over(state: RunState) -> bool:
    """Whether no request of the canary is on its way or still to be sent."""
    return all(shard.is_settled for shards in state.canary_rounds for shard in shards)


def is_enough(job: BatchJob, count: CanaryCount) -> bool:
    """Whether enough rows of the canary succeeded for the others to be sent."""
    return count.succeeded >= job.canary_success * count.rows


def is_canary_sent_again(
    state: RunState,
    job: BatchJob,
    count: CanaryCount | None,
    url: str,
    *,
    late: bool = False,
) -> bool:
    """Whether failed rows of the canary are sent again before it is judged.

    That is so if too few succeeded and some failed for a temporary reason, up to
    `max_rounds` times, and once more if it is `late`. `count` is None where there is
    nothing to judge.

    Raises:
        CanaryError: Too few of its rows succeeded; no other row was sent.
    """
    if count is None or is_enough(job, count):
        return False
    newest = state.canary_rounds[-1]
    if count.rounds < job.max_rounds + late and any(
        shard.last and shard.last.ended and shard.last.ended.again for shard in newest
    ):
        return True
    causes = "; ".join(f"{times} x {error}" for error, times in count.errors)
    raise CanaryError(
        f"Only {count.succeeded} of the first {count.rows} rows succeeded"
        f" ({job.canary_success:.0%} were asked for), so the rest was not sent:"
        f" {causes}. Correct the job and start a new run, or send the rest all the same"
        f" with `batchwright resume {url} --go-on`; `batchwright cancel --run-dir"
        f" {url}` and `resume` download what this one has."
    )
