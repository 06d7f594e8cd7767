"""The sandbox's state: an SQLite database and a folder of files."""

from __future__ import annotations

import errno
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from ...errors import InputError

__all__ = ["BatchRow", "FileRow", "Store"]


@dataclass(frozen=True)
class FileRow:
    """One file of an account."""

    id: str
    account: str
    purpose: str
    filename: str
    bytes: int
    created_at: float
    expires_at: float | None = None
    seq: int = 0
    """Grows with every file; lists are ordered by it."""


@dataclass(frozen=True)
class BatchRow:
    """One batch of any vendor; `timeline` says which state it is in."""

    id: str
    provider: str
    account: str
    created_at: float
    plan: str
    """The `Plan` as JSON, settled when the batch is created."""
    input_file_id: str | None = None
    """The file with the requests; None: the file named after the batch."""
    endpoint: str | None = None
    metadata: str | None = None
    """JSON, as given."""
    output_seconds: int | None = None
    """How long result files are kept."""
    total: int = 0
    tokens: int = 0
    model: str | None = None
    first_custom_id: str | None = None
    validated: bool = False
    errors: str | None = None
    """JSON list, if the input was refused."""
    ready: bool = False
    """Whether the results are written; they are shown when the batch ends."""
    succeeded: int = 0
    errored: int = 0
    expired: int = 0
    cancelled: int = 0
    usage: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    cancel_at: float | None = None
    cancel_ran: int = 0
    """Requests that had run when the batch was cancelled."""
    seq: int = 0
    """Grows with every batch; lists are ordered by it."""


_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE}

_TABLES: dict[type, str] = {FileRow: "files", BatchRow: "batches"}
_Row = TypeVar("_Row", FileRow, BatchRow)


class Store:
    """All state; thread-safe, and open in one process at a time.

    Commits survive SIGKILL; a power cut may undo the last ones.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.files.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(
            folder / "sandbox.sqlite3", timeout=2, check_same_thread=False
        )
        self._db.row_factory = sqlite3.Row
        try:
            with self._full_disk_is_oserror():
                self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=NORMAL")
            self._create_tables()
        except OSError:
            self._db.close()
            raise
        except sqlite3.DatabaseError as exc:
            self._db.close()
            text = f"Sandbox folder {str(folder)!r} is in use by another sandbox; stop"
            text += " that one or choose another `--state-dir`."
            if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                text = f"{str(folder / 'sandbox.sqlite3')!r} cannot be used as the"
                text += f" state of a sandbox ({exc}); choose another `--state-dir`."
            raise InputError(text) from exc

    def _create_tables(self) -> None:
        with self.transaction():
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value)"
            )
            for row, table in _TABLES.items():
                names = [f.name for f in fields(row) if f.name not in {"id", "seq"}]
                self._db.execute(
                    f"CREATE TABLE IF NOT EXISTS {table} (seq INTEGER PRIMARY KEY"
                    f" AUTOINCREMENT, id TEXT UNIQUE NOT NULL, {', '.join(names)})"
                )

    def close(self) -> None:
        """Close the database; the folder can be opened again."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Apply all changes of the block, or none.

        Raises:
            OSError: The disk is full; nothing was changed.
        """
        with self._full_disk_is_oserror(), self._lock, self._db:
            yield

    @contextmanager
    def _full_disk_is_oserror(self) -> Iterator[None]:
        """Raise OSError within the block for SQLite's own error of a full disk."""
        try:
            yield
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode not in _FULL:
                raise
            full = errno.ENOSPC
            raise OSError(full, os.strerror(full), str(self.folder)) from exc

    def meta(self, name: str, default: Any = None) -> Any:
        """Return the value stored under `name`."""
        with self._lock:
            row = self._db.execute(
                "SELECT value FROM meta WHERE name = ?", (name,)
            ).fetchone()
        return default if row is None else row[0]

    def set_meta(self, name: str, value: Any) -> None:
        """Store a value under `name`."""
        with self.transaction():
            self._db.execute("REPLACE INTO meta VALUES (?, ?)", (name, value))

    def salt(self) -> bytes:
        """Return the salt of this folder's account names."""
        with self.transaction():
            found: bytes | None = self.meta("salt")
            if found is None:
                found = secrets.token_bytes(16)
                self.set_meta("salt", found)
            return found

    def add(self, row: FileRow | BatchRow) -> None:
        """Insert a row."""
        values = asdict(row)
        del values["seq"]
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        with self.transaction():
            self._db.execute(
                f"INSERT INTO {_TABLES[type(row)]} ({names}) VALUES ({marks})",  # noqa: S608 - our own names
                tuple(values.values()),
            )

    def update(self, kind: type, id_: str, **values: Any) -> None:
        """Change columns of one row."""
        names = ", ".join(f"{name} = ?" for name in values)
        with self.transaction():
            self._db.execute(
                f"UPDATE {_TABLES[kind]} SET {names} WHERE id = ?",  # noqa: S608
                (*values.values(), id_),
            )

    def remove(self, kind: type, id_: str) -> None:
        """Delete one row."""
        with self.transaction():
            self._db.execute(f"DELETE FROM {_TABLES[kind]} WHERE id = ?", (id_,))  # noqa: S608

    def get(self, kind: type[_Row], id_: str, **equal: Any) -> _Row | None:
        """Return one row, or None if no row has this ID and the given columns."""
        found = self.select(kind, id=id_, **equal)
        return found[0] if found else None

    def select(
        self,
        kind: type[_Row],
        *,
        newest_first: bool = True,
        before: int | None = None,
        after: int | None = None,
        limit: int = -1,
        **equal: Any,
    ) -> list[_Row]:
        """Return the rows with the given columns, `before` and `after` a `seq`."""
        conditions: dict[str, Any] = {
            f"{name} = ?": value for name, value in equal.items()
        }
        if before is not None:
            conditions["seq < ?"] = before
        if after is not None:
            conditions["seq > ?"] = after
        query = (
            f"SELECT * FROM {_TABLES[kind]} WHERE {' AND '.join(conditions) or '1'}"  # noqa: S608
            f" ORDER BY seq {'DESC' if newest_first else 'ASC'} LIMIT ?"
        )
        with self._lock:
            rows = self._db.execute(query, (*conditions.values(), limit)).fetchall()
        return [kind(**row) for row in rows]

    def path(self, id_: str) -> Path:
        """Return the path of a file's content, or of a batch's requests."""
        return self.files / id_
