"""The earlier place of `batchwright.sandbox`; its names can still be imported here."""

from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    return getattr(importlib.import_module("batchwright.sandbox"), name)
