"""Work that a signal ends within two seconds, whatever it waits for."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any, NoReturn, TypeVar

from ..runs.pause import request_stop, stop_requested
from .exits import INTERRUPTED, say, signals_handled
from .progress import erase_bars

__all__ = ["do_until_stopped"]

T = TypeVar("T")

_GRACE_SECONDS = 1
"""How long stopped work may take to end by itself, and to tell Prefect about it."""

_DEADLINE_SECONDS = 1.5
"""When the process ends although it could not even print its message."""

_SHOW_CURSOR = "\x1b[?25h"


def do_until_stopped(
    work: Callable[[], T], *, message: str, release: Callable[[], None]
) -> T:
    """Do the work in a thread; this one, the main thread, waits for it or a signal.

    So nothing that the work calls can take over the signals, which Prefect does in the
    main thread, or keep the main thread from its message.

    Args:
        work: What to do; its pauses end when a stop is requested.
        message: What to print when a signal stops it.
        release: Called before the process ends by a signal; must be quick, and may be
            called from any thread.
    """
    done: Future[T] = Future()

    def leave() -> NoReturn:
        """Exit without waiting for threads: files are complete at any moment."""
        release()
        os._exit(INTERRUPTED)

    def stop(_number: int, _frame: Any) -> None:
        if stop_requested():  # `timeout` signals the process, and then its group
            return
        request_stop()
        deadline = threading.Timer(_DEADLINE_SECONDS, leave)
        deadline.daemon = True
        deadline.start()
        raise KeyboardInterrupt

    def do() -> None:
        try:
            done.set_result(work())
        except BaseException as exc:  # noqa: BLE001 - raised in the main thread
            done.set_exception(exc)

    thread = threading.Thread(target=copy_context().run, args=(do,), daemon=True)
    with signals_handled(stop):
        try:
            thread.start()
            return done.result()
        except KeyboardInterrupt:
            erase_bars()
            say(message)
            if sys.stderr.isatty():
                sys.stderr.write(_SHOW_CURSOR)
                sys.stderr.flush()
            thread.join(_GRACE_SECONDS)
            leave()
