"""The vendors whose APIs the sandbox serves.

A further wire format is a folder whose `vendor.py` has rows of this table.
"""

from __future__ import annotations

from .anthropic.vendor import VENDORS as ANTHROPIC_VENDORS
from .bedrock.vendor import VENDORS as BEDROCK_VENDORS
from .gemini.vendor import VENDORS as GEMINI_VENDORS
from .http.vendor import Vendor
from .mistral.vendor import VENDORS as MISTRAL_VENDORS
from .openai.vendor import VENDORS as OPENAI_VENDORS
from .openrouter.vendor import VENDORS as OPENROUTER_VENDORS

__all__ = ["ANNOUNCED", "VENDORS"]

_ALL: tuple[Vendor, ...] = (
    *OPENAI_VENDORS,
    *ANTHROPIC_VENDORS,
    *GEMINI_VENDORS,
    *OPENROUTER_VENDORS,
    *MISTRAL_VENDORS,
    *BEDROCK_VENDORS,
)

VENDORS = {vendor.name: vendor for vendor in _ALL}
"""The APIs that the sandbox serves, each below a path of its own."""

ANNOUNCED = (OPENAI_VENDORS[0], ANTHROPIC_VENDORS[0])
"""Those whose variables the command prints."""
