"""OpenAI's API, as a row of the sandbox's table of vendors."""

from __future__ import annotations

from ..engine.produce import Format
from ..http.vendor import Vendor
from . import batches, files
from .check import check_batch
from .envelopes import error_body, response_headers
from .lines import answer_line, publish, unrun_line

__all__ = ["OPENAI"]

OPENAI = Vendor(
    name="openai",
    base_path="/openai/v1",
    base_url_variable="OPENAI_BASE_URL",
    key_variable="OPENAI_API_KEY",
    format=Format(answer_line, unrun_line, publish, check_batch),
    routes=[*files.routes, *batches.routes],
    error_body=error_body,
    response_headers=response_headers,
    missing_key=(
        "You didn't provide an API key. You need to provide your API key in an"
        " Authorization header using Bearer auth."
    ),
    invalid_key_code="invalid_api_key",
)
