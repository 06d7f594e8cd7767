"""The runs under one root, which share an account."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from .storage import Directory

__all__ = ["parent", "recorded_under", "run_directories"]


def parent(directory: Directory) -> Directory:
    """Return the folder that holds this run and its neighbours."""
    return Directory(directory.url.rstrip("/").rpartition("/")[0] or "/")


def run_directories(root: Directory) -> Iterator[Directory]:
    """Yield the folders right below `root` that hold a run, by name."""
    for name in root.children():
        if not name.startswith("."):
            child = root.at(name)
            if child.exists("job.json"):
                yield child


def recorded_under(root: Directory) -> set[str]:
    """Return the ID of every batch on record in the runs below `root`.

    Reads one small file per batch: only for the rare lost creation.
    """
    return {
        orjson.loads(data)["id"]
        for directory in run_directories(root)
        for name in directory.names()
        if name.endswith(".batch.json") and (data := directory.read(name))
    }
