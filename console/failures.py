"""From what went wrong to one sentence on standard error, and an exit code."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError

from ..errors import BatchNotEndedError, BatchwrightError

__all__ = [
    "FAILED",
    "INTERRUPTED",
    "NOT_READY",
    "SOME_ROWS_FAILED",
    "WRONG_USAGE",
    "told",
]

FAILED = 1
WRONG_USAGE = 2
SOME_ROWS_FAILED = 3
NOT_READY = 4
INTERRUPTED = 130

_DEBUG = "BATCHWRIGHT_DEBUG"


@contextmanager
def told() -> Iterator[None]:
    """Turn every failure within the block into a sentence and an exit.

    With `BATCHWRIGHT_DEBUG=1` the traceback comes through instead.
    """
    try:
        yield
    except (typer.TyperException, typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except KeyboardInterrupt:
        typer.secho("Interrupted.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except Exception as exc:
        if os.environ.get(_DEBUG, "0") != "0":
            raise
        text, code = _sentence(exc)
        typer.secho("Error: ", err=True, nl=False, fg=typer.colors.RED, bold=True)
        typer.echo(text, err=True)
        raise typer.Exit(code) from exc


def _sentence(exc: Exception) -> tuple[str, int]:
    if isinstance(exc, BatchwrightError):
        code = NOT_READY if isinstance(exc, BatchNotEndedError) else FAILED
        return str(exc), code
    if isinstance(exc, ValidationError):
        return _wrong_values(exc), WRONG_USAGE
    if isinstance(exc, OSError) and exc.strerror:
        return _wrong_file(exc), FAILED
    return (
        f"Unexpected {type(exc).__name__}: {exc}. This is a mistake in batchwright;"
        f" run the command again with {_DEBUG}=1 to see where."
    ), FAILED


def _wrong_values(exc: ValidationError) -> str:
    """Name each value as it was given: an environment variable or an option."""
    from_environment = exc.title == "Settings"
    said = []
    for error in exc.errors(include_url=False, include_context=False):
        name = "_".join(str(part) for part in error["loc"])
        if from_environment:
            name = f"BATCHWRIGHT_{name.upper()}"
        elif name:
            name = f"--{name.replace('_', '-')}"
        said.append(f"{name}: {error['msg']}" if name else str(error["msg"]))
    return "; ".join(said) + "."


def _wrong_file(exc: OSError) -> str:
    path = exc.filename2 or exc.filename
    if path is None:
        return f"{exc.strerror}."
    match exc.errno:
        case errno.ENOENT:
            return f"There is no file or folder {path}."
        case errno.EISDIR:
            return f"{path} is a folder; name a file."
        case errno.ENOTDIR:
            return f"A part of the path {path} is no folder."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"No permission to use {path}."
        case errno.ENOSPC | errno.EDQUOT:
            return f"The disk is full: {path} was not written."
        case _:
            return f"{path}: {exc.strerror}."
