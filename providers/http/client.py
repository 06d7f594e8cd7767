"""What both SDK clients are built from: address, key, time-outs, retry rule."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypedDict

import httpx2

from ...errors import InputError, MissingKeyError, UnknownBatchError
from ...settings import get_settings
from .retry import no_futile_retry

__all__ = [
    "HttpOptions",
    "check_base_url",
    "check_batch_id",
    "check_key",
    "create_budget",
    "http_options",
    "key_name",
    "timeout",
]

_CONNECT_SECONDS = 10


class HttpOptions(TypedDict, total=False):
    """Arguments of the SDKs' `DefaultHttpxClient`."""

    event_hooks: dict[str, list[Callable[[httpx2.Response], None]]]
    transport: httpx2.BaseTransport


def http_options(transport: httpx2.BaseTransport | None) -> HttpOptions:
    """Return the options of the HTTP client; `transport` stands in for the network."""
    options: HttpOptions = {"event_hooks": {"response": [no_futile_retry]}}
    if transport is not None:
        options["transport"] = transport
    return options


def timeout() -> httpx2.Timeout:
    """Return how long a call may be silent."""
    seconds = get_settings().http_timeout_seconds
    return httpx2.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))


def create_budget() -> tuple[httpx2.Timeout, float]:
    """Return the limits of a create call, and how many seconds its body may take.

    Together they end the call within the time-out as a whole, for after that another
    process may look for the batch of a claim and find none.
    """
    seconds = get_settings().http_timeout_seconds
    limits = httpx2.Timeout(
        connect=min(seconds / 10, _CONNECT_SECONDS),
        pool=seconds / 20,
        write=seconds / 10,
        read=seconds / 4,
    )
    return limits, seconds / 2


def check_base_url(url: str) -> str:
    """Return a base URL without the slash at its end.

    Raises:
        InputError: It is no HTTP address.
    """
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as exc:
        raise InputError(f"Base URL {url!r} is no address: {exc}.") from exc
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise InputError(f"Base URL {url!r} must begin with http:// or https://.")
    return url.rstrip("/")


def key_name(key: str | None, variable: str) -> str:
    """Return what a person calls the key: where it is from."""
    return "the key that was given" if key else f"the key in {variable}"


def check_key(vendor: str, key: str | None, *variables: str) -> str:
    """Return the key to use: the one given, or of the first variable that is set.

    Raises:
        MissingKeyError: There is none, or it is something that no key can be.
    """
    found = key or next(filter(None, map(os.environ.get, variables)), "")
    found = found.strip()
    if not found:
        raise MissingKeyError(
            f"No API key for {vendor}: set {variables[0]}, or try `batchwright run"
            " --sandbox`, which needs none."
        )
    if not (found.isascii() and found.isprintable()) or " " in found:
        name = key_name(key, variables[0])
        raise MissingKeyError(
            f"No {vendor} key holds spaces or the like, as {name} does; set it again."
        )
    return found


def check_batch_id(batch_id: str) -> str:
    """Return the ID, if it can stand in a path of the API.

    Raises:
        UnknownBatchError: No batch has such an ID.
    """
    if not batch_id.strip(".") or "/" in batch_id:
        raise UnknownBatchError(
            f"{batch_id!r} is no batch ID; `batchwright list` shows the account's."
        )
    return batch_id
