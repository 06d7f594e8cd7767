"""From downloaded results to the output: a part per shard, then table and report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from ..data import observed
from ..data.resolve import check_output
from ..data.results.block import Reading
from ..data.results.row_ids import Ids, RowIds, SharedIds
from ..data.results.tally import ShardTally, combine
from ..data.tables.concat import concat_parts
from ..data.tables.formats import part_name
from ..data.tables.join import BatchOutput, ShardRows, write_part
from ..errors import BatchwrightError, InputError
from ..models import Outcome
from .collect.download import restored_results
from .directory.reading import read_record
from .directory.records import TAKEN, InputShardPlan, Plan, Verdict
from .directory.result_files import result_files
from .directory.run import Run, Shard
from .events import emit
from .report.markdown import markdown
from .report.page import PAGE, write_page
from .report.report import report_on
from .response_model import answer_of
from .rounds import rows_of_requests

__all__ = ["parse_shard", "write_output"]

_PAGE_BYTES, _PAGE_ROWS = 16 << 20, 50_000
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
    sharing = _Sharing(run, shard_plan)
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
                ids=sharing.ids(plan.nonce),
                leaders=sharing.leaders if run.job.job.reuse else None,
                first_row=shard_plan.first_row,
                count=shard_plan.rows,
                absent=_Absent(run, sharing).verdict,
                columns=observed.merge(each.columns for each in plan.shards),
            ),
            [
                *_taken_over(run, shard_plan, stack),
                *(
                    BatchOutput(
                        stack.enter_context(restored_results(run, sender, name)),
                        batch_id,
                    )
                    for sender, name, batch_id in result_files(run, shard)
                ),
            ],
            temporary,
            Reading(answer, run.format, run.job.template.known_model),
            prefix=run.job.job.answer_prefix or "",
            progress=lambda done: emit(
                "writing", shard=path, done=done, total=shard_plan.rows
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
    size = sum(shard.bytes for shard in plan.shards)
    if size <= _PAGE_BYTES and plan.rows <= _PAGE_ROWS:
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


def _taken_over(
    run: Run, shard: InputShardPlan, stack: ExitStack
) -> Iterator[BatchOutput]:
    """Yield the answers to the shard's rows that were taken over from other runs."""
    if shard.taken_digest is not None:
        path = run.as_made(f"{shard.path}/{TAKEN}", shard.taken_digest)
        yield BatchOutput(stack.enter_context(path), None, reused=True)


class _Sharing:
    """The rows of a shard that take the result of another row."""

    def __init__(self, run: Run, shard: InputShardPlan) -> None:
        self._shard = shard
        self._leaders = run.shared.leaders(shard.first_row, shard.rows)
        first, self.leaders = shard.first_row, dict[int, int]()
        self._stand_ins: dict[int, int] = {}
        for row, leader in sorted(self._leaders.items()):
            here = leader - first
            if here < 0:  # a row of an earlier shard
                here = self._stand_ins.setdefault(leader, row - first)
            self.leaders[row - first] = here

    def ids(self, nonce: str) -> Ids:
        """Return how rows of the shard are found."""
        first, rows = self._shard.first_row, self._shard.rows
        if not self._shard.is_dealt_out:
            return RowIds(nonce, first, rows)
        return SharedIds(nonce, first, rows, self._stand_ins)

    def sent_as(self, row: int) -> int:
        """Return the row whose request was sent for a row of the shard."""
        return self._leaders.get(row, row)


class _Absent:
    """Says what became of the rows for which there is no line."""

    def __init__(self, run: Run, sharing: _Sharing) -> None:
        self._run = run
        self._sharing = sharing
        self._senders: dict[str, _Unanswered] = {}

    def verdict(self, row: int) -> tuple[Outcome, str]:
        """Return outcome and error of a 0-based row of the input."""
        sent_as = self._sharing.sent_as(row)
        path = self._run.plan().sender_of(sent_as).path
        if path not in self._senders:
            self._senders[path] = _Unanswered(self._run, self._run.shard(path))
        return self._senders[path].verdict(sent_as)


class _Unanswered:
    """Says what became of the requests of a shard that have no line."""

    def __init__(self, run: Run, shard: Shard) -> None:
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
            errors = {
                error.line: f"{error.message} [{error.code}]"
                for error in (ended.batch.errors if ended.batch else ())
                if error.line
            }
            if errors:
                rows = enumerate(rows_of_requests(run, shard), start=1)
                self._by_row = {
                    row: errors[line] for line, row in rows if line in errors
                }

    def verdict(self, row: int) -> tuple[Outcome, str]:
        """Return outcome and error of a 0-based row of the input."""
        return self._outcome, self._by_row.get(row, self._error)
