"""Counts how the rows of a canary were answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...models import Outcome
from ..decide.canary import is_canary_over, is_enough
from ..directory.reading import read_record
from ..directory.records import CanaryCount
from ..directory.run import Run, RunState
from ..directory.shard import Shard
from ..response_model import answer_of
from .download import restored_results

__all__ = ["count_canary"]

_SHOWN = 3
_CHARACTERS = 200


def count_canary(run: Run, state: RunState) -> CanaryCount | None:
    """Return how many rows of the canary have a valid answer.

    It is counted once for each of its rounds. None: there is no canary, the run goes on
    without it, or it is not over.
    """
    job, name = state.job.job, state.own_name("canary.json")
    if job.canary is None or not state.first_shards or state.cancelled:
        return None
    if state.retry and len(state.first_shards) == 1:
        return None  # it keeps no other row back
    if state.own_name("go-on.json") in state.names or not is_canary_over(state):
        return None
    first, *rounds = state.canary_rounds
    if name in state.names:
        found = read_record(run.directory, name, CanaryCount)
        if found.rounds == len(rounds) or is_enough(job, found):
            return found
    found = _count(run, first[0], [shard for each in rounds for shard in each])
    found = found.model_copy(update={"rounds": len(rounds)})
    run.directory.write(name, found.model_dump_json().encode())
    return found


def _count(run: Run, first: Shard, again: Sequence[Shard]) -> CanaryCount:
    rows = first.plan.requests
    if first.verdict is None or not first.verdict.has_results:
        ended = first.last.ended if first.last else None
        text = (ended.text if ended else None) or "no results"
        return CanaryCount(rows=rows, succeeded=0, errors=((text, rows),))
    answer = answer_of(run)
    failed: dict[str | None, str] = {}
    valid: set[str | None] = set()
    for shard in (first, *again):
        if shard.verdict is None or not shard.verdict.has_results:
            continue
        results = restored_results(run, shard, shard.output_name)
        with results as path, path.open("rb") as lines:
            for line in lines:
                result = run.format.decode(line)
                # The end of the ID is the round.
                row = result.custom_id and result.custom_id.rpartition("-")[0]
                error = result.error or str(result.outcome)
                if result.outcome is Outcome.SUCCEEDED:
                    _, invalid = answer.validate([result], run.format)
                    if not invalid:
                        valid.add(row)
                        continue
                    error = invalid[0]
                failed[row] = error[:_CHARACTERS]
    errors = Counter(error for row, error in failed.items() if row not in valid)
    return CanaryCount(
        rows=rows, succeeded=len(valid), errors=tuple(errors.most_common(_SHOWN))
    )
