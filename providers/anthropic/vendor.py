"""Anthropic's Message Batches API, for the table of vendors."""

from __future__ import annotations

import re

import orjson

from ..base import Vendor

__all__ = ["VENDOR"]

_RESULT = re.compile(rb'\{"custom_id":"[^"]*","result":\{')


def _is_result(line: bytes) -> bool:
    if _RESULT.match(line):
        return True
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(record, dict) or "custom_id" not in record:
        return False
    return isinstance(record.get("result"), dict)


def _is_request(request: dict[str, object]) -> bool:
    return "params" in request and "body" not in request


VENDOR = Vendor(
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
    is_request=_is_request,
    format="batchwright.providers.anthropic.format:AnthropicFormat",
    client="batchwright.providers.anthropic.client:AnthropicProvider",
)
