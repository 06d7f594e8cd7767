"""Runs over tables in memory: a data frame goes in, and one of its kind comes out.

Such a run is as durable as any other. Its rows are kept in its directory, whose name
follows from the job and the rows, so that the same call finds it again from anywhere.
No Prefect server is needed: the steps of the run are done in this process.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ValidationError

from ..data.job import BatchJob
from ..data.resolve import ResolvedJob, resolve
from ..data.rows.memory import is_table, write_rows
from ..data.tables.returned import read_table
from ..errors import BatchNotEndedError, InputError, RunDiffersError
from ..models import RunReport
from ..settings import get_settings
from .directory.access import provider_for
from .directory.naming import directory_of_rows
from .directory.run import Run
from .directory.storage import Directory
from .drive import cancel_run, drive
from .open import open_run as open_job
from .open import reopen_run
from .report.live import shown_live
from .report.page import PAGE
from .report.report import read_status, report_on
from .response_model import missing_validators

__all__ = ["TableRun", "open_run", "run", "submit"]

_NAME = re.compile(r"\w[\w.-]*")
_ROWS = "input/rows"
"""Where the rows are in the directory, with a suffix."""


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
        return self._drive(wait=True)

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
                raise InputError(f"{job.output}, the table of {self.name}, is missing.")
            if directory.exists(f"{_ROWS}.parquet"):
                rows = stack.enter_context(directory.local(f"{_ROWS}.parquet"))
            return read_table(output, rows)

    def cancel(self) -> RunReport:
        """Stop it: no batch is created any more, and open ones are cancelled.

        What was answered is kept; `wait()` downloads it and writes the table.

        Raises:
            RunFinishedError: It is done.
        """
        return cancel_run(self.run_dir)

    def __repr__(self) -> str:
        return self._said(self.status())

    def _said(self, report: RunReport) -> str:
        counts = [f"{count:,} {name}" for name, count in report.outcomes.items()]
        said = ", ".join([f"{report.rows:,} rows", *counts])
        return f"<TableRun {self.name}: {report.state}, {said}>"

    def _repr_html_(self) -> str:
        return self._shown(None)["text/html"]

    def _drive(self, *, wait: bool) -> RunReport:
        opened = Run.load(self.run_dir)
        with shown_live(self._shown):
            # A run that is done needs no lock, which another process may hold.
            return opened.state().report or drive(opened, wait=wait)

    def _shown(self, doing: str | None) -> dict[str, str]:
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
            if PAGE in state.names:
                doing += f" {self.run_dir}/{PAGE} shows them in a browser."
        more = [doing, missing_validators(opened) or ""]
        return {
            "text/html": report.as_html(*filter(None, more)),
            "text/plain": self._said(report),
        }


def run(
    data: Any,
    *,
    model: str,
    prompt: str | None = None,
    response_model: str | Path | dict[str, Any] | type[BaseModel] | None = None,
    name: str | None = None,
    **options: Any,
) -> Any:
    """Return the rows of a table with their answers; waits for the batches.

    The same call, from any process, continues its run, and returns the table at once
    where that is done: nothing is paid for twice. Batches are billed from their
    creation. A class as response model validates with all of its code in this process;
    if others cannot import it, they know its JSON Schema alone.

    Args:
        data: Anything with Arrow's C stream interface, such as a data frame of pandas
            or Polars, a table of PyArrow or a relation of DuckDB; or an iterable of
            mappings from column names to values.
        model: As in `BatchJob`.
        prompt: As in `BatchJob`. Without it and `messages`, each row of an iterable
            has a list `messages`.
        response_model: As in `BatchJob`.
        name: What the name of the run begins with; by default that of the response
            model.
        **options: All other fields of `BatchJob`.

    Returns:
        A data frame of pandas, with its index, or of Polars, as the rows came; else a
        `pyarrow.Table`. Rows that did not succeed are in it, with their `_outcome`.

    Raises:
        InputError: The rows cannot be used, or the job cannot be run as it is.
        MissingKeyError: There is no key; no run is begun.
        RunError, ProviderError: As `run_batch` raises them; the run stays resumable.
    """
    given = {"model": model, "prompt": prompt, "response_model": response_model}
    begun = _begin(data, name, given | options)
    begun.wait()
    return begun.table()


def submit(
    data: Any,
    *,
    model: str,
    prompt: str | None = None,
    response_model: str | Path | dict[str, Any] | type[BaseModel] | None = None,
    name: str | None = None,
    **options: Any,
) -> TableRun:
    """Begin or find the run that `run` waits for; returns once its batches exist.

    Takes the same arguments, and raises the same errors.
    """
    given = {"model": model, "prompt": prompt, "response_model": response_model}
    begun = _begin(data, name, given | options)
    begun._drive(wait=False)  # noqa: SLF001 - of this module
    return begun


def open_run(
    run_dir: str | Path, *, response_model: str | type[BaseModel] | None = None
) -> TableRun:
    """Find a run again, by its folder or URL, or by its name under the runs' folder.

    Args:
        run_dir: The run; any that `batchwright runs` lists.
        response_model: Validate the answers with this class, instead of what the run
            has; nothing is sent for it. `wait()` then writes the table again.

    Raises:
        InputError: There is no such run, or the class cannot be used.
    """
    text = str(run_dir)
    root = Directory(get_settings().runs_dir)
    if "/" not in text and root.exists(f"{text}/job.json"):
        text = root.at(text).url
    if response_model is None:
        return TableRun(Run.load(text).directory.url)
    return TableRun(reopen_run(text, response_model=response_model).directory.url)


def _begin(data: Any, name: str | None, options: dict[str, Any]) -> TableRun:
    """Keep the rows of a new run, or find the run that has them."""
    if name is not None and not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is no name for a run: it has letters, digits, `_`, `-` and `.`."
        )
    root = Directory(get_settings().runs_dir)
    # Mappings with conversations of their own are JSON, whose values no type unites.
    is_json = not (is_table(data) or options["prompt"] or options.get("messages"))
    kept = f"{_ROWS}.{'jsonl' if is_json else 'parquet'}"
    with root.scratch() as folder:
        rows = folder / PurePosixPath(kept).name
        digest = _write(data, rows)
        job = _job(options, rows, folder / "answer.parquet")
        resolved = _resolved(job)
        name = name or resolved.template.answer_name.lower()
        directory = directory_of_rows(resolved, name, digest)
        if not directory.exists("job.json"):
            if not resolved.synthetic:
                provider_for(directory, resolved)  # without a key, nothing is kept
            directory.adopt(rows, kept)
            directory.write(f"{_ROWS}.sha256", digest.encode())
        elif directory.read(f"{_ROWS}.sha256") != digest.encode():
            raise RunDiffersError(
                f"{directory.url} has other rows, by chance of its name; give this run"
                " another `name`."
            )
    where = {
        "input": f"{directory.url}/{kept}",
        "output": f"{directory.url}/{name}.parquet",
    }
    open_job(job.model_copy(update=where), directory.url)
    return TableRun(directory.url)


def _write(data: Any, rows: Path) -> str:
    try:
        return write_rows(data, rows)
    except TypeError as exc:
        raise InputError(f"The rows cannot be kept as JSON: {exc}.") from exc


def _job(options: dict[str, Any], rows: Path, output: Path) -> BatchJob:
    for option in ("input", "output", "overwrite"):
        if option in options:
            raise InputError(
                f"A run over a table in memory has no `{option}`; `run_batch` reads and"
                " writes files."
            )
    try:
        return BatchJob(input=rows, output=output, **options)
    except ValidationError as exc:
        error = exc.errors()[0]
        where = ".".join(map(str, error["loc"]))
        if error["type"] == "extra_forbidden":
            raise InputError(f"A job has no option `{where}`.") from exc
        raise InputError(f"`{where}`: {error['msg']}.") from exc


def _resolved(job: BatchJob) -> ResolvedJob:
    try:
        return resolve(job)
    except InputError as exc:
        # The file is a temporary one.
        text = str(exc).replace(job.input, "the table")
        exc.args = (text[:1].upper() + text[1:], *exc.args[1:])
        raise
