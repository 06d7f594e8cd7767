"""Files that appear whole: written under a temporary name, synced, renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from upath import UPath

from ..errors import InputError

__all__ = ["absolute", "is_url", "new_output", "reason"]


@contextmanager
def new_output(location: str) -> Iterator[Path]:
    """Give a local path to write to; it becomes `location` when the block ends well.

    Raises:
        InputError: It cannot be written there.
    """
    target = None if is_url(location) else Path(location).absolute()
    try:
        if target is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=".tmp-", suffix=Path(location).suffix, dir=target and target.parent
        )
    except OSError as exc:
        raise InputError(f"{location} cannot be written: {reason(exc)}.") from exc
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if target is None:
            remote = UPath(location)
            remote.fs.put_file(str(temporary), remote.path)
        else:
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(target)
    except OSError as exc:
        raise InputError(f"{location} cannot be written: {reason(exc)}.") from exc
    finally:
        temporary.unlink(missing_ok=True)


def is_url(location: str) -> bool:
    """Whether it is an fsspec URL such as `s3://...`, and no path."""
    return "://" in location


def absolute(location: str) -> str:
    """Return a path that holds from any working directory; URLs stay as they are."""
    return location if is_url(location) else str(Path(location).absolute())


def reason(exc: OSError) -> str:
    """Return the system's words alone; a library may have added its own."""
    return os.strerror(exc.errno) if exc.errno else str(exc).rstrip(".")


def _umask() -> int:
    """Return the process's mask; `mkstemp` ignores it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
