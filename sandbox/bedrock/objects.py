"""Objects on S3: those that the sandbox keeps itself, or those of another server.

A URI that was put to the sandbox's own S3 is read and written there. Any other is at
the server that boto3 is sent to, `AWS_ENDPOINT_URL_S3` for example.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from ..engine.store import FileRow, Store

__all__ = ["PURPOSE", "Objects", "object_row"]

PURPOSE = "s3"


def object_row(account: str, uri: str, size: int, now: float) -> FileRow:
    """Return the row of an object of the sandbox's own."""
    name = hashlib.sha256(f"{account} {uri}".encode()).hexdigest()
    return FileRow(
        id=f"{PURPOSE}-{name}",
        account=account,
        purpose=PURPOSE,
        filename=uri,
        bytes=size,
        created_at=now,
    )


class Objects:
    """What the role of a job may read and write."""

    def __init__(self, store: Store, account: str) -> None:
        self._store = store
        self._account = account

    def fetch(self, uri: str, path: Path) -> bool:
        """Copy an object to a file; False where it cannot be read."""
        row = object_row(self._account, uri, 0, 0)
        if self._is_own(uri):
            if self._store.get(FileRow, row.id) is None:
                return False
            shutil.copyfile(self._store.path(row.id), path)
            return True
        import boto3  # noqa: PLC0415 - of an extra
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        parts = urlsplit(uri)
        try:
            boto3.client("s3").download_file(
                parts.netloc, parts.path.lstrip("/"), str(path)
            )
        except (BotoCoreError, ClientError):
            return False
        return True

    def put(self, uri: str, path: Path) -> None:
        """Copy a file to an object."""
        if self._is_own(uri):
            self.keep(uri, path, 0)
            return
        import boto3  # noqa: PLC0415 - of an extra

        parts = urlsplit(uri)
        boto3.client("s3").upload_file(str(path), parts.netloc, parts.path.lstrip("/"))

    def keep(self, uri: str, path: Path, now: float) -> None:
        """Keep a file as an object of the sandbox's own."""
        row = object_row(self._account, uri, path.stat().st_size, now)
        with self._store.transaction():
            shutil.copyfile(path, self._store.path(row.id))
            self._store.remove(FileRow, row.id)
            self._store.add(row)

    def _is_own(self, uri: str) -> bool:
        """Whether the sandbox keeps objects in the bucket of a URI."""
        bucket = f"s3://{urlsplit(uri).netloc}/"
        rows = self._store.select(FileRow, account=self._account, purpose=PURPOSE)
        return any(row.filename.startswith(bucket) for row in rows)
