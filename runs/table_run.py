"""A run as an object: watched, waited for, its table read; in a notebook, shown."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from ..data.job_fields import CHANGEABLE
from ..data.tables.returned import read_table
from ..errors import BatchNotEndedError, InputError
from ..models import Outcome, RunReport
from .directory.run import Run
from .drive import cancel_run, drive
from .report.live import shown_live
from .report.page import PAGE
from .report.report import read_status, report_on
from .response_model import missing_validators, note_validators
from .retry import open_retry

__all__ = ["KEPT_ROWS", "TableRun", "work_on", "wrong_option"]

KEPT_ROWS = "input/rows"
"""Where the directory has rows that were in memory, with a suffix."""


class TableRun:
    """A run, wherever it was begun; in a notebook it shows itself."""

    def __init__(self, run_dir: str) -> None:
        self.run_dir = run_dir
        """The run's folder or URL."""

    @property
    def name(self) -> str:
        """The name of its folder, by which `open_run` and the commands find it."""
        return self.run_dir.rstrip("/").rpartition("/")[2]

    def status(self) -> RunReport:
        """Return how far it is, as its directory says; the provider is not asked."""
        return read_status(self.run_dir)

    def wait(self) -> RunReport:
        """Work on the run until it is done, and return its report.

        An interrupt leaves its batches running; call it again to go on.

        Raises:
            RunBusyError: Another process works on it.
            BatchwrightError: It cannot go on; it stays resumable.
        """
        return work_on(self, wait=True)

    def table(self) -> Any:
        """Return the rows with their answers, in the order and kind they came.

        Raises:
            BatchNotEndedError: The run is not done.
            InputError: Its output is not Parquet, or is not there.
        """
        opened = Run.load(self.run_dir)
        directory, job = opened.directory, opened.job.job
        if opened.state().report is None:
            raise BatchNotEndedError(
                f"{self.name} is not done, so it has no table yet; `wait()` waits for"
                " it."
            )
        if not job.output.lower().endswith(".parquet"):
            raise InputError(f"The table of {self.name} is the file {job.output}.")
        with ExitStack() as stack:
            # Where the directory is now, which may have been moved.
            name = PurePosixPath(job.output).name
            output, rows = Path(job.output), None
            if directory.exists(name):
                output = stack.enter_context(directory.local(name))
            if not output.is_file():
                raise InputError(
                    f"The table of {self.name} is {job.output}, and there is no such"
                    " file on this machine."
                )
            if directory.exists(f"{KEPT_ROWS}.parquet"):
                rows = stack.enter_context(directory.local(f"{KEPT_ROWS}.parquet"))
            return read_table(output, rows)

    def cancel(self) -> RunReport:
        """Stop it: no batch is created any more, and open ones are cancelled.

        What was answered is kept; `wait()` downloads it and writes the table.

        Raises:
            RunFinishedError: It is done.
        """
        return cancel_run(self.run_dir)

    def retry(self, *, outcomes: Collection[str] = (), **changes: Any) -> RunReport:
        """Ask the rows of a finished run again that have no valid answer.

        Returns once the batches exist, which are billed; `wait()` waits for them and
        writes the same table again, complete. Where no row is to be asked, the run
        stays as it is.

        Args:
            outcomes: Of the rows to ask, such as `["invalid"]`; none: of all without a
                valid answer. Rows whose results the provider has lost need `missing`.
            **changes: What to ask differently, as fields of the job: `prompt`,
                `model`, `response_model` and so on, as `retry_run` takes them.

        Raises:
            InputError: The rows cannot be asked so; the run stays as it was.
            BatchNotEndedError: The run is not done.
            RunError, ProviderError: As `retry_run` raises them.
        """
        for name in changes.keys() - CHANGEABLE:
            names = ", ".join(sorted(CHANGEABLE))
            raise InputError(f"A retry cannot change `{name}`; it can change {names}.")
        try:
            asked = [*map(Outcome, outcomes)]
        except ValueError as exc:
            names = ", ".join(Outcome)
            raise InputError(f"{exc}; outcomes are {names}.") from exc
        try:
            opened = open_retry(self.run_dir, changes, asked)
        except ValidationError as exc:
            raise wrong_option(exc) from exc
        note_validators(opened.directory, opened.newest_job().job)
        return work_on(self, wait=False)

    def __repr__(self) -> str:
        return self._said(self.status())

    def _said(self, report: RunReport) -> str:
        counts = [f"{count:,} {name}" for name, count in report.outcomes.items()]
        said = ", ".join([f"{report.rows:,} rows", *counts])
        return f"<TableRun {self.name}: {report.state}, {said}>"

    def _repr_html_(self) -> str:
        return self.shown()["text/html"]

    def shown(self, doing: str | None = None) -> dict[str, str]:
        """Return how a notebook shows it, given the line that says what it does."""
        opened = Run.load(self.run_dir)
        state = opened.state()
        report = state.report or report_on(opened, state)
        if doing is None and state.report is None:
            doing = (
                "Its batches go on without this process: `wait()` waits for them, and"
                f' `batchwright.open_run("{self.name}")` finds the run again.'
            )
        elif doing is None:
            doing = "`table()` returns its rows with their answers."
            if not report.ok:
                doing += " `retry()` asks those again that did not succeed."
            if PAGE in state.names:
                doing += f" {self.run_dir}/{PAGE} shows them in a browser."
        more = [doing, missing_validators(opened) or ""]
        return {
            "text/html": report.as_html(*filter(None, more)),
            "text/plain": self._said(report),
        }


def wrong_option(exc: ValidationError) -> InputError:
    """Return the error about a field of a job, in a sentence."""
    error = exc.errors()[0]
    where = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return InputError(f"A job has no option `{where}`.")
    return InputError(f"`{where}`: {error['msg']}.")


def work_on(run: TableRun, *, wait: bool) -> RunReport:
    """Show the run while it is worked on, as `drive` does; one that is done is not."""
    opened = Run.load(run.run_dir)
    with shown_live(run.shown):
        # A run that is done needs no lock, which another process may hold.
        return opened.state().report or drive(opened, wait=wait)
