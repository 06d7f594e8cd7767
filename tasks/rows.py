"""Put rows that are in memory where a job can read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
from prefect import task

from ..data.files import new_output
from ..data.rows.block import refuse_reserved
from ._policy import RETRIED

__all__ = ["save_rows"]


@task(task_run_name="save-rows", **RETRIED)
def save_rows(rows: Iterable[Mapping[str, Any]], path: str | Path) -> str:
    """Write rows as JSON lines, whole or not at all; returns the path.

    Flow parameters are stored in Prefect's database, so data never travels in them:
    it travels in a file, local or behind an fsspec URL. A file of that name is
    replaced.

    Raises:
        InputError: The file cannot be written, or a column has a name of ours.
        TypeError: A value that JSON has no form for; make it text first.
    """
    with new_output(str(path)) as temporary, temporary.open("wb") as file:
        for row in rows:
            refuse_reserved(row, str(path))
            file.write(orjson.dumps(dict(row), option=orjson.OPT_APPEND_NEWLINE))
    return str(path)
