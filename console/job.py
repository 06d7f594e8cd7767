"""From options to a job."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from ..data.job import BatchJob

__all__ = ["make_job", "spooled"]


@contextmanager
def spooled(location: str) -> Iterator[str]:
    """Give the input's path; `-` is standard input, kept on disk for the block."""
    if location != "-":
        yield location
        return
    with tempfile.TemporaryDirectory(prefix="batchwright-") as folder:
        path = Path(folder) / "stdin.jsonl"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield str(path)


def make_job(**options: Any) -> BatchJob:
    """Build the job; what an option cannot be is wrong usage."""
    from pydantic import ValidationError  # noqa: PLC0415 - only when a job is made

    from ..data.job import BatchJob  # noqa: PLC0415 - the same

    try:
        return BatchJob(**options)
    except ValidationError as exc:
        error = exc.errors()[0]
        name = str(error["loc"][0]).replace("_", "-") if error["loc"] else "job"
        raise typer.BadParameter(error["msg"], param_hint=f"--{name}") from exc
