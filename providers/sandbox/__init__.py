"""A local server of both batch APIs, for demos, tests and local models."""

from __future__ import annotations

from ._backend import Call, CreatedBatch
from .faults import Faults, load_faults
from .server import Sandbox, serve

__all__ = ["Call", "CreatedBatch", "Faults", "Sandbox", "load_faults", "serve"]
