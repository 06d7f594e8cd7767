"""Gemini's API as a row of the sandbox's table."""

from __future__ import annotations

from ..engine.produce import Format
from ..http.vendor import Vendor
from . import batches, files, realtime
from .check import check_batch
from .envelopes import error_body, response_headers
from .lines import answer_line, publish, unrun_line

__all__ = ["VENDORS"]

_PATH = "/gemini"

VENDORS = (
    Vendor(
        name="gemini",
        base_path=_PATH,
        base_url_variable="GOOGLE_GEMINI_BASE_URL",
        sdk_path=None,
        key_variable="GEMINI_API_KEY",
        format=Format(answer_line, unrun_line, publish, check_batch, id_member="key"),
        routes=[
            *files.routes(_PATH),
            *batches.routes(_PATH),
            *realtime.routes(_PATH),
        ],
        error_body=error_body,
        response_headers=response_headers,
        missing_key=(
            "Method doesn't allow unregistered callers (callers without established"
            " identity). Please use API Key or other form of API consumer identity to"
            " call this API."
        ),
        keyless=files.KEYLESS,
    ),
)
