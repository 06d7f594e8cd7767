"""Anthropic's record, and those of the clouds that serve its batches."""

from __future__ import annotations

import re

from ..base import Vendor
from ..lines import object_of

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
)

VENDORS = (ANTHROPIC,)
