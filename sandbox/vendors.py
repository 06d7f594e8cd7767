"""The vendors whose APIs the sandbox serves.

A further vendor is a folder with a `vendor.py` and a row in this table.
"""

from __future__ import annotations

from .anthropic.vendor import ANTHROPIC
from .http.vendor import Vendor
from .openai.vendor import OPENAI

__all__ = ["VENDORS"]

VENDORS: dict[str, Vendor] = {vendor.name: vendor for vendor in (OPENAI, ANTHROPIC)}
