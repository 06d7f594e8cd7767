"""Run a flow in this process, with its progress shown and its end clean."""

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
from ..runs.directory.lock import locked
from ..runs.directory.run import Run
from ..runs.events import listening
from ..runs.pause import request_stop, stop_requested
from .exits import INTERRUPTED, say
from .progress import erase_bars, progress_shown

__all__ = ["execute"]

_GRACE_SECONDS = 1
"""How long a stopped run may take to unwind; all in all it ends within two seconds."""

_SHOW_CURSOR = "\x1b[?25h"

_QUIET = {
    # A fresh home needs about 20 s of migrations, and a slow machine more.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
    # What goes wrong is said once, in our words.
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_ROOT_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
}


def execute(run: Run, *, job: BatchJob | None, wait: bool) -> RunReport:
    """Start or continue a run as a flow; one that is done is left alone.

    Raises:
        KeyboardInterrupt: Stopped by a signal; what to do next has been said.
    """
    done = run.state().report
    if done is not None:
        return done
    with locked(run.directory):
        pass  # a run that is busy elsewhere is said before Prefect starts
    if not run.job.synthetic and run.job.job.credentials is None:
        run.provider()  # and so is a missing key
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    directory = run.directory.url
    say(f"Run directory: {directory}")
    beginning = "Starting Prefect's local server (20 s the first time)"
    if url := os.environ.get("PREFECT_API_URL"):
        beginning = f"Connecting to Prefect at {url}"
    with _stoppable(directory):
        # Not under the bars: Prefect greets a person who is new to it.
        from ..flows.batch import resume_run, run_batch  # noqa: PLC0415 - takes 2 s

        with progress_shown(beginning) as tell, listening(tell):
            if job is not None:
                return run_batch(job, directory, "poll" if wait else "detach")
            return resume_run(directory, wait)


def _leave_at_once() -> NoReturn:
    """Exit without waiting for threads: the run directory bears any end."""
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
    """Turn Ctrl-C and SIGTERM into a quick end that cancels nothing."""

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
        # would then look for it for a minute.
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
