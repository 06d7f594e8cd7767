"""The first rows go alone; the rest is sent only if enough of them succeed."""

from __future__ import annotations

from collections import Counter

from pydantic import BaseModel

from ...errors import CanaryError
from ...models import Outcome
from ..collect.download import restored_results
from ..directory.reading import read_record
from ..directory.run import Run, RunState, Shard

__all__ = ["check_canary"]

_SHOWN = 3


def check_canary(run: Run, state: RunState) -> None:
    """Stop the run when too few of its first rows succeeded.

    Raises:
        CanaryError: With the errors grouped and counted; nothing more was sent.
    """
    job = run.job.job
    if job.canary is None or state.plan is None or state.cancelled:
        return
    shard = state.shards[state.plan.shards[0].path]
    if not shard.is_settled:
        return
    if "canary.json" in state.names:
        found = read_record(run.directory, "canary.json", _Counted)
    else:
        found = _count(run, shard)
        run.directory.write("canary.json", found.model_dump_json().encode())
    if found.succeeded < job.canary_success * found.rows:
        causes = "; ".join(f"{count} x {error}" for error, count in found.errors)
        raise CanaryError(
            f"Only {found.succeeded} of the first {found.rows} rows succeeded"
            f" ({job.canary_success:.0%} were asked for), so the rest was not sent:"
            f" {causes}. Correct the job and start a new run; `batchwright cancel"
            f" --run-dir {run.directory.url}` and `resume` download what this one has."
        )


class _Counted(BaseModel):
    """`canary.json`: how the first shard's rows were answered."""

    rows: int
    succeeded: int
    errors: list[tuple[str, int]]


def _count(run: Run, shard: Shard) -> _Counted:
    """Return how many rows have a valid answer, and why the others have none."""
    if shard.verdict is None or not shard.verdict.has_results:
        ended = shard.last.ended if shard.last else None
        text = (ended.text if ended else None) or "no results"
        rows = shard.plan.requests
        return _Counted(rows=rows, succeeded=0, errors=[(text, rows)])
    answer = run.job.answer()
    errors: Counter[str] = Counter()
    valid: set[str | None] = set()
    results = restored_results(run, shard, shard.output_name)
    with results as path, path.open("rb") as lines:
        for line in lines:
            result = run.format.decode(line)
            error = result.error or str(result.outcome)
            if result.outcome is Outcome.SUCCEEDED:
                _, invalid = answer.validate([result], run.format)
                if not invalid:
                    valid.add(result.custom_id)
                    continue
                error = invalid[0]
            errors[error[:200]] += 1
    return _Counted(
        rows=shard.plan.requests,
        succeeded=len(valid),
        errors=errors.most_common(_SHOWN),
    )
