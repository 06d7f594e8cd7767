"""Addresses of APIs and servers, without the passwords that a URL may hold."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..errors import InputError
from .vendor import Vendor

__all__ = ["checked_url", "is_own", "without_password"]

_USER_INFO = re.compile(r"(?<=://)[^/?#\s]*@")


def checked_url(url: str, variable: str = "the variable of the base URL") -> str:
    """Return a base URL without the slash at its end.

    Raises:
        InputError: It is no HTTP address, or holds a user name or a password, which
            records and messages would show.
    """
    if not url:
        raise InputError(
            f"This provider has no address of its own: set {variable} to the base URL"
            " of the server."
        )
    shown = without_password(url)
    try:
        parsed = urlsplit(url)
        _ = parsed.port  # raises where it is none
    except ValueError as exc:
        raise InputError(f"Base URL {shown!r} is no address: {exc}.") from None
    if parsed.scheme not in {"http", "https"} or not parsed.hostname:
        raise InputError(f"Base URL {shown!r} must begin with http:// or https://.")
    if shown != url:
        raise InputError(
            f"The base URL of {shown!r} holds a user name or a password, which records"
            " and messages would show; leave them out, and give the secret as the API"
            " key."
        )
    return url.rstrip("/")


def is_own(base_url: str, vendor: Vendor) -> bool:
    """Whether the vendor itself answers there, or the sandbox in its place."""
    parts, own = urlsplit(base_url), urlsplit(vendor.base_url)
    host, own_host = parts.hostname or "", own.hostname or ""
    if host in {"127.0.0.1", "localhost", "::1"}:
        return parts.path.rstrip("/") == f"/{vendor.name}{own.path}"
    return host == own_host or host.endswith(f".{own_host}")


def without_password(text: str) -> str:
    """Return the text with no user name and no password in its URLs."""
    return _USER_INFO.sub("", text)
