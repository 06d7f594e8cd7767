"""Files that appear whole: written under a temporary name, synced, then renamed."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from filelock import FileLock
from upath import UPath

from ..errors import InputError, is_disk_full

__all__ = [
    "absolute",
    "full_disk_named",
    "is_url",
    "make_folder",
    "new_file",
    "new_output",
    "put_in_place",
    "reason",
    "rename_exclusively",
    "size_and_digest",
]

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
"""What a file system without hard links answers."""


@contextmanager
def new_output(location: str) -> Iterator[Path]:
    """Give a local path to write to; it becomes `location` when the block ends well.

    Raises:
        InputError: It cannot be written there.
    """
    try:
        if is_url(location):
            with tempfile.TemporaryDirectory(prefix="batchwright-") as folder:
                temporary = Path(folder, UPath(location).name)
                yield temporary
                remote = UPath(location)
                remote.fs.put_file(str(temporary), remote.path)
        else:
            with new_file(Path(location).absolute()) as temporary:
                yield temporary
    except OSError as exc:
        raise InputError(f"{location} cannot be written: {reason(exc)}.") from exc


@contextmanager
def new_file(target: Path, *, exclusive: bool = False) -> Iterator[Path]:
    """Give a path to write to; it becomes `target` when the block ends well.

    It has the suffix of `target`, and exists from the start, so that a folder that
    cannot be written to is noticed before any work.

    Args:
        target: The file; its folders are made.
        exclusive: Whether a file of that name must not be replaced.

    Raises:
        FileExistsError: There is a file of that name, and `exclusive` was asked for.
    """
    make_folder(target.parent)
    temporary = target.with_name(f".tmp-{token_hex(8)}{target.suffix}")
    try:
        with full_disk_named(target.parent):
            temporary.touch(exist_ok=False)
            yield temporary
            put_in_place(temporary, target, exclusive=exclusive)
    finally:
        temporary.unlink(missing_ok=True)


def put_in_place(source: Path, target: Path, *, exclusive: bool = False) -> None:
    """Give a finished file its name; both names are on the same disk.

    The file is synced before and its folder after that, so that neither a crash nor
    a power cut leaves a file that is not whole.

    Raises:
        FileExistsError: There is a file of that name, and `exclusive` was asked for.
    """
    with source.open("rb+") as file:
        os.fsync(file.fileno())
    if not exclusive:
        source.replace(target)
    else:
        try:
            os.link(source, target)  # a rename would replace the file
        except OSError as exc:
            if exc.errno not in _NO_LINKS:
                raise
            rename_exclusively(source, target)
    _sync_folder(target.parent)


def rename_exclusively(source: Path, target: Path) -> None:
    """Give a file its name on a disk without hard links, such as exFAT.

    A lock of the folder keeps the processes of this machine apart; those of another
    machine that writes to the same disk are not.

    Raises:
        FileExistsError: There is a file of that name.
    """
    with FileLock(target.with_name(".tmp-lock")):
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        source.replace(target)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that a power cut leaves them too."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "nt":  # Windows syncs a folder with its files
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def full_disk_named(folder: Path) -> Iterator[None]:
    """Add the folder to an error that says only that the disk is full."""
    try:
        yield
    except OSError as exc:
        if is_disk_full(exc) and exc.filename is None:
            exc.filename = str(folder)
        raise


def is_url(location: str) -> bool:
    """Whether it is an fsspec URL such as `s3://...`, and no path."""
    return "://" in location


def absolute(location: str) -> str:
    """Return a path that holds from any working directory; URLs stay as they are."""
    return location if is_url(location) else str(Path(location).absolute())


def reason(exc: OSError) -> str:
    """Return the system's words alone; a library may have added its own."""
    return os.strerror(exc.errno) if exc.errno else str(exc).rstrip(".")


def size_and_digest(location: str) -> tuple[int, str | None]:
    """Return a file's size in bytes and its SHA-256 in hex; None behind a URL.

    A local file is read for it, about a second per GB; a remote one is not.
    """
    path = UPath(location)
    if is_url(location):
        return path.stat().st_size, None
    with Path(location).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest
