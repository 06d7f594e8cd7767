"""Runs jobs in children that are killed at a given step; started by the test suite.

Its argument is the vendor. Reads a JSON object per line: `folder`, `job`,
`environment`, and `kill_at` (a step and which time it is taken) or null. Answers with
the exit code of each child: -9 where it was killed, 1 where the run stopped; the last
line of `folder/trace` says why.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from ...data.job import BatchJob
from ...errors import BatchwrightError
from ...runs.drive import drive
from ...runs.open import open_run
from ..vendors import get_provider, split_model

__all__ = ["main"]

_CALLS = (
    *("account", "upload", "create", "find", "ask"),
    *("retrieve", "list", "cancel", "download"),
)


def main() -> None:
    """Serve commands until standard input ends."""
    # What is imported here, no child has to import again.
    get_provider(sys.argv[1], "http://localhost", "key")
    for name in ("genai_prices.data", "pyarrow.parquet"):
        import_module(name)
    import_module("pyarrow").array([0])  # imports pandas, where that is installed
    gc.freeze()  # a collection in a child would copy all memory that it shares
    for line in sys.stdin:
        command = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os._exit(_run(command))
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _run(command: dict[str, Any]) -> int:
    os.environ.update(command["environment"])
    folder, job = Path(command["folder"]), BatchJob(**command["job"])
    with (folder / "trace").open("a", encoding="utf-8", buffering=1) as trace:
        _watch(_steps(trace.write, command["kill_at"]), folder, job)
        try:
            drive(open_run(job, str(folder / "run")), wait=True)
        except Exception as exc:  # noqa: BLE001 - a child must never come back
            if not isinstance(exc, BatchwrightError):
                traceback.print_exc()
            trace.write(f"{type(exc).__name__}: {exc}\n")
            return 1
    return 0


def _steps(
    write: Callable[[str], object], kill_at: tuple[str, int] | None
) -> Callable[[str], None]:
    """Return what notes a step, and ends this process at the chosen one."""
    wanted, times = kill_at or ("", 0)
    taken = 0

    def note(step: str) -> None:
        nonlocal taken
        write(f"{step}\n")
        taken += step == wanted
        if step == wanted and taken == times:
            os.kill(os.getpid(), signal.SIGKILL)

    return note


def _watch(note: Callable[[str], None], folder: Path, job: BatchJob) -> None:
    """Note each file that is about to get its name, and each call that returned."""

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event in {"os.rename", "os.link"}:
            target = Path(os.fsdecode(arguments[1]))
            name = target.relative_to(folder) if folder in target.parents else Path()
            # Scratch folders, whose names begin with a dot, are gone after a kill.
            if name.name and not any(part.startswith(".") for part in name.parts):
                note(f"name {name}")

    sys.addaudithook(hear)
    client = type(get_provider(split_model(job.model)[0]))
    for method in _CALLS:
        setattr(client, method, _noted(getattr(client, method), method, note))


def _noted(
    call: Callable[..., Any], method: str, note: Callable[[str], None]
) -> Callable[..., Any]:
    def noted(*arguments: Any, **options: Any) -> Any:
        result = call(*arguments, **options)
        note(f"call {method}")
        return result

    return noted


if __name__ == "__main__":
    main()
