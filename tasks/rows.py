"""Put rows that are in memory where a job can read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import task

from ..data.files import new_output
from ..data.rows.memory import write_rows
from ._policy import RETRIED

__all__ = ["save_rows"]


@task(task_run_name="save-rows", **RETRIED)
def save_rows(rows: Any, path: str | Path) -> str:
    """Write rows to a file, whole or not at all; returns the path.

    Flow parameters are stored in Prefect's database, so data never travels in them:
    it travels in a file, local or behind an fsspec URL. A file of that name is
    replaced.

    Args:
        rows: Anything with Arrow's C stream interface (a data frame, an Arrow table, a
            relation of DuckDB), or an iterable of mappings.
        path: Ends in `.parquet`, which keeps all types; else the rows become JSON
            lines.

    Raises:
        InputError: The file cannot be written, or the rows are no table that it can
            hold.
        TypeError: A value of a mapping that JSON has no form for; make it text first.
    """
    with new_output(str(path)) as temporary:
        write_rows(rows, temporary)
    return str(path)
