"""From downloaded results to the output: a part per shard, then table and report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from ..data import observed
from ..data.answers.response_model import AnswerReader
from ..data.columns import META
from ..data.resolve import check_output
from ..data.results.block import Reading
from ..data.results.merge import Sharing
from ..data.results.row_ids import RowIds, SharedIds
from ..data.results.tally import ShardTally, combine
from ..data.tables.concat import concat_parts
from ..data.tables.formats import part_name
from ..data.tables.join import BatchOutput, ShardRows, outcomes_of, write_part
from ..errors import BatchwrightError, InputError
from ..models import Outcome
from .collect.download import restored_results
from .directory.reading import read_record
from .directory.records import InputShardPlan, Plan, Verdict
from .directory.result_files import result_files
from .directory.run import Run
from .directory.shard import TAKEN, Shard
from .events import emit
from .report.markdown import markdown
from .report.page import PAGE, write_page
from .report.report import report_on
from .response_model import answer_of, missing_validators
from .rounds import rows_of_requests

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
    leaders = run.shared.leaders(shard_plan.first_row, shard_plan.rows)
    sharing = _sharing(shard_plan, leaders) if shard_plan.is_dealt_out else None
    numbers = (plan.nonce, shard_plan.first_row, shard_plan.rows)
    with ExitStack() as stack:
        name = f"{path}/{shard_plan.rows_name}"
        rows = run.as_made(name, shard_plan.rows_digest)
        yield (
            ShardRows(
                path=stack.enter_context(rows),
                ids=SharedIds(*numbers, sharing.outside)
                if sharing
                else RowIds(*numbers),
                sharing=sharing,
                first_row=shard_plan.first_row,
                count=shard_plan.rows,
                absent=_Absent(run, leaders).verdict,
                columns=observed.merge(each.columns for each in plan.shards),
            ),
            [
                *_taken_over(run, shard_plan, stack),
                *(
                    BatchOutput(
                        stack.enter_context(restored_results(run, sender, name)),
                        batch_id,
                        run.job_at(sender.plan.round).template.known_model,
                    )
                    for sender, name, batch_id in result_files(run, shard)
                ),
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


def _taken_over(
    run: Run, shard: InputShardPlan, stack: ExitStack
) -> Iterator[BatchOutput]:
    """Yield the answers to the shard's rows that were taken over from other runs."""
    if shard.taken_digest is not None:
        path = run.as_made(f"{shard.path}/{TAKEN}", shard.taken_digest)
        model = run.job.template.known_model
        yield BatchOutput(stack.enter_context(path), None, model, reused=True)


def _sharing(shard: InputShardPlan, leaders: Mapping[int, int]) -> Sharing:
    """Return which rows of the shard take the result of another, within the shard."""
    first = shard.first_row
    places: dict[int, int] = {}
    for leader in sorted(leaders.values()):
        if leader < first:  # a row of an earlier shard
            places.setdefault(leader, shard.rows + len(places))
        else:
            places[leader] = leader - first
    outside = [leader for leader in places if leader < first]
    return Sharing(
        {row - first: places[leader] for row, leader in leaders.items()}, outside
    )


class _Absent:
    """Says what became of the rows for which there is no line."""

    def __init__(self, run: Run, leaders: Mapping[int, int]) -> None:
        self._run = run
        self._leaders = leaders
        self._senders: dict[str, _Unanswered] = {}

    def verdict(self, row: int) -> tuple[Outcome, str]:
        """Return outcome and error of a 0-based row of the input."""
        sent_as = self._leaders.get(row, row)
        path = self._run.plan().sender_of(sent_as).path
        if path not in self._senders:
            self._senders[path] = _Unanswered(self._run, self._run.shard(path))
        return self._senders[path].verdict(sent_as)


class _Unanswered:
    """Says what became of the requests of a shard that have no line."""

    def __init__(self, run: Run, shard: Shard) -> None:
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
            errors = {
                error.line: f"{error.message} [{error.code}]"
                for error in (ended.batch.errors if ended.batch else ())
                if error.line
            }
            if errors:
                rows = enumerate(rows_of_requests(run, shard.plan), start=1)
                self._by_row = {
                    row: errors[line] for line, row in rows if line in errors
                }

    def verdict(self, row: int) -> tuple[Outcome, str]:
        """Return outcome and error of a 0-based row of the input."""
        if row in self._failed:
            return Outcome.ERRORED, self._failed[row]
        return self._outcome, self._by_row.get(row, self._error)
