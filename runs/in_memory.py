"""Runs over tables in memory: a data frame goes in, and one of its kind comes out.

Such a run is as durable as any other. Its rows are kept in its directory, whose name
follows from the job and the rows, so that the same call finds it again from anywhere.
No Prefect server is needed: the steps of the run are done in this process.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ValidationError

from ..data.job import BatchJob
from ..data.resolve import ResolvedJob, resolve
from ..data.rows.memory import is_table, write_rows
from ..errors import InputError, RunDiffersError
from ..settings import get_settings
from .directory.access import provider_for
from .directory.naming import directory_of_rows
from .directory.run import Run
from .directory.storage import Directory
from .open import open_run as open_job
from .open import reopen_run
from .table_run import KEPT_ROWS, TableRun, work_on, wrong_option

__all__ = ["open_run", "run", "submit"]

_NAME = re.compile(r"\w[\w.-]*")


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
    work_on(begun, wait=False)
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
    if response_model is None:
        return TableRun(Run.load(str(run_dir)).directory.url)
    opened = reopen_run(str(run_dir), response_model=response_model)
    return TableRun(opened.directory.url)


def _begin(data: Any, name: str | None, options: dict[str, Any]) -> TableRun:
    """Keep the rows of a new run, or find the run that has them."""
    if name is not None and not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is no name for a run: it has letters, digits, `_`, `-` and `.`."
        )
    root = Directory(get_settings().runs_dir)
    # Mappings with conversations of their own are JSON, whose values no type unites.
    is_json = not (is_table(data) or options["prompt"] or options.get("messages"))
    kept = f"{KEPT_ROWS}.{'jsonl' if is_json else 'parquet'}"
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
            directory.write(f"{KEPT_ROWS}.sha256", digest.encode())
        elif directory.read(f"{KEPT_ROWS}.sha256") != digest.encode():
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
        raise wrong_option(exc) from exc


def _resolved(job: BatchJob) -> ResolvedJob:
    try:
        return resolve(job)
    except InputError as exc:
        # The file is a temporary one.
        text = str(exc).replace(job.input, "the table")
        exc.args = (text[:1].upper() + text[1:], *exc.args[1:])
        raise
