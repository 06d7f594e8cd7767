"""A folder, local or behind an fsspec URL, in which every file appears whole.

Locally a file is written under a temporary name, synced and renamed; remotely it
is one PUT. Creating each batch exactly once depends on `write_once`: of two
processes that write the same name, exactly one succeeds.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

from upath import UPath

from ...data.files import full_disk_named, make_folder, new_file, put_in_place
from .remote import open_store, reaching

__all__ = ["Directory"]


class Directory:
    """One folder of records and data files; all names are relative, with `/`."""

    def __init__(self, url: str) -> None:
        """Open a folder; nothing is created until something is written.

        Raises:
            InputError: A store that cannot create a file exclusively.
        """
        path = UPath(url)
        self.is_local = path.protocol in {"", "file"}
        self.url = str(Path(path.path).absolute()) if self.is_local else str(path)
        self._path = UPath(self.url) if self.is_local else open_store(path)

    def __repr__(self) -> str:
        return f"Directory({self.url!r})"

    def at(self, name: str) -> Directory:
        """Return a folder within this one."""
        return Directory(f"{self.url.rstrip('/')}/{name}")

    def local_path(self, name: str = "") -> Path:
        """Return the path of `name` on this machine; only where `is_local`."""
        return Path(self.url) / name

    def read(self, name: str) -> bytes | None:
        """Return the file's bytes; None where there is no such file."""
        with suppress(FileNotFoundError):
            if self.is_local:
                return self.local_path(name).read_bytes()
            with reaching(self.url):
                data: bytes = self._fs.cat_file(self._remote(name))
                return data
        return None

    def exists(self, name: str) -> bool:
        """Whether there is a file or folder of this name."""
        if self.is_local:
            return self.local_path(name).exists()
        with reaching(self.url):
            return bool(self._fs.exists(self._remote(name)))

    def write_once(self, name: str, data: bytes) -> None:
        """Create the file, whole and on disk.

        Raises:
            FileExistsError: Another process created it first.
        """
        if self.is_local:
            with new_file(self.local_path(name), exclusive=True) as temporary:
                temporary.write_bytes(data)
            return
        with reaching(self.url, writing=True):
            try:
                self._fs.pipe_file(self._remote(name), data, mode="create")
            except OSError as exc:
                # S3 refuses one of two simultaneous creations with 412 or 409.
                if isinstance(exc, FileExistsError) or self.exists(name):
                    raise FileExistsError(name) from exc
                raise

    def write(self, name: str, data: bytes) -> None:
        """Create or replace the file; a reader sees the old or the new one, whole."""
        if self.is_local:
            with new_file(self.local_path(name)) as temporary:
                temporary.write_bytes(data)
        else:
            with reaching(self.url, writing=True):
                self._fs.pipe_file(self._remote(name), data)

    def adopt(self, source: Path, name: str) -> None:
        """Move a finished local file to `name`, replacing what is there."""
        if self.is_local:
            target = self.local_path(name)
            make_folder(target.parent)
            put_in_place(source, target)
        else:
            with reaching(self.url, writing=True):
                self._fs.put_file(str(source), self._remote(name))
            source.unlink()

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a local folder, on the same disk where possible; it is removed after."""
        parent = self.local_path() if self.is_local else None
        if parent is not None:
            parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".tmp-", dir=parent))
        try:
            with full_disk_named(folder.parent):
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def clear_scratch(self) -> None:
        """Remove what `scratch` gave to processes that were killed; under the lock."""
        if self.is_local:
            for folder in self.local_path().glob(".tmp-*/"):
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """Give a local path to read the file from; a remote one is fetched first.

        Raises:
            FileNotFoundError: There is no such file.
        """
        if self.is_local:
            path = self.local_path(name)
            if not path.exists():
                raise FileNotFoundError(path)
            yield path
            return
        with self.scratch() as folder:
            path = folder / name.rpartition("/")[2]
            with reaching(self.url):
                self._fs.get_file(self._remote(name), str(path))
            yield path

    def names(self) -> list[str]:
        """Return the name of every file below, sorted. One listing."""
        if not self.is_local:
            root = self._remote("").rstrip("/") + "/"
            with suppress(FileNotFoundError), reaching(self.url):
                found = self._fs.find(root)
                return sorted(name.removeprefix(root) for name in found)
            return []
        base = self.url
        found = []
        for folder, folders, files in os.walk(base):
            folders[:] = [name for name in folders if not name.startswith(".tmp-")]
            prefix = folder[len(base) + 1 :]
            found += [f"{prefix}/{name}" if prefix else name for name in files]
        return sorted(name for name in found if "/.tmp-" not in f"/{name}")

    def children(self) -> list[str]:
        """Return the names of the folders right below, sorted. One listing."""
        try:
            if self.is_local:
                with os.scandir(self.url) as entries:
                    return sorted(entry.name for entry in entries if entry.is_dir())
            with reaching(self.url):
                found = self._fs.ls(self._remote(""), detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(
            entry["name"].rstrip("/").rpartition("/")[2]
            for entry in found
            if entry["type"] == "directory"
        )

    def age_seconds(self, name: str) -> float:
        """Return how long ago the file was written, by the storage's own clock."""
        probe = f".clock-{token_hex(4)}"
        self.write(probe, b"")
        try:
            return (self._modified(probe) - self._modified(name)).total_seconds()
        finally:
            self.remove(probe)

    def stamp(self, name: str) -> str:
        """Return when the file got its name here; a copy or a backup has another time.

        No program can set the time that a local file system keeps for this.
        """
        if self.is_local:
            return str(self.local_path(name).stat().st_ctime_ns)
        return self._modified(name).isoformat()

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        with suppress(FileNotFoundError):
            if self.is_local:
                self.local_path(name).unlink()
            else:
                with reaching(self.url):
                    self._fs.rm_file(self._remote(name))

    def clear(self) -> None:
        """Remove all files of a remote folder."""
        with suppress(FileNotFoundError), reaching(self.url):
            self._fs.rm(self._remote(""), recursive=True)

    def _modified(self, name: str) -> datetime:
        if self.is_local:
            return datetime.fromtimestamp(self.local_path(name).stat().st_mtime, UTC)
        with reaching(self.url):
            moment: datetime = self._fs.modified(self._remote(name))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    @property
    def _fs(self) -> Any:
        return self._path.fs

    def _remote(self, name: str) -> str:
        return str((self._path / name).path) if name else str(self._path.path)
