"""Where runs stand, read from their directories alone; other processes may work."""

from __future__ import annotations

from collections.abc import Iterator

from ...models import RunReport
from ...settings import get_settings
from ..directory.catalog import run_directories
from ..directory.run import Run
from ..directory.storage import Directory
from .report import report_on

__all__ = ["is_open", "lies_in", "list_runs", "open_runs", "read_status"]


def read_status(run_dir: str) -> RunReport:
    """Return where a run stands: its report if it is done, else one made now."""
    run = Run.load(run_dir)
    state = run.state()
    return state.report or report_on(run, state)


def list_runs(root: str | None = None) -> Iterator[RunReport]:
    """Yield the runs right below a folder; None means `BATCHWRIGHT_RUNS_DIR`."""
    for directory in run_directories(Directory(root or get_settings().runs_dir)):
        yield read_status(directory.url)


def open_runs(root: str | None = None) -> list[str]:
    """Return the directories of the runs that are not done."""
    found = run_directories(Directory(root or get_settings().runs_dir))
    return [each.url for each in found if not each.exists("done.json")]


def is_open(run_dir: str) -> bool:
    """Whether there is a run in this directory that is not done."""
    directory = Directory(run_dir)
    return directory.exists("job.json") and not directory.exists("done.json")


def lies_in(run_dir: str, root: str | None = None) -> bool:
    """Whether a run lies right below a folder; None means `BATCHWRIGHT_RUNS_DIR`."""
    folder = Directory(root or get_settings().runs_dir).url.rstrip("/")
    return Directory(run_dir).url.rstrip("/").rpartition("/")[0] == folder
