"""Runs a flow in this process, shows its progress, and stops it cleanly."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from ..data.job import BatchJob
from ..models import RunReport
from ..runs.directory.access import Credentials, keys_from
from ..runs.directory.lock import locked
from ..runs.directory.run import Run
from ..runs.events import listening
from ..runs.pause import request_stop, stop_requested
from .exits import INTERRUPTED, say
from .progress import erase_bars, progress_shown

__all__ = ["execute", "run_keys"]

_GRACE_SECONDS = 1
"""How long a stopped run may take to end by itself; it ends in two seconds at most."""

_SHOW_CURSOR = "\x1b[?25h"

_QUIET = {
    # A new PREFECT_HOME needs about 20 s of migrations, more on a slow machine.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
    # Errors are shown once, by us.
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_ROOT_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
}


def execute(run: Run, *, job: BatchJob | None, wait: bool) -> RunReport:
    """Start or continue a run as a flow; a run that is done is not changed.

    Raises:
        KeyboardInterrupt: Stopped by a signal; the message about it is printed.
    """
    done = run.state().report
    if done is not None:
        return done
    with locked(run.directory):
        pass  # a run that another process works on is refused before Prefect starts
    if not run.job.synthetic and run.job.job.credentials is None:
        run.provider()  # so is a missing key
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    directory = run.directory.url
    say(f"Run directory: {directory}")
    beginning = "Starting Prefect's local server (20 s the first time)"
    if url := os.environ.get("PREFECT_API_URL"):
        beginning = f"Connecting to Prefect at {url}"
    with _stoppable(directory):
        # Outside of the bars: Prefect prints a greeting on its first start.
        from ..flows.batch import resume_run, run_batch  # noqa: PLC0415 - takes 2 s

        with progress_shown(beginning) as tell, listening(tell):
            if job is not None:
                return run_batch(job, directory, "poll" if wait else "detach")
            return resume_run(directory, wait)


@contextmanager
def run_keys() -> Iterator[None]:
    """Let runs within the block read their keys from Prefect blocks."""

    def read(name: str, provider: str) -> Credentials:
        from ..tasks.credentials import read_credentials  # noqa: PLC0415 - takes 2 s

        return read_credentials(name, provider)

    with keys_from(read):
        yield


def _leave_at_once() -> NoReturn:
    """Exit without waiting for threads; the run directory is valid at any moment."""
    if sys.__stderr__ and sys.__stderr__.isatty():
        sys.__stderr__.write(_SHOW_CURSOR)
        sys.__stderr__.flush()
    if "prefect.server.api.server" in sys.modules:
        from ..flows._prefect import kill_embedded_servers  # noqa: PLC0415 - loaded

        kill_embedded_servers()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)


@contextmanager
def _stoppable(directory: str) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM stop the process quickly, without cancelling batches."""

    def stop(_number: int, _frame: Any) -> None:
        if stop_requested():
            _leave_at_once()
        request_stop()
        erase_bars()
        say(
            "Stopped. Batches that were created go on at the provider; continue with"
            f"\n  batchwright resume {directory}"
        )
        # Ctrl-C in a terminal ends Prefect's local server as well, and its client
        # would then retry for a minute.
        patience = threading.Timer(_GRACE_SECONDS, _leave_at_once)
        patience.daemon = True
        patience.start()
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, stop)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    except KeyboardInterrupt:
        _leave_at_once()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
