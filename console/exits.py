"""Exit codes, and errors as one sentence on standard error."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from ..errors import (
    BatchNotEndedError,
    BatchwrightError,
    is_disk_full,
    visible,
    visible_line,
)

__all__ = [
    "FAILED",
    "INTERRUPTED",
    "NOT_READY",
    "OK",
    "SOME_FAILED",
    "USAGE",
    "Group",
    "print_text",
    "say",
    "signals_handled",
]

OK = 0
FAILED = 1
USAGE = 2
SOME_FAILED = 3
NOT_READY = 4
INTERRUPTED = 130

_DEBUG = "BATCHWRIGHT_DEBUG"

_PATH_ERRORS = {
    errno.ENOENT: "There is no file or folder {}.",
    errno.EISDIR: "{} is a folder; name a file.",
    errno.ENOTDIR: "A part of the path {} is no folder.",
    errno.EACCES: "No permission to use {}.",
    errno.EPERM: "No permission to use {}.",
    errno.EROFS: "{} is on a disk that cannot be written.",
}


_STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")
"""Signals that ask a process to end; Windows has no SIGHUP."""


def say(text: str) -> None:
    """Print a message to standard error, apart from the data."""
    typer.echo(visible(text), err=True)


def print_text(line: object = "") -> None:
    """Print a line for people to standard output; data for programs is left as is."""
    typer.echo(visible_line(str(line)))


@contextmanager
def signals_handled(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Handle what asks the process to end: Ctrl-C, SIGTERM and SIGHUP.

    A signal that the process was started to ignore, as `nohup` does, stays ignored.
    """
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for name in _STOPPING:
            number = getattr(signal, name, None)
            if number and signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, handled in before.items():
            signal.signal(number, handled)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


class Group(TyperGroup):
    """Commands whose errors end in one sentence instead of a traceback.

    `BATCHWRIGHT_DEBUG=1` shows the traceback.
    """

    def get_params(self, ctx: Any) -> Any:
        """Return the options; the help page shows no type beside a flag."""
        return _without_flag_types(super().get_params(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command; its help page shows no type beside a flag."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            _without_flag_types(command.get_params(ctx))
        return command

    def invoke(self, ctx: Any) -> Any:
        """Run the command, and turn an exception into a sentence and an exit code."""
        try:
            with signals_handled(_interrupt):
                result = super().invoke(ctx)
            sys.stdout.flush()  # a full disk raises here, or not at all
        except typer.TyperException as exc:
            exc.message = visible(exc.message)  # it may quote the name of a file
            raise
        except (typer.Exit, typer.Abort):
            raise
        except KeyboardInterrupt as exc:
            raise typer.Exit(INTERRUPTED) from exc
        except BrokenPipeError as exc:
            # The reader closed the pipe (`| head`), which is no error.
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - open until the process ends
            raise typer.Exit(OK) from exc
        except Exception as exc:
            if os.environ.get(_DEBUG):
                raise
            from ..providers.address import without_password  # noqa: PLC0415 - rare

            text, code = _sentence_of(exc)
            text = without_password(text)
            say(text if code == NOT_READY else f"Error: {text}")
            raise typer.Exit(code) from exc
        else:
            return result


def _without_flag_types(params: list[Any]) -> list[Any]:
    for each in params:
        if getattr(each, "is_flag", False):
            each.metavar = ""  # Typer's `<bool>` looks as if the flag took a value
    return params


def _sentence_of(exc: Exception) -> tuple[str, int]:
    if isinstance(exc, BatchNotEndedError):
        return str(exc), NOT_READY
    if isinstance(exc, BatchwrightError):
        return str(exc), FAILED
    if type(exc).__name__ == "ValidationError" and (text := _wrong_settings(exc)):
        return text, FAILED
    if isinstance(exc, OSError) and is_disk_full(exc):
        where = f" for {_path(exc)}" if exc.filename else ""
        text = f"The disk is full{where}; free some space, then repeat the command."
        return text, FAILED
    if isinstance(exc, OSError) and exc.strerror:
        sentence = _PATH_ERRORS.get(exc.errno or 0, "{}: " + exc.strerror + ".")
        return sentence.format(_path(exc)), FAILED
    text = (
        f"Unexpected {type(exc).__name__}: {str(exc).rstrip('.')}. This looks like a"
        f" bug in batchwright; {_DEBUG}=1 before the command shows the traceback."
    )
    return text, FAILED


def _wrong_settings(exc: Exception) -> str:
    """Return which `BATCHWRIGHT_*` variables are invalid; empty for other errors."""
    from pydantic import ValidationError  # noqa: PLC0415 - not for every `--help`

    if not (isinstance(exc, ValidationError) and exc.title == "Settings"):
        return ""
    errors = [
        f"BATCHWRIGHT_{str(error['loc'][0]).upper()}={error['input']}: {error['msg']}"
        for error in exc.errors()
    ]
    return f"The environment has {'; '.join(errors)}."


def _path(exc: OSError) -> str:
    name = exc.filename2 or exc.filename or "standard output"
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
