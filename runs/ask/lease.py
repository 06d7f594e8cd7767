"""One process at a time asks the requests of an attempt, on a shared store too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ...errors import RunBusyError
from ...settings import get_settings
from ..directory.storage import Directory

__all__ = ["leased"]


@contextmanager
def leased(directory: Directory, name: str) -> Iterator[Callable[[], None]]:
    """Hold an attempt for the block, and give what must be called now and then.

    A local run has its lock. On a store, the holder writes its file again while it
    works; whoever finds that it has not done so for `2 * settle_seconds` makes the next
    file, which only one process can.

    Args:
        directory: Of the run.
        name: What the names of the files begin with.

    Raises:
        RunBusyError: Another process asks, or has taken over meanwhile.
    """
    if directory.is_local:
        yield lambda: None
        return
    settings = get_settings()
    folder = directory.at(name)
    stale_seconds = 2 * settings.settle_seconds
    busy = RunBusyError(
        f"Another process asks the requests of {directory.url}, or did so until less"
        f" than {stale_seconds:g} s ago; if it was killed, resume the run after that."
    )
    held = folder.names()
    number = int(held[-1]) + 1 if held else 0
    if held and folder.age_seconds(held[-1]) < stale_seconds:
        raise busy
    mine, next_one = f"{number:06}", f"{number + 1:06}"
    try:
        folder.write_once(mine, b"")
    except FileExistsError:
        raise busy from None
    renewed_at = time.monotonic()

    def renew() -> None:
        nonlocal renewed_at
        if time.monotonic() - renewed_at < settings.settle_seconds / 3:
            return
        if folder.exists(next_one):
            raise busy
        folder.write(mine, b"")
        renewed_at = time.monotonic()

    try:
        yield renew
    finally:
        folder.remove(mine)
