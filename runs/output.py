"""From downloaded results to the output: a part per shard, then table and report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from ..data import observed
from ..data.resolve import check_output
from ..data.results.block import Reading
from ..data.results.row_ids import RowIds
from ..data.results.tally import ShardTally, combine
from ..data.tables.concat import concat_parts
from ..data.tables.formats import part_name
from ..data.tables.join import BatchOutput, ShardRows, write_part
from ..errors import BatchwrightError, InputError
from ..models import Outcome
from .collect.download import restored_results
from .directory.reading import read_record
from .directory.records import Plan, Verdict
from .directory.result_files import result_files
from .directory.run import Run, Shard
from .events import emit
from .report.markdown import markdown
from .report.page import PAGE, write_page
from .report.report import report_on
from .response_model import answer_of

__all__ = ["parse_shard", "write_output"]

_PAGE_BYTES = 16 << 20
"""Of requests; the page of more would take more than a part of a second."""


def parse_shard(run: Run, path: str) -> None:
    """Join one shard's rows with all their results, in input order.

    Raises:
        InputError: The response model no longer loads, or is another one; the
            results stay where they are.
    """
    plan = run.plan()
    shard = run.shard(path)
    shard_plan = plan.shards[int(path.rpartition("/")[2])]
    answer = answer_of(run)
    part = f"{path}/{part_name(run.job.job.output)}"
    with ExitStack() as stack:
        name = f"{path}/{shard_plan.rows_name}"
        rows = run.as_made(name, shard_plan.rows_digest)
        # The suffix says which format is written, so the temporary name keeps it.
        scratch = stack.enter_context(run.directory.scratch())
        temporary = scratch / PurePosixPath(part).name
        tally = write_part(
            ShardRows(
                path=stack.enter_context(rows),
                ids=RowIds(plan.nonce, shard_plan.first_row, shard_plan.requests),
                first_row=shard_plan.first_row,
                count=shard_plan.requests,
                absent=_Absent(shard, shard_plan.first_row).verdict,
                columns=observed.merge(each.columns for each in plan.shards),
            ),
            [
                BatchOutput(
                    stack.enter_context(restored_results(run, sender, name)), batch_id
                )
                for sender, name, batch_id in result_files(run, shard)
            ],
            temporary,
            Reading(answer, run.format, run.job.template.known_model),
            prefix=run.job.job.answer_prefix or "",
            progress=lambda done: emit(
                "writing", shard=path, done=done, total=shard_plan.requests
            ),
        )
        run.directory.adopt(temporary, part)
    run.directory.write(f"{path}/tally.json", tally.model_dump_json(indent=1).encode())


def write_output(run: Run) -> None:
    """Write the output from its parts, then the report, then the mark of the end.

    Raises:
        InputError: The output cannot be written, or is another job's file.
    """
    state = run.state()
    plan = run.plan()
    directory = run.directory
    if "writing.json" not in state.names:
        _refuse_another(run)
        directory.write("writing.json", b"{}")
    concat_parts(_parts(run, plan), run.job.job.output)
    tally = combine(
        read_record(directory, f"{each.path}/tally.json", ShardTally)
        for each in plan.shards
    )
    report = report_on(run, state, tally, ended_at=datetime.now(UTC))
    directory.write("report.md", markdown(report).encode())
    directory.write("report.json", report.model_dump_json(indent=1).encode())
    directory.write("done.json", b"{}")
    if sum(shard.bytes for shard in plan.shards) <= _PAGE_BYTES:
        _write_page(run)
    emit("finished", text=report.output)


def _write_page(run: Run) -> None:
    """Write the report as a page; the run is done, whether that succeeds or not."""
    try:
        write_page(run)
    except (BatchwrightError, OSError) as exc:
        text = f"{PAGE} of {run.directory.url} was not written: {exc}"
        emit("notice", text=text)


def _refuse_another(run: Run) -> None:
    """Refuse to replace a file that this run did not write."""
    try:
        check_output(run.job.job)
    except InputError as exc:
        raise InputError(
            f"{run.job.job.output} exists, and this run has not written it. Move it"
            f" away; then `batchwright resume {run.directory.url}` writes the table."
        ) from exc


def _parts(run: Run, plan: Plan) -> Iterator[Path]:
    name = part_name(run.job.job.output)
    for shard in plan.shards:
        with run.directory.local(f"{shard.path}/{name}") as path:
            yield path


class _Absent:
    """Says what became of the rows for which there is no line."""

    def __init__(self, shard: Shard, first_row: int) -> None:
        self._first_row = first_row
        self._by_row: dict[int, str] = {}
        self._outcome = Outcome.MISSING
        ended = shard.last.ended if shard.last else None
        if ended is None or not shard.is_settled:
            self._outcome, self._error = Outcome.CANCELLED, "the run was cancelled"
        elif ended.verdict is Verdict.DOWNLOADED:
            self._error = "the provider gave no line for it"
        elif ended.verdict.has_lost_results:
            self._error = ended.text or "gone"
        else:
            self._outcome = Outcome.ERRORED
            self._error = f"the batch was refused: {ended.text}"
            self._by_row = {
                error.line - 1: f"{error.message} [{error.code}]"
                for error in (ended.batch.errors if ended.batch else ())
                if error.line
            }

    def verdict(self, row: int) -> tuple[Outcome, str]:
        """Return outcome and error of a 0-based row of the input."""
        error = self._by_row.get(row - self._first_row, self._error)
        return self._outcome, error
