"""The stores behind fsspec URLs that a run directory may be on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from upath import UPath

from ...errors import InputError, RunError

__all__ = ["open_store", "reaching"]

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}
"""The stores known to create a file exclusively, and what installs their client."""


def open_store(path: UPath) -> UPath:
    """Return the path with a client that never answers from an old listing.

    Raises:
        InputError: The store cannot create a file exclusively, or its client is
            not installed.
    """
    protocol = path.protocol
    if protocol not in {"memory", *_EXTRAS}:
        raise InputError(
            f"A run directory on {protocol}:// is not safe, because that store cannot"
            " create a file exclusively; use a local folder, s3:// or gs://."
        )
    opened = UPath(str(path), use_listings_cache=False)
    try:
        opened.fs  # noqa: B018 - made, and so imported, on first use
    except ImportError as exc:
        package = {"s3": "batchwright[s3]", "gcs": "gcsfs"}[_EXTRAS[protocol]]
        raise InputError(
            f"{path} needs a client that is not installed: pip install '{package}'."
        ) from exc
    return opened


@contextmanager
def reaching(url: str, *, writing: bool = False) -> Iterator[None]:
    """Say in one sentence what the store's client cannot do.

    Args:
        url: The run directory.
        writing: Whether an absent file means that the bucket is absent.

    Raises:
        RunError: No access, no such bucket, or no connection after its retries.
    """
    botocore = sys.modules.get("botocore.exceptions")
    failures = (botocore.BotoCoreError,) if botocore else ()
    try:
        yield
    except (OSError, *failures) as exc:
        if isinstance(exc, FileExistsError):
            raise
        if isinstance(exc, FileNotFoundError) and not writing:
            raise
        raise RunError(
            f"{url} cannot be used: {str(exc).rstrip('.')}. What is there stays, and"
            " the run can be resumed."
        ) from exc
