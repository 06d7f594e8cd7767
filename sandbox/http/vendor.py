"""What the web server asks of a vendor's API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.routing import Route

from ..engine.produce import Format
from .api import ApiError

__all__ = ["Vendor"]


@dataclass(frozen=True)
class Vendor:
    """One vendor's API as the sandbox serves it."""

    name: str
    base_path: str
    """What the SDK's base URL ends with; every path of the API starts with it."""
    base_url_variable: str
    sdk_path: str | None
    """What that variable holds, for an SDK that adds the rest; None: `base_path`."""
    key_variable: str | None
    """None: it is another tool's as well, which would be sent here too."""
    format: Format
    routes: Sequence[Route]
    """Each is named after its operation, as in `CallFault.operation`."""
    error_body: Callable[[ApiError, str], dict[str, Any]]
    """Returns the body of an error response; the second argument is the request ID."""
    response_headers: Callable[[str, str | None, Headers], dict[str, str]]
    """Returns headers of every response, from request ID, account and request."""
    missing_key: str
    """The message for a request without a key."""
    invalid_key_code: str | None = None
    required_header: str | None = None
    keyless: str | None = None
    """The operation that is called without a key."""
