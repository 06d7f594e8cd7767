"""What boto3 does for Bedrock: credentials, signatures, and files on S3."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from ...errors import (
    AccessError,
    InputError,
    MissingKeyError,
    RejectedError,
    UnreachableError,
    in_one_line,
)
from ..base import Progress

__all__ = ["Bucket", "Signer", "session_of"]

_DENIED = frozenset({401, 403})
_PASSING = frozenset({408, 429})
_BLOCK_BYTES = 1 << 20


def session_of(access_key: str | None, region: str) -> Any:
    """Return a session of boto3, whose chain finds the credentials.

    Args:
        access_key: Both parts of the key of a sandbox; None for any other server.
        region: Where the jobs are.

    Raises:
        InputError: boto3 is not installed.
        MissingKeyError: There are no credentials.
    """
    try:
        import boto3  # noqa: PLC0415 - of an extra
        import botocore.exceptions  # noqa: PLC0415
    except ImportError:
        raise InputError(
            "Amazon Bedrock needs boto3: pip install 'batchwright[bedrock]'."
        ) from None
    try:
        session = boto3.Session(
            aws_access_key_id=access_key,
            aws_secret_access_key=access_key,
            region_name=region,
        )
        found = session.get_credentials()
    except botocore.exceptions.BotoCoreError as exc:
        raise AccessError(f"Amazon Bedrock: {in_one_line(exc)}.") from None
    if found is None:
        raise MissingKeyError(
            "boto3 finds no credentials for Amazon Bedrock: set AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run `aws configure`."
        )
    return session


class Signer(httpx2.Auth):
    """Signs each call when it is sent, a repeated one anew."""

    requires_request_body = True

    def __init__(self, session: Any, region: str) -> None:
        self._session = session
        self._region = region

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Add the headers of a signature, version 4."""
        from botocore.auth import SigV4Auth  # noqa: PLC0415 - of an extra
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415

        signed = AWSRequest(
            request.method,
            str(request.url),
            headers={"Content-Type": request.headers.get("content-type", "")},
            data=request.content,
        )
        try:
            credentials = self._session.get_credentials().get_frozen_credentials()
            SigV4Auth(credentials, "bedrock", self._region).add_auth(signed)
        except BotoCoreError as exc:
            raise AccessError(f"Amazon Bedrock: {in_one_line(exc)}.") from None
        request.headers.update(dict(signed.headers.items()))
        yield request


class Bucket:
    """Files on S3, streamed in both directions."""

    def __init__(self, session: Any, endpoint_url: str | None) -> None:
        from botocore.config import Config  # noqa: PLC0415 - of an extra

        # Without checksums that only some stores know; TLS and sizes show a cut.
        self._client = session.client(
            "s3",
            endpoint_url=endpoint_url,
            config=Config(
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path"} if endpoint_url else None,
            ),
        )

    def put(self, path: Path, uri: str, progress: Progress | None) -> None:
        """Upload a file, in parts if it is large."""
        total, done = path.stat().st_size, 0

        def tell(count: int) -> None:
            nonlocal done
            done += count
            if progress:
                progress(done, total)

        name, key = _parts(uri)
        with _failures(f"upload the request file to {uri}"):
            self._client.upload_file(str(path), name, key, Callback=tell)

    def size(self, uri: str) -> int | None:
        """Return the size of an object; None where there is none."""
        name, key = _parts(uri)
        try:
            with _failures(f"look at {uri}"):
                size: int = self._client.head_object(Bucket=name, Key=key)[
                    "ContentLength"
                ]
        except RejectedError:
            return None
        return size

    def list(self, uri: str) -> dict[str, int]:
        """Return URI and size of each object below a URI."""
        name, prefix = _parts(uri)
        with _failures(f"list {uri}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=name, Prefix=prefix
            )
            return {
                f"s3://{name}/{each['Key']}": each["Size"]
                for page in pages
                for each in page.get("Contents", ())
            }

    def get(self, uri: str) -> httpx2.Response:
        """Return an object as an answer whose body is not yet read."""
        name, key = _parts(uri)
        with _failures(f"download {uri}"):
            found = self._client.get_object(Bucket=name, Key=key)
        return httpx2.Response(
            200,
            headers={"content-length": str(found["ContentLength"])},
            content=_blocks(found["Body"]),
        )


def _blocks(body: Any) -> Iterator[bytes]:
    from botocore.exceptions import BotoCoreError, HTTPClientError  # noqa: PLC0415

    try:
        yield from body.iter_chunks(_BLOCK_BYTES)
    except (BotoCoreError, HTTPClientError, OSError) as exc:
        raise httpx2.ReadError(in_one_line(exc)) from exc


def _parts(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri)
    return parts.netloc, parts.path.lstrip("/")


@contextmanager
def _failures(what: str) -> Iterator[None]:
    """Raise our errors for boto3's; `what` completes "could not ..."."""
    from boto3.exceptions import S3UploadFailedError  # noqa: PLC0415 - of an extra
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        yield
    except (BotoCoreError, ClientError, S3UploadFailedError) as exc:
        cause = exc.__context__ if isinstance(exc, S3UploadFailedError) else exc
        said = f"Could not {what}: {in_one_line(exc)}"
        if not isinstance(cause, ClientError):
            raise UnreachableError(f"{said}. Check the network.") from None
        answer: Any = cause.response
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
        code = answer.get("Error", {}).get("Code")
        if status in _DENIED:
            text = f"{said}. Check what these credentials may do with the bucket."
            raise AccessError(text, status, code) from None
        if status is None or status in _PASSING or status >= 500:  # noqa: PLR2004
            raise UnreachableError(f"{said}. Try again later.", status, code) from None
        raise RejectedError(f"{said}.", status, code) from None
