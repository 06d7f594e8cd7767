"""What code of the user's raises, as words: it ends no command."""

from __future__ import annotations

import signal
from asyncio import CancelledError
from collections.abc import Callable
from threading import current_thread, main_thread
from traceback import walk_tb
from typing import Any

from pydantic import ValidationError

__all__ = ["outcome_of", "said_by"]

_SHOWN_ERRORS = 3
_SHOWN_CHARACTERS = 300


def outcome_of(call: Callable[[Any], Any], value: Any) -> tuple[Any, str | None]:
    """Return what a call that runs code of the user's returns, or what it raised."""
    try:
        return call(value), None
    except BaseException as exc:  # noqa: BLE001 - it may raise anything
        return None, said_by(exc)


def said_by(exc: BaseException) -> str:
    """Return an exception of the user's code in one line, whatever its `__str__` does.

    Raises:
        BaseException: The exception itself, if it came from a signal or a cancelled
            task instead of the user's code.
    """
    if _is_cancellation(exc) or _is_signal(exc):
        raise exc
    try:
        if isinstance(exc, ValidationError):
            return " ".join(_errors(exc).split())
        text = " ".join(str(exc).split())
    except BaseException as inner:
        if _is_signal(inner):
            raise
        text = ""
    if len(text) > _SHOWN_CHARACTERS:
        text = f"{text[:_SHOWN_CHARACTERS]}..."
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__


def _errors(exc: ValidationError) -> str:
    errors = exc.errors(include_url=False, include_input=False, include_context=False)
    lines = []
    for error in errors[:_SHOWN_ERRORS]:
        path = ".".join(map(str, error["loc"]))
        lines.append(f"{path}: {error['msg']}" if path else error["msg"])
    more = len(errors) - _SHOWN_ERRORS
    return "; ".join(lines) + (f" (and {more} more)" if more > 0 else "")


def _is_cancellation(exc: BaseException) -> bool:
    """Whether what runs this thread cancels it, by a class of its own."""
    return isinstance(exc, CancelledError) and type(exc) is not CancelledError


def _is_signal(exc: BaseException) -> bool:
    """Whether a signal's handler raised it, while the user's code was running."""
    if current_thread() is not main_thread():
        return False  # signals are handled there alone
    handlers = [*map(signal.getsignal, signal.valid_signals())]
    if isinstance(exc, KeyboardInterrupt) and signal.default_int_handler in handlers:
        return True  # Python's own handler leaves no frame
    codes = {getattr(handler, "__code__", None) for handler in handlers}
    return any(frame.f_code in codes for frame, _ in walk_tb(exc.__traceback__))
