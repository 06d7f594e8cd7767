"""Where jobs and their files are, and by which role they are read: the environment."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from ...errors import InputError

__all__ = [
    "SANDBOX_PLACE",
    "SANDBOX_ROLE",
    "account_of_role",
    "place_of_files",
    "region_of",
    "role_of_jobs",
    "runtime_url",
]

SANDBOX_ROLE = "arn:aws:iam::000000000000:role/sandbox"
SANDBOX_PLACE = "s3://sandbox"
"""What a run in a sandbox has, whatever the environment says."""

_ROLE, _PLACE = "BEDROCK_BATCH_ROLE_ARN", "BEDROCK_BATCH_S3_URI"
_HOST = re.compile(r"bedrock(?:-fips)?\.([a-z0-9-]+)\.")
_ACCOUNT = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):role/.+")


def region_of(base_url: str) -> str:
    """Return the region of an address; that of the environment for another server."""
    found = _HOST.match(urlsplit(base_url).hostname or "")
    if found:
        return found[1]
    variables = ("AWS_REGION", "AWS_DEFAULT_REGION")
    return next(filter(None, map(os.environ.get, variables)), "us-east-1")


def runtime_url(base_url: str) -> str:
    """Return where single requests are answered, which is another host of AWS's."""
    given = os.environ.get("AWS_ENDPOINT_URL_BEDROCK_RUNTIME")
    return given or base_url.replace("://bedrock", "://bedrock-runtime", 1)


def account_of_role() -> str | None:
    """Return the number of the account in which the role is."""
    found = _ACCOUNT.fullmatch(os.environ.get(_ROLE, ""))
    return found[1] if found else None


def role_of_jobs() -> str:
    """Return the role that reads and writes the files.

    Raises:
        InputError: The environment does not name it.
    """
    found = os.environ.get(_ROLE, "")
    if not _ACCOUNT.fullmatch(found):
        raise InputError(
            "A batch of Amazon Bedrock needs a service role that may read and write"
            f" the bucket: set {_ROLE} to its ARN (arn:aws:iam::ACCOUNT:role/NAME)."
        )
    return found


def place_of_files() -> str:
    """Return where request files and results are put.

    Raises:
        InputError: The environment does not name it.
    """
    found = os.environ.get(_PLACE, "").rstrip("/")
    parts = urlsplit(found)
    if parts.scheme != "s3" or not parts.netloc:
        raise InputError(
            f"A batch of Amazon Bedrock has its files on S3: set {_PLACE} to"
            " s3://BUCKET/PREFIX, in the region of the jobs."
        )
    return found
