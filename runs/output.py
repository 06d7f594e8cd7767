"""From landed results to the output: a part per shard, then the table and report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from ..data import columns
from ..data.resolve import check_output
from ..data.results.block import Reading
from ..data.results.tally import ShardTally, combine
from ..data.tables.concat import concat_parts
from ..data.tables.formats import part_name
from ..data.tables.join import BatchOutput, ShardRows, write_part
from ..models import Outcome, RunReport
from .directory.records import Plan, Verdict
from .directory.run import Run, Unit
from .events import emit
from .report.markdown import markdown
from .report.report import report_on

__all__ = ["finish_run", "parse_shard"]

_UNKNOWN_ROWS = "the provider gave no line for it"


def parse_shard(run: Run, path: str) -> ShardTally:
    """Join one shard's rows with all their results, in input order.

    Raises:
        InputError: The response model no longer loads, or is another one; the
            results stay where they are.
    """
    plan = run.plan()
    unit = run.unit(path)
    shard = plan.shards[int(path.rpartition("/")[2])]
    override = run.directory.read("response-model")
    answer = run.job.answer(override.decode() if override else None)
    part = f"{path}/{part_name(run.job.job.output)}"
    with ExitStack() as stack:
        rows = stack.enter_context(run.directory.local(f"{path}/{shard.rows_name}"))
        results = [
            BatchOutput(stack.enter_context(run.directory.local(name)), batch_id)
            for name, batch_id in _result_files(run, unit)
        ]
        scratch = stack.enter_context(run.directory.scratch())
        # The suffix says how it is written, so the temporary name keeps it.
        temporary = scratch / PurePosixPath(part).name
        tally = write_part(
            ShardRows(
                path=rows,
                nonce=plan.nonce,
                first_row=shard.first_row,
                count=shard.requests,
                absent=_Absent(unit, shard.first_row).verdict,
                columns=columns.merge(each.columns for each in plan.shards),
            ),
            results,
            temporary,
            Reading(answer, run.format, run.job.template.model),
            prefix=run.job.job.answer_prefix or "",
            progress=lambda done: emit(
                "writing", unit=path, done=done, total=shard.requests
            ),
        )
        run.directory.adopt(temporary, part)
    run.directory.write(f"{path}/tally.json", tally.model_dump_json(indent=1).encode())
    return tally


def finish_run(run: Run) -> RunReport:
    """Put the parts together as the output, then write the report and the mark.

    Raises:
        InputError: The output cannot be written, or somebody else's stands there.
    """
    state = run.state()
    plan = run.plan()
    if "writing.json" not in state.names:
        check_output(run.job.job)
        run.directory.write("writing.json", b"{}")
    concat_parts(_parts(run, plan), run.job.job.output)
    tally = combine(_tallies(run, plan))
    report = report_on(run, state, tally, ended_at=datetime.now(UTC))
    directory = run.directory
    directory.write("report.md", markdown(report).encode())
    directory.write("report.json", report.model_dump_json(indent=1).encode())
    directory.write("done.json", b"{}")
    emit("finished", text=report.output)
    return report


def _parts(run: Run, plan: Plan) -> Iterator[Path]:
    name = part_name(run.job.job.output)
    for shard in plan.shards:
        with run.directory.local(f"{shard.path}/{name}") as path:
            yield path


def _tallies(run: Run, plan: Plan) -> Iterator[ShardTally]:
    for shard in plan.shards:
        data = run.directory.read(f"{shard.path}/tally.json") or b""
        yield ShardTally.model_validate_json(data)


def _result_files(run: Run, shard: Unit) -> Iterator[tuple[str, str]]:
    """Yield name and batch of the files that hold results of this shard's rows.

    Looks at the shard alone, first round first: a run may have thousands of shards.
    """
    for number, batch_id in _landed(shard).items():
        yield f"{shard.path}/attempts/{number:03}.output.jsonl", batch_id
    folder = f"{shard.path}/results"
    for name in sorted(run.directory.at(folder).names(), key=_in_order):
        unit, number = _sender(name)
        sent = _landed(run.unit(unit)).get(number)
        if sent is not None:
            yield f"{folder}/{name}", sent


def _landed(unit: Unit) -> dict[int, str]:
    """Return number and batch of the attempts whose results are on disk."""
    return {
        attempt.number: attempt.batch.id
        for attempt in unit.attempts.all
        if attempt.batch and attempt.ended and attempt.ended.verdict is Verdict.LANDED
    }


def _sender(name: str) -> tuple[str, int]:
    """Return unit and attempt that a dealt file `rounds-N-UNIT-ATTEMPT.jsonl` is of."""
    unit, _, number = name.removesuffix(".jsonl").rpartition("-")
    return unit.replace("-", "/"), int(number)


def _in_order(name: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", name)]


class _Absent:
    """Says what became of the rows for which there is no line."""

    def __init__(self, unit: Unit, first_row: int) -> None:
        self._first_row = first_row
        self._by_row: dict[int, str] = {}
        ended = unit.last.ended if unit.last else None
        if ended is None or not unit.is_settled:
            self._outcome, self._error = Outcome.CANCELLED, "the run was cancelled"
        elif ended.verdict is Verdict.LANDED:
            self._outcome, self._error = Outcome.MISSING, _UNKNOWN_ROWS
        elif ended.verdict is Verdict.GONE:
            self._outcome, self._error = Outcome.MISSING, ended.text or "gone"
        else:
            self._outcome = Outcome.ERRORED
            self._error = f"the batch was refused: {ended.text}"
            self._by_row = _line_errors(unit)

    def verdict(self, row: int) -> tuple[Outcome, str]:
        """Return outcome and error of a 0-based row of the input."""
        error = self._by_row.get(row - self._first_row, self._error)
        return self._outcome, error


def _line_errors(unit: Unit) -> dict[int, str]:
    """Return the provider's words for the lines that it named, from 0."""
    batch = unit.last.ended.batch if unit.last and unit.last.ended else None
    return {
        error.line - 1: f"{error.message} [{error.code}]"
        for error in (batch.errors if batch else ())
        if error.line
    }
