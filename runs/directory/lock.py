"""One process at a time works on a local run; the kernel frees a dead one's lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from ...errors import RunBusyError
from .storage import Directory

__all__ = ["locked"]


@contextmanager
def locked(directory: Directory) -> Iterator[None]:
    """Hold the directory's lock for the block.

    A remote directory has no lock: there only the exclusive creation of each claim
    keeps two processes apart.

    Raises:
        RunBusyError: Another process holds it.
    """
    if not directory.is_local:
        yield
        return
    path = directory.local_path(".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, thread_local=False)
    try:
        acquired = lock.acquire(blocking=False)
    except Timeout as exc:
        raise RunBusyError(
            f"Another process works on {directory.url}; it goes on there, and"
            f" `batchwright status {directory.url}` shows how far it is."
        ) from exc
    with acquired:
        yield
