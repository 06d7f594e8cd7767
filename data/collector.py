"""Python's cycle collector, kept from going through what is certainly in use."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["paused_collector"]

_MANY = 50_000


@contextmanager
def paused_collector() -> Iterator[None]:
    """Look for no cycles meanwhile.

    Where every object that is made is kept, going through them again and again
    costs as much as making them, and even once, at the end, a tenth of that.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            if gc.get_count()[0] > _MANY and not gc.get_freeze_count():
                # What is new now counts as old, without a look at it.
                gc.freeze()
                gc.unfreeze()
            gc.enable()
