"""Turn downloaded results into a typed table."""

from __future__ import annotations

from pathlib import Path

from prefect import task

from ..data.tables.parse import parse_file
from ._policy import RETRIED

__all__ = ["parse_results"]


@task(task_run_name="parse-results", **RETRIED)
def parse_results(
    path: str | Path,
    output: str | Path,
    response_model: str | None = None,
    overwrite: bool = True,  # noqa: FBT001, FBT002 - a task parameter, like the others
) -> str:
    """Write one row per result line, in the file's order, with its outcome.

    Args:
        path: A file of `download_results`, of either provider.
        output: A `.parquet`, `.csv` or `.jsonl` file.
        response_model: `package.module:Class`, `file.py:Class` or a JSON Schema file;
            None for plain text.
        overwrite: Whether an existing output is replaced, as a retry has to.

    Returns:
        The output's path.

    Raises:
        InputError: The results, the response model or the output cannot be used.
    """
    parse_file(Path(path), Path(output), response_model, overwrite=overwrite)
    return str(output)
