"""From the options of a command to a `BatchJob`."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from pydantic import ValidationError

from ..data.job import BatchJob
from ..data.job_fields import JOB_FIELDS

if TYPE_CHECKING:
    from ..sandbox import Faults

__all__ = ["faults_of", "make_job", "options_checked", "spooled"]


@contextmanager
def spooled(location: str) -> Iterator[str]:
    """Give the path of the input; `-` is standard input, copied to a file.

    The file is named after its content, so that the same command with the same input
    continues its run. It is deleted unless the block fails.
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
    """Build the job from the values of its options.

    Raises:
        BadParameter: A value that the option cannot have.
    """
    with options_checked():
        return BatchJob(**given)


@contextmanager
def options_checked() -> Iterator[None]:
    """Name the option whose value a job cannot have, as wrong usage."""
    try:
        yield
    except ValidationError as exc:
        error = exc.errors()[0]
        name = str(error["loc"][0]) if error["loc"] else "job"
        option = name in JOB_FIELDS and JOB_FIELDS[name].option
        name = option or name.replace("_", "-")
        name = name.replace("params", "param")  # which is given once for each
        raise typer.BadParameter(error["msg"], param_hint=f"--{name}") from exc


def faults_of(file: Path | None, job: BatchJob) -> Faults | None:
    """Read the faults for a job's own sandbox.

    Raises:
        BadParameter: It is no job of the sandbox.
        InputError: The file cannot be read, or a fault is wrong.
    """
    if file is None:
        return None
    if not job.sandbox:
        raise typer.BadParameter("Add --sandbox.", param_hint="--faults")
    from ..sandbox import load_faults  # noqa: PLC0415 - rarely used

    return load_faults(file)
