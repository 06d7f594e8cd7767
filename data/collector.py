"""Python's cycle collector, paused where it would look at objects that stay in use."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["paused_collector", "run_paused"]

_MANY = 50_000
_END = object()


@contextmanager
def paused_collector() -> Iterator[None]:
    """Look for no cycles meanwhile.

    Where every object that is made is kept, the collector looks at them again and
    again, which takes half as long as making them.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            if gc.get_count()[0] > _MANY and not gc.get_freeze_count():
                # Moves what is new to the oldest generation without looking at it.
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def run_paused(steps: Iterator[object]) -> None:
    """Run an iterator to its end; the collector pauses for each step, and not longer.

    So it still finds the cycles that a response model or an error leaves behind.
    """
    while True:
        with paused_collector():
            if next(steps, _END) is _END:
                return
