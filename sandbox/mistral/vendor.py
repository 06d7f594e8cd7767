"""Mistral's API as a row of the sandbox's table: OpenAI's files, jobs of its own."""

from __future__ import annotations

from dataclasses import replace

from ..openai.dialects import DIALECTS
from ..openai.vendor import vendor_of
from . import jobs

__all__ = ["VENDORS"]

_FILES = vendor_of(DIALECTS["mistral"])

VENDORS = (
    replace(
        _FILES,
        routes=[*_FILES.routes, *jobs.routes(_FILES.base_path)],
        error_body=jobs.error_body,
        missing_key="Unauthorized",
    ),
)
