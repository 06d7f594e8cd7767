"""A test suite that says what must be true of any vendor; it needs pytest.

Subclass `VendorConformance` in a test module, name the vendor, and pytest runs the
suite. `docs/further-vendors.md` shows it whole.
"""

from __future__ import annotations

from .clients import ClientConformance
from .formats import FormatConformance
from .hooks import Example, VendorServer
from .pipelines import PipelineConformance

__all__ = [
    "ClientConformance",
    "Example",
    "FormatConformance",
    "PipelineConformance",
    "VendorConformance",
    "VendorServer",
]


class VendorConformance(FormatConformance, ClientConformance, PipelineConformance):
    """All tests. A subclass sets `vendor`, `model`, `examples` and `server`."""
