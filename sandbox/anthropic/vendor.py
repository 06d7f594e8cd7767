"""Anthropic's API, and the clouds that serve it, as rows of the sandbox's table."""

from __future__ import annotations

from ..engine.produce import Format, publish_in_batch
from ..http.vendor import Vendor
from . import batches, realtime
from .envelopes import error_body, response_headers
from .lines import answer_line, unrun_line

__all__ = ["VENDORS"]


def _vendor(
    name: str, base_url_variable: str, key_variable: str, missing_key: str
) -> Vendor:
    path = f"/{name}"
    return Vendor(
        name=name,
        base_path=path,
        base_url_variable=base_url_variable,
        sdk_path=None,
        key_variable=key_variable,
        format=Format(answer_line, unrun_line, publish_in_batch),
        routes=[*batches.routes(path), *realtime.routes(path)],
        error_body=error_body,
        response_headers=response_headers,
        missing_key=missing_key,
        required_header="anthropic-version",
    )


VENDORS = (
    _vendor(
        "anthropic",
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_API_KEY",
        "x-api-key header is required",
    ),
    _vendor(
        "anthropic-aws",
        "ANTHROPIC_AWS_BASE_URL",
        "ANTHROPIC_AWS_API_KEY",
        "Missing Authentication Token",
    ),
    _vendor(
        "anthropic-gcp",
        "ANTHROPIC_GOOGLE_CLOUD_BASE_URL",
        "ANTHROPIC_GOOGLE_CLOUD_TOKEN",
        "Request is missing required authentication credential.",
    ),
)
