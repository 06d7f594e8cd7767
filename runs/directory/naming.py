"""Which directory a job gets that was given none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from itertools import chain, count
from pathlib import PurePosixPath

from ...data.resolve import ResolvedJob
from ...errors import BatchwrightError
from ...settings import get_settings
from .run import Run
from .storage import Directory

__all__ = ["directory_of", "directory_of_rows", "unfinished_directory_of"]

_HASH = "[0-9a-f]{8}"
_FLOW_RUN = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def directory_of(job: ResolvedJob, flow_run: str | None = None) -> Directory:
    """Return the one directory of a job, whether there is a run in it or not.

    Args:
        job: The job.
        flow_run: A flow run that has a run of its own; its retries find it again.
    """
    root = Directory(get_settings().runs_dir)
    name = _name(job)
    before = rf"{re.escape(_stem(job))}-{_HASH}"
    if flow_run is not None:
        name = f"{name}-{flow_run[:8]}"
        before = rf"{re.escape(flow_run)}-{_HASH}"
    own = root.at(name)
    if own.exists("job.json"):
        return own
    return next((run.directory for run in _runs_of(job, root, before)), own)


def unfinished_directory_of(job: ResolvedJob, since: datetime) -> Directory:
    """Return the directory of the job's open run, or of a new one.

    It does not matter which process began the open run. A run that was finished after
    `since` is returned too, because the caller itself began it.
    """
    root = Directory(get_settings().runs_dir)
    stem, name = re.escape(_stem(job)), re.escape(_name(job))
    pattern = rf"{name}(-.+)?|({stem}|{_FLOW_RUN})-{_HASH}"
    for run in _runs_of(job, root, pattern):
        report = run.state().report
        if report is None or (report.ended_at and report.ended_at >= since):
            return run.directory
    taken = set(root.children())
    names = chain([_name(job)], (f"{_name(job)}-{number}" for number in count(2)))
    return root.at(next(name for name in names if name not in taken))


def _runs_of(job: ResolvedJob, root: Directory, pattern: str) -> Iterator[Run]:
    """Yield the runs of this job whose directory matches, by name.

    Version 0.1 made another fingerprint, so the job decides and not the name.
    """
    for name in root.children():
        if not re.fullmatch(pattern, name) or not root.at(name).exists("job.json"):
            continue
        try:
            run = Run.load(root.at(name).url)
        except BatchwrightError:
            if name.startswith(_name(job)):
                raise  # it may be this job's, and what it bought would be bought again
            continue
        if run.job.fingerprint() == job.fingerprint():
            yield run


def _stem(job: ResolvedJob) -> str:
    return PurePosixPath(job.job.output).stem


def _name(job: ResolvedJob) -> str:
    return f"{_stem(job)}-{job.fingerprint()[:8]}"


def directory_of_rows(job: ResolvedJob, name: str, digest: str) -> Directory:
    """Return the one directory of a job over rows that were in memory.

    Args:
        job: The job; where its input and output are does not count.
        name: What the directory's name begins with.
        digest: That of the rows, hex.
    """
    where = {"input": "", "output": ""}
    same = job.model_copy(update={"job": job.job.model_copy(update=where)})
    key = sha256(f"{same.fingerprint()} {digest}".encode()).hexdigest()
    return Directory(get_settings().runs_dir).at(f"{name}-{key[:8]}")
