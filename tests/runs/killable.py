"""Runs jobs in children that die by SIGKILL after a given step; driven by the tests.

Reads a list of JSON objects a line: `run_dir`, `job`, `environment`, `trace`, `kill_at`
(a pattern of steps and which match), `kill_after_seconds`, or `stop_before` (a pattern
of calls): the child stops itself with SIGSTOP before the first such call and traces
`stopped PID`. Each is a child, and all
start at once. With `prefect_api_url` the run is a flow run there, and with `retry`
it is retried with these changes. Answers with their
exit codes: -9 where it was killed, 1 where it stopped and said why in the last line of
its trace.
A step is a write of the run directory or a call over HTTP, each after it took place.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx2

from batchwright.data.job import BatchJob
from batchwright.errors import BatchwrightError
from batchwright.runs.directory.storage import Directory
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run
from batchwright.runs.retry import open_retry
from batchwright.sandbox import Sandbox
from batchwright.settings import get_settings


class Steps:
    """Counts and names the steps of this process, and dies at the chosen one."""

    def __init__(self, trace: Path, kill_at: tuple[str, int] | None) -> None:
        self._trace = trace.open("a", encoding="utf-8", buffering=1)
        self._kill_at = kill_at
        self._matches = 0

    def stopped(self, why: Exception) -> None:
        """Note why the run stopped."""
        self._trace.write(f"{type(why).__name__}: {why}\n")

    def took(self, name: str) -> None:
        """Note that a step took place; batch and file IDs are left out of its name."""
        parts = [
            "ID" if "sandbox" in part or part.startswith("file-") else part
            for part in name.split("/")
        ]
        step = "/".join(parts)
        self._trace.write(step + "\n")
        if self._kill_at and fnmatch(step, self._kill_at[0]):
            self._matches += 1
            if self._matches == self._kill_at[1]:
                os.kill(os.getpid(), signal.SIGKILL)


def watch(steps: Steps, stop_before: str | None) -> None:
    """Hook into every write of a run directory and every HTTP call."""

    def after(owner: type, method: str, name: Callable[..., str]) -> None:
        original = getattr(owner, method)

        def wrapped(self: Any, *arguments: Any, **options: Any) -> Any:
            nonlocal stop_before
            if stop_before and fnmatch(name(*arguments), stop_before):
                stop_before = None
                steps.took(f"stopped {os.getpid()}")
                os.kill(os.getpid(), signal.SIGSTOP)
            result = original(self, *arguments, **options)
            steps.took(name(*arguments))
            return result

        setattr(owner, method, wrapped)

    after(Directory, "write_once", lambda name, _data: f"write {name}")
    after(Directory, "write", lambda name, _data: f"write {name}")
    after(Directory, "remove", lambda name: f"remove {name}")
    after(Directory, "adopt", lambda _source, name: f"write {name}")
    after(
        httpx2.HTTPTransport,
        "handle_request",
        lambda request: f"{request.method} {request.url.path}",
    )


def child(command: dict[str, Any]) -> int:
    """Run the job to its end, or until the kill; returns the exit code."""
    kill_at = command.get("kill_at")
    steps = Steps(Path(command["trace"]), tuple(kill_at) if kill_at else None)
    watch(steps, command.get("stop_before"))
    if (seconds := command.get("kill_after_seconds")) is not None:
        timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL))
        timer.daemon = True
        timer.start()
    os.environ.update(command["environment"])
    job, run_dir = BatchJob(**command["job"]), command["run_dir"]
    try:
        if "prefect_api_url" in command:
            from batchwright.flows.batch import run_batch

            run_batch(job, run_dir)
        elif (changes := command.get("retry")) is not None:
            drive(open_retry(run_dir, changes), wait=True)
        else:
            drive(open_run(job, run_dir), wait=True)
    except BatchwrightError as exc:
        steps.stopped(exc)
        return 1
    return 0


def start(command: dict[str, Any]) -> int:
    """Fork a child; returns its process ID."""
    if "prefect_api_url" in command:
        # Prefect reads where its server is when it is first imported.
        os.environ["PREFECT_API_URL"] = command["prefect_api_url"]
        import_module("batchwright.flows.batch")
    if pid := os.fork():
        return pid
    code = 2
    try:
        code = child(command)
    finally:
        os._exit(code)


def load() -> None:
    """Take a run of each provider to its end, so that no child loads anything."""
    import_module("s3fs")
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as name:
        os.environ.update(sandbox.environment())
        folder = Path(name)
        (folder / "in.csv").write_text("text\none\n", encoding="utf-8")
        for model in ("gpt-5-mini", "claude-sonnet-4-5"):
            job = BatchJob(
                input=str(folder / "in.csv"),
                output=str(folder / f"{model}.jsonl"),
                model=model,
                prompt="{{ text }}",
            )
            drive(open_run(job, str(folder / model)), wait=True)
    get_settings.cache_clear()


def main() -> None:
    """Serve commands until standard input ends."""
    load()
    gc.freeze()  # a collection in a child would copy all memory that it shares
    for line in sys.stdin:
        children = [start(command) for command in json.loads(line)]
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
        print(json.dumps(codes), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
