"""OpenAI's API and its dialects, as rows of the sandbox's table of vendors."""

from __future__ import annotations

from ..engine.produce import Format
from ..http.vendor import Vendor
from . import batches, files, realtime, signed_files
from .check import check_batch
from .dialects import DIALECTS, Dialect
from .envelopes import error_body, response_headers
from .lines import answer_line, publish, unrun_line

__all__ = ["VENDORS", "vendor_of"]


def vendor_of(dialect: Dialect) -> Vendor:
    """Return the API of a service that has OpenAI's files, and mostly its batches."""
    path = dialect.base_path
    uploads = signed_files.routes(path) if dialect.two_step_upload else []
    return Vendor(
        name=dialect.name,
        base_path=path,
        base_url_variable=dialect.base_url_variable,
        sdk_path=dialect.sdk_path,
        key_variable=dialect.key_variable,
        format=Format(answer_line, unrun_line, publish, check_batch),
        routes=[
            *uploads,
            *files.routes(path),
            *(batches.routes(path) if dialect.has_batches else []),
            *realtime.routes(dialect),
        ],
        error_body=error_body,
        response_headers=response_headers,
        missing_key=(
            "You didn't provide an API key. You need to provide your API key in an"
            " Authorization header using Bearer auth."
        ),
        invalid_key_code="invalid_api_key",
        keyless=signed_files.KEYLESS if dialect.two_step_upload else None,
    )


VENDORS = tuple(vendor_of(each) for each in DIALECTS.values() if each.has_batches)
