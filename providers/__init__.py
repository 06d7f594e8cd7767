"""Wire formats and clients of batch APIs, behind one interface."""

from __future__ import annotations

from .base import Encode, Format, Limits, Progress, Provider
from .vendor import Vendor
from .vendors import (
    DEFAULT_PROVIDER,
    PROVIDERS,
    VENDORS,
    asker,
    get_format,
    get_provider,
    get_vendor,
    split_model,
    vendors,
    wrong_vendor,
)

__all__ = [
    "DEFAULT_PROVIDER",
    "PROVIDERS",
    "VENDORS",
    "Encode",
    "Format",
    "Limits",
    "Progress",
    "Provider",
    "Vendor",
    "asker",
    "get_format",
    "get_provider",
    "get_vendor",
    "split_model",
    "vendors",
    "wrong_vendor",
]
