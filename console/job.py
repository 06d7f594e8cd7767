"""From options to a job."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from pydantic import ValidationError

from ..data.job import BatchJob

__all__ = ["make_job", "spooled"]


@contextmanager
def spooled(location: str) -> Iterator[str]:
    """Give the input's path; `-` is standard input, kept on disk for the block.

    Its file is named after its content, so the same command with the same input
    continues its run. It stays where the block fails, for a resume.
    """
    if location != "-":
        yield location
        return
    handle, name = tempfile.mkstemp(prefix="batchwright-")
    try:
        with os.fdopen(handle, "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        with Path(name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        path = Path(name).with_name(f"batchwright-stdin-{digest[:16]}.jsonl")
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
    yield str(path)
    path.unlink(missing_ok=True)


def make_job(**given: Any) -> BatchJob:
    """Build the job.

    Raises:
        BadParameter: A value that its option cannot have.
    """
    try:
        return BatchJob(**given)
    except ValidationError as exc:
        error = exc.errors()[0]
        name = str(error["loc"][0]).replace("_", "-") if error["loc"] else "job"
        raise typer.BadParameter(error["msg"], param_hint=f"--{name}") from exc
