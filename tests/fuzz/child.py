"""Runs commands for the fuzz tests, in a process that may die of them.

Each line of standard input is a JSON array: the arguments of a command, or the name of
a function in `_FUNCTIONS` and its argument, and variables. It answers with one line:
exit code, standard output, standard error, and the peak of its memory in MB. A command
that takes more than `CPU_SECONDS` or `GROWTH_MB` ends the process without an answer.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import typer
from pydantic import ValidationError

from batchwright import BatchJob
from batchwright.cli import app
from batchwright.data.requests.files import write_request_files
from batchwright.errors import BatchwrightError
from batchwright.runs.open import reopen_run
from batchwright.sandbox.faults import load_faults
from batchwright.settings import get_settings

CPU_SECONDS = 5
_ADDRESS_SPACE = 4 << 30
"""Above what is in use at the start; a process that swells fails to allocate."""


def _from_python(path: str) -> None:
    """Make the requests of a job whose `params` are Python objects."""
    names = {"nan": float("nan"), "inf": float("inf"), "deep": _deep(10_000)}
    params = eval(Path(path).read_text("utf-8"), names)  # noqa: S307 - our own text
    job = BatchJob(
        input="rows.csv",
        output="python.jsonl",
        prompt="{{ a }}",
        model="gpt-5-mini",
        params=params,
        overwrite=True,
    )
    write_request_files(job)


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def _break(how: str) -> None:
    """Do what no command may do."""
    while how == "hang":
        pass
    if how == "swell":
        b"x" * (400 << 20)  # written to, so that the memory is really taken
    raise KeyError(how)


_FUNCTIONS: dict[str, Callable[[str], object]] = {
    "@break": _break,
    "@faults": load_faults,
    "@python": _from_python,
    "@reopen": reopen_run,
}


def _call(name: str, argument: str) -> int:
    try:
        _FUNCTIONS[name](argument)
    except (BatchwrightError, ValidationError) as exc:
        first = exc.errors()[0]["msg"] if isinstance(exc, ValidationError) else exc
        sys.stderr.write(f"Error: {first}\n")
        return 1
    return 0


def _run(command: Any, arguments: list[str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code: Any = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            if arguments[0].startswith("@"):
                code = _call(*arguments)
            else:
                command(arguments)
        except SystemExit as exc:
            code = exc.code
        except BaseException:  # noqa: BLE001 - whatever a user would see
            traceback.print_exc()
            code = -1
    return code, out.getvalue()[:10_000], err.getvalue()


def _limited(seconds: int) -> None:
    used = int(time.process_time()) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, hard))


def _peak_mb() -> int:
    # ru_maxrss would begin with that of the process that started this one.
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10


def main() -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    command = typer.main.get_command(app)
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    most = pages * resource.getpagesize() + _ADDRESS_SPACE
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for line in sys.stdin:
        _limited(CPU_SECONDS)
        arguments, variables = json.loads(line)
        before = os.environ.copy()
        os.environ.update(variables)
        get_settings.cache_clear()
        answer = (*_run(command, arguments), _peak_mb())
        os.environ.clear()
        os.environ.update(before)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


main()
