"""Objects on S3: those that the sandbox keeps itself, or those of another local server.

What `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL` names when a job is created is where
its files are, and any key does there. Without them they are the sandbox's own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..engine.store import FileRow, Store

__all__ = ["PURPOSE", "Objects", "object_row", "server_of_objects"]

PURPOSE = "s3"
_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


def server_of_objects() -> str | None:
    """Return the address of the other server; None: there is none."""
    return next(filter(None, map(os.environ.get, _VARIABLES)), None)


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

    def __init__(self, store: Store, account: str, server: str | None = None) -> None:
        self._store = store
        self._account = account
        self._server = server

    def fetch(self, uri: str, path: Path) -> bool:
        """Copy an object to a file; False where it cannot be read."""
        row = object_row(self._account, uri, 0, 0)
        if self._store.get(FileRow, row.id) is not None:
            shutil.copyfile(self._store.path(row.id), path)
            return True
        if self._server is None:
            return False
        client = _client(self._server)
        try:
            body = client.get_object(**_place(uri))["Body"]
        except client.exceptions.ClientError:
            return False
        with path.open("wb") as file:
            shutil.copyfileobj(body, file)
        return True

    def put(self, uri: str, path: Path, *, beside: str) -> None:
        """Copy a file to an object, at the server where the object `beside` is."""
        row = object_row(self._account, beside, 0, 0)
        if self._server is None or self._store.get(FileRow, row.id) is not None:
            self.keep(uri, path, 0)
        else:
            with path.open("rb") as file:
                _client(self._server).put_object(Body=file, **_place(uri))

    def keep(self, uri: str, path: Path, now: float) -> None:
        """Keep a file as an object of the sandbox's own."""
        row = object_row(self._account, uri, path.stat().st_size, now)
        with self._store.transaction():
            shutil.copyfile(path, self._store.path(row.id))
            self._store.remove(FileRow, row.id)
            self._store.add(row)


def _place(uri: str) -> dict[str, str]:
    parts = urlsplit(uri)
    return {"Bucket": parts.netloc, "Key": parts.path.lstrip("/")}


@lru_cache(maxsize=8)
def _client(server: str) -> Any:
    import boto3  # noqa: PLC0415 - of an extra
    from botocore.config import Config  # noqa: PLC0415

    return boto3.client(
        "s3",
        config=Config(retries={"total_max_attempts": 1}),
        endpoint_url=server,
        region_name="us-east-1",
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106 - no secret
    )
