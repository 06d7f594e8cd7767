"""Result lines that are on disk as they arrive.

In a local run they are appended to the attempt's output file. A store behind a URL
cannot append, so there each line is a file of its own until all are there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Lock

from ...data.files import full_disk_named, make_folder
from ..directory.storage import Directory

__all__ = ["Answers", "answers_in"]


class Answers:
    """The lines that an attempt has so far; several threads may add."""

    def __init__(
        self, path: Path, pieces: Directory | None, id_of: Callable[[bytes], str | None]
    ) -> None:
        """Read what is there; a last line that is torn is dropped.

        Args:
            path: The file that is appended to.
            pieces: The folder of the store with a file for each line; None: the run is
                local, and `path` is all there is.
            id_of: Returns the `custom_id` of a result line.
        """
        self.path = path
        self._pieces = pieces
        self._lock = Lock()
        self._descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o666)
        self._size = 0
        self.ids: set[str | None] = set()
        with path.open("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):
                    self._size += len(line)
                    self.ids.add(id_of(line))
        os.ftruncate(self._descriptor, self._size)
        for name in pieces.names() if pieces else ():
            self._append((pieces and pieces.read(name)) or b"")
            self.ids.add(name)

    def add(self, custom_id: str, line: bytes) -> None:
        """Keep one line; it is on disk when this returns.

        Raises:
            OSError: The disk is full; what was written of the line is taken back.
        """
        if self._pieces:
            self._pieces.write(custom_id, line + b"\n")
        with self._lock:
            self._append(line + b"\n")

    def clear(self) -> None:
        """Remove the files of single lines, once all lines are in one."""
        if self._pieces:
            self._pieces.clear()

    def close(self) -> None:
        """Take no more lines."""
        with self._lock:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, data: bytes) -> None:
        try:
            with full_disk_named(self.path.parent):
                written = 0
                while written < len(data):
                    written += os.write(self._descriptor, data[written:])
                os.fsync(self._descriptor)
        except OSError:
            if self._descriptor >= 0:
                os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(data)


@contextmanager
def answers_in(
    directory: Directory, name: str, id_of: Callable[[bytes], str | None]
) -> Iterator[Answers]:
    """Give the answers of the attempt whose output file has this name."""
    pieces = None
    with ExitStack() as stack:
        if directory.is_local:
            path = directory.local_path(name)
            make_folder(path.parent)
        else:
            path = stack.enter_context(directory.scratch()) / "output.jsonl"
            pieces = directory.at(name.replace(".output.jsonl", ".answers"))
        yield stack.enter_context(closing(Answers(path, pieces, id_of)))
