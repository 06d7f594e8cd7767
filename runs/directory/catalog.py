"""The runs right below one folder, the root; they share an account."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ...settings import get_settings
from .storage import Directory

__all__ = [
    "find_directory",
    "is_open",
    "lies_in",
    "name_of",
    "open_runs",
    "recorded_beside",
    "recorded_in",
    "root_of",
    "run_directories",
]

_BATCH_ID = re.compile(rb'"id"\s*:\s*"([\w.-]+)"')
_PROVISIONAL = re.compile(rb'"provisional"\s*:\s*true')


def run_directories(root: str | None = None) -> Iterator[Directory]:
    """Yield the runs right below `root`, by name; None: `BATCHWRIGHT_RUNS_DIR`."""
    folder = Directory(root or get_settings().runs_dir)
    for name in folder.children():
        if not name.startswith("."):
            child = folder.at(name)
            if child.exists("job.json"):
                yield child


def find_directory(run_dir: str) -> Directory:
    """Return the directory of a run, given its path, URL or name.

    A name, as `batchwright runs` shows it, is looked for here and then right below
    `BATCHWRIGHT_RUNS_DIR`.
    """
    given = Directory(run_dir)
    if "/" not in run_dir.rstrip("/") and not given.exists("job.json"):
        named = Directory(get_settings().runs_dir).at(run_dir.rstrip("/"))
        if named.exists("job.json"):
            return named
    return given


def name_of(run_dir: str) -> str:
    """Return the name by which a run is found, or its directory where it has none."""
    return run_dir.rstrip("/").rpartition("/")[2] if lies_in(run_dir) else run_dir


def open_runs(root: str | None = None) -> list[str]:
    """Return the directories of the runs below `root` that are not done."""
    return [each.url for each in run_directories(root) if not each.exists("done.json")]


def is_open(run_dir: str) -> bool:
    """Whether there is a run in this directory that is not done."""
    directory = Directory(run_dir)
    return directory.exists("job.json") and not directory.exists("done.json")


def lies_in(run_dir: str, root: str | None = None) -> bool:
    """Whether a run is right below a folder; None: `BATCHWRIGHT_RUNS_DIR`."""
    folder = Directory(root or get_settings().runs_dir).url.rstrip("/")
    return root_of(Directory(run_dir)) == folder


def recorded_beside(directory: Directory) -> set[str]:
    """Return the ID of every batch on record in the runs under the same root.

    Copies of this run are left out: what they bought is this run's as well.
    """
    nonce = directory.read("nonce")
    return recorded_in(
        each
        for each in run_directories(root_of(directory))
        if each.url == directory.url or nonce is None or each.read("nonce") != nonce
    )


def recorded_in(directories: Iterable[Directory]) -> set[str]:
    """Return the ID of every batch on record there that is not taken provisionally.

    Reads one small file per batch: only for the rare lost creation. Of a damaged
    record it takes what can be read.
    """
    return {
        found[1].decode()
        for each in directories
        for name in each.names()
        if name.endswith(".batch.json")
        and (data := each.read(name))
        and (found := _BATCH_ID.search(data))
        and not _PROVISIONAL.search(data)
    }


def root_of(directory: Directory) -> str:
    """Return the folder that a run is right below."""
    return directory.url.rstrip("/").rpartition("/")[0] or "/"
