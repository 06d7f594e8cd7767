"""Runs a flow in this process, and shows its progress."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..data.job import BatchJob
from ..errors import RunError
from ..flows.server import kill_server, start_early
from ..models import RunReport
from ..providers.address import without_password
from ..runs.directory.access import Credentials, keys_from
from ..runs.directory.lock import locked
from ..runs.directory.run import Run
from ..runs.events import listening
from .exits import say
from .progress import progress_shown
from .stopping import do_until_stopped

__all__ = ["execute", "run_keys"]

_QUIET = {
    # Errors are shown once, by us.
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_ROOT_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
}


def execute(
    run: Run, *, job: BatchJob | None, wait: bool, verb: str = "resume"
) -> RunReport:
    """Start or continue a run as a flow; a run that is done is not changed.

    The name of a flow run that continues it begins with `verb`.

    Raises:
        KeyboardInterrupt: A signal came before the work began.
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
    start_early()
    directory = run.directory.url
    say(f"Run directory: {directory}")
    beginning = "Starting Prefect's local server (20 s the first time)"
    if url := os.environ.get("PREFECT_API_URL"):
        beginning = f"Connecting to Prefect at {without_password(url)}"
    resume = f"continue with\n  batchwright resume {directory}"

    def work() -> RunReport:
        # Outside of the bars: Prefect prints a greeting on its first start.
        from ..flows._prefect import explained  # noqa: PLC0415 - 2 s
        from ..flows.batch import resume_run, run_batch  # noqa: PLC0415 - takes 2 s
        from ..tasks.names import run_name  # noqa: PLC0415 - the same

        with progress_shown(beginning) as tell, listening(tell):
            try:
                if job is not None:
                    return run_batch(job, directory, "poll" if wait else "detach")
                called = f"{verb} {run_name(directory)}"
                flow = resume_run.with_options(flow_run_name=called)
                return flow(directory, wait)
            except Exception as exc:
                trouble = explained(exc)
                if trouble is None:
                    raise
                report = run.state().report
                if report is None:
                    raise RunError(f"{trouble} Nothing is lost; {resume}") from exc
        say(f"Note: {trouble} The run is complete all the same.")
        return report

    return do_until_stopped(
        work,
        message=f"Stopped. Batches that were created go on at the provider; {resume}",
        release=kill_server,
    )


@contextmanager
def run_keys() -> Iterator[None]:
    """Let runs within the block read their keys from Prefect blocks."""

    def read(name: str, provider: str) -> Credentials:
        from ..tasks.credentials import read_credentials  # noqa: PLC0415 - takes 2 s

        return read_credentials(name, provider)

    with keys_from(read):
        yield
