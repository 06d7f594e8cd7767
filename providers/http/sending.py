"""The last check of a call that must not be sent late, right before its first byte.

A process may stand still at any moment, as with SIGSTOP or when its machine sleeps, and
a check that came earlier says nothing any more when it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpx2

__all__ = ["check_late", "checked_when_sent"]

_check: ContextVar[Callable[[], None] | None] = ContextVar(
    "batchwright_check_when_sent", default=None
)
_LAST_MOMENTS = ("send_request_headers.started", "send_request_body.started")


@contextmanager
def checked_when_sent(check: Callable[[], None]) -> Iterator[None]:
    """Call `check` right before a call of the block is sent; what it raises stops it.

    It is called again before the body, since a call without its body does nothing.
    """
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


def check_late(request: httpx2.Request) -> None:
    """Have the connection do the check; a hook of the HTTP client."""
    check = _check.get()
    if check is None:
        return

    def traced(event: str, _details: object) -> None:
        if event.endswith(_LAST_MOMENTS):
            check()

    request.extensions["trace"] = traced
