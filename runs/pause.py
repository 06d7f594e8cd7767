"""Waiting that ends at once when the process is asked to stop."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from threading import Event
from typing import TypeVar

from ..errors import CreationUnknownError, ProviderError, visible
from ..settings import get_settings
from .events import emit

__all__ = ["growing", "patiently", "pause", "request_stop", "stop_requested"]

T = TypeVar("T")

_stopping = Event()
_logger = logging.getLogger(__name__)


def request_stop() -> None:
    """Make every pause in every thread of this process end with an interrupt."""
    _stopping.set()


def stop_requested() -> bool:
    """Whether `request_stop` was called."""
    return _stopping.is_set()


def pause(seconds: float) -> None:
    """Wait.

    Raises:
        KeyboardInterrupt: A stop was requested before or meanwhile.
    """
    if _stopping.wait(seconds):
        raise KeyboardInterrupt


def growing(first_seconds: float, longest_seconds: float) -> Iterator[float]:
    """Yield pauses that grow by half each, with a fifth of jitter, without end."""
    seconds = first_seconds
    while True:
        yield seconds * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, no secret
        seconds = min(seconds * 1.5, longest_seconds)


def patiently(call: Callable[[], T], what: str, *, settles: bool = False) -> T:
    """Return what `call` returns, trying again while its failure may pass.

    A call that failed is not a batch that failed. The first failure is reported, the
    others are not. Only for calls that are safe to repeat.

    Args:
        call: The call.
        what: Its name in the report, at the beginning of a sentence.
        settles: Whether `call` finds out by itself what became of a lost creation.

    Raises:
        ProviderError: It is not a temporary failure, or `patience_seconds` are over.
    """
    settings = get_settings()
    deadline = time.monotonic() + settings.patience_seconds
    reported = False
    for seconds in growing(settings.retry_seconds, settings.max_poll_seconds):
        try:
            return call()
        except ProviderError as exc:
            wait_seconds = max(seconds, exc.retry_after_seconds or 0)
            if (
                not exc.retryable
                or time.monotonic() + wait_seconds > deadline
                or (isinstance(exc, CreationUnknownError) and not settles)
            ):
                raise
            if not reported:
                reported = True
                text = visible(f"{what} failed and is tried again: {exc}")
                emit("notice", text=text)
                _logger.warning("%s", text)
        pause(wait_seconds)
    raise AssertionError("pauses never end")
