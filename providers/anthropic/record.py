"""Anthropic's record, and those of the clouds that serve its batches."""

from __future__ import annotations

import re
from dataclasses import replace

from ..lines import object_of
from ..vendor import Vendor

__all__ = ["ANTHROPIC", "VENDORS"]

# Result lines as the API writes them; any other spelling is parsed.
_RESULT = re.compile(rb'\{"custom_id":"[^"]*","result":\{')


def _is_result(line: bytes) -> bool:
    if _RESULT.match(line):
        return True
    record = object_of(line)
    return "custom_id" in record and isinstance(record.get("result"), dict)


ANTHROPIC = Vendor(
    name="anthropic",
    title="Anthropic",
    sdk="anthropic",
    key_variables=("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    base_url="https://api.anthropic.com",
    base_url_variable="ANTHROPIC_BASE_URL",
    endpoints=("/v1/messages",),
    model_prefixes=("claude",),
    model_has_slash=False,
    key_prefixes=("sk-ant-",),
    batch_id_prefixes=("msgbatch_",),
    creation="candidates",
    price_id="anthropic",
    # https://platform.claude.com/docs/en/build-with-claude/batch-processing, read
    # 2026-11-23; prompt caching too.
    batch_discount=0.5,
    completion_windows=("24h",),
    is_result=_is_result,
    is_request=lambda line: "params" in line and "body" not in line,
    format="batchwright.providers.anthropic.format:AnthropicFormat",
    client="batchwright.providers.anthropic.client:AnthropicProvider",
    source="the SDK, anthropic 2.14.0",
    checked="2026-11-28",
)

_CLOUD = replace(
    ANTHROPIC,
    sdk=None,
    secret_variables=(),
    model_prefixes=(),
    key_prefixes=(),
    batch_id_prefixes=(),
    key_is_optional=True,
)

# The clouds' routes and shapes are read from the SDK's own classes, anthropic 2.14.0.
AWS = replace(
    _CLOUD,
    name="anthropic-aws",
    title="Claude Platform on AWS",
    key_variables=("ANTHROPIC_AWS_API_KEY",),
    secret_variables=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    base_url="https://aws-external-anthropic.{AWS_REGION}.api.aws",
    base_url_variable="ANTHROPIC_AWS_BASE_URL",
    price_id="aws",
    client="batchwright.providers.anthropic.clouds:AWSProvider",
)

GOOGLE_CLOUD = replace(
    _CLOUD,
    name="anthropic-gcp",
    title="Claude on Google Cloud",
    key_variables=("ANTHROPIC_GOOGLE_CLOUD_TOKEN",),
    base_url=(
        "https://claude.googleapis.com/v1/projects/{ANTHROPIC_GOOGLE_CLOUD_PROJECT}"
        "/locations/{ANTHROPIC_GOOGLE_CLOUD_LOCATION=global}"
        "/workspaces/{ANTHROPIC_GOOGLE_CLOUD_WORKSPACE_ID}/invoke"
    ),
    base_url_variable="ANTHROPIC_GOOGLE_CLOUD_BASE_URL",
    client="batchwright.providers.anthropic.clouds:GoogleCloudProvider",
)

VENDORS = (ANTHROPIC, AWS, GOOGLE_CLOUD)
