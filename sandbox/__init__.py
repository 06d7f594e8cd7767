"""A local server of both batch APIs, for demos, tests and local models."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine.backend import Call, CreatedBatch
    from .faults import Faults, load_faults
    from .server import Sandbox, serve

__all__ = ["Call", "CreatedBatch", "Faults", "Sandbox", "load_faults", "serve"]

_HOMES = {
    "Call": ".engine.backend",
    "CreatedBatch": ".engine.backend",
    "Faults": ".faults",
    "Sandbox": ".server",
    "load_faults": ".faults",
    "serve": ".server",
}


def __getattr__(name: str) -> Any:
    """Import the server lazily: the pytest plugin rarely needs it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name], __name__), name)
