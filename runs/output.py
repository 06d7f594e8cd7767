"""From downloaded results to the output: a part per shard, then table and report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from ..data import observed
from ..data.answers.response_model import AnswerReader
from ..data.columns import META
from ..data.resolve import check_output
from ..data.results.block import Reading
from ..data.results.row_ids import RowIds
from ..data.results.tally import ShardTally, combine
from ..data.tables.concat import concat_parts
from ..data.tables.formats import part_name
from ..data.tables.join import BatchOutput, ShardRows, outcomes_of, write_part
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
from .response_model import answer_of, missing_validators

__all__ = ["parse_shard", "read_outcomes", "write_output"]

_PAGE_BYTES = 8 << 20
"""Of requests and answers; the page of more would take longer than 0.3 s."""


def parse_shard(run: Run, path: str) -> None:
    """Join one shard's rows with all their results, in input order.

    Raises:
        InputError: The response model no longer loads, or is another one; the
            results stay where they are.
    """
    job = run.newest_job().job
    part = f"{path}/{part_name(job.output)}"
    answer = answer_of(run)
    with (
        _results_of(run, path, answer) as (rows, outputs, reading),
        run.directory.scratch() as scratch,
    ):
        # The suffix says which format is written, so the temporary name keeps it.
        temporary = scratch / PurePosixPath(part).name
        tally = write_part(
            rows,
            outputs,
            temporary,
            reading,
            prefix=job.answer_prefix or "",
            progress=lambda done: emit(
                "writing", shard=path, done=done, total=rows.count
            ),
        )
        run.directory.adopt(temporary, part)
    is_class = answer.model is not None
    by_class = is_class if isinstance(job.response_model, dict) else None
    tally = tally.model_copy(update={"columns": tuple(META), "by_class": by_class})
    run.directory.write(f"{path}/tally.json", tally.model_dump_json(indent=1).encode())


def read_outcomes(run: Run, path: str, answer: AnswerReader) -> list[Outcome]:
    """Return the outcome of each row of a shard, judged by this response model."""
    with _results_of(run, path, answer) as (rows, outputs, reading):
        return outcomes_of(rows, outputs, reading)


@contextmanager
def _results_of(
    run: Run, path: str, answer: AnswerReader
) -> Iterator[tuple[ShardRows, list[BatchOutput], Reading]]:
    """Give the rows of a shard, all their results, and how these are read."""
    plan = run.plan()
    shard = run.shard(path)
    shard_plan = plan.shards[int(path.rpartition("/")[2])]
    with ExitStack() as stack:
        name = f"{path}/{shard_plan.rows_name}"
        rows = run.as_made(name, shard_plan.rows_digest)
        yield (
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
                    stack.enter_context(restored_results(run, sender, name)),
                    batch_id,
                    run.job_at(sender.plan.round).template.known_model,
                )
                for sender, name, batch_id in result_files(run, shard)
            ],
            Reading(answer, run.format),
        )


def write_output(run: Run) -> None:
    """Write the output from its parts, then the report, then the mark of the end.

    Parts with the columns of another version, or of which only some were validated by
    a class that this process or another does not have, are only removed, to be written
    anew.

    Raises:
        InputError: The output cannot be written, or is another job's file.
    """
    state = run.state()
    plan = run.plan()
    directory = run.directory
    if "writing.json" not in state.names:
        _refuse_another(run)
        directory.write("writing.json", b"{}")
    names = [f"{each.path}/tally.json" for each in plan.shards]
    tallies = [read_record(directory, name, ShardTally) for name in names]
    if {tally.columns for tally in tallies} != {tuple(META)} or len(
        {tally.by_class for tally in tallies}
    ) > 1:
        run.reopen()
        return
    sizes = [shard.bytes for shard in plan.shards]
    concat_parts(_parts(run, plan, sizes), run.job.job.output)
    tally = combine(tallies)
    report = report_on(run, state, tally, ended_at=datetime.now(UTC))
    directory.write("report.md", markdown(report).encode())
    directory.write("report.json", report.model_dump_json(indent=1).encode())
    directory.write("done.json", b"{}")
    if (note := missing_validators(run)) is not None:
        emit("notice", text=note)
    if sum(sizes) <= _PAGE_BYTES:
        _write_page(run)
    else:
        directory.remove(PAGE)  # an older one, of what is no longer true
    emit("finished", text=report.output)


def _write_page(run: Run) -> None:
    """Write the report as a page; the run is done, whether that succeeds or not."""
    try:
        write_page(run)
    except (BatchwrightError, OSError, ValueError) as exc:
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


def _parts(run: Run, plan: Plan, sizes: list[int]) -> Iterator[Path]:
    """Yield the parts, and append the size of each to a list."""
    name = part_name(run.job.job.output)
    for shard in plan.shards:
        with run.directory.local(f"{shard.path}/{name}") as path:
            sizes.append(path.stat().st_size)
            yield path


class _Absent:
    """Says what became of the rows for which there is no line."""

    def __init__(self, shard: Shard, first_row: int) -> None:
        self._first_row = first_row
        self._by_row: dict[int, str] = {}
        self._failed: dict[int, str] = {}
        self._outcome = Outcome.MISSING
        ended = shard.last.ended if shard.last else None
        if ended is None or not shard.is_settled:
            self._outcome, self._error = Outcome.CANCELLED, "the run was cancelled"
        elif shard.last and shard.last.intent.realtime:
            self._outcome, self._error = Outcome.CANCELLED, "the run was cancelled"
            self._failed = ended.unanswered
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
        if row in self._failed:
            return Outcome.ERRORED, self._failed[row]
        error = self._by_row.get(row - self._first_row, self._error)
        return self._outcome, error
