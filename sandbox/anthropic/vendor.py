"""Anthropic's API, as a row of the sandbox's table of vendors."""

from __future__ import annotations

from ..engine.produce import Format
from ..http.vendor import Vendor
from . import batches
from .envelopes import error_body, response_headers
from .lines import answer_line, publish, unrun_line

__all__ = ["ANTHROPIC"]

ANTHROPIC = Vendor(
    name="anthropic",
    base_path="/anthropic",
    base_url_variable="ANTHROPIC_BASE_URL",
    key_variable="ANTHROPIC_API_KEY",
    format=Format(answer_line, unrun_line, publish),
    routes=batches.routes,
    error_body=error_body,
    response_headers=response_headers,
    missing_key="x-api-key header is required",
    required_header="anthropic-version",
)
