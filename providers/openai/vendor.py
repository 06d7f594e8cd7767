"""OpenAI's Batch API, for the table of vendors."""

from __future__ import annotations

import re

import orjson

from ..base import Vendor

__all__ = ["VENDOR"]

_RESULT = re.compile(rb'\{"id":"[^"]*","custom_id":"[^"]*","(?:response|error)":')


def _is_result(line: bytes) -> bool:
    if _RESULT.match(line):
        return True
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(record, dict) or isinstance(record.get("result"), dict):
        return False
    return "custom_id" in record and ("response" in record or "error" in record)


def _is_request(request: dict[str, object]) -> bool:
    return "body" in request and "params" not in request


VENDOR = Vendor(
    name="openai",
    title="OpenAI",
    sdk="openai",
    key_variables=("OPENAI_API_KEY",),
    secret_variables=("OPENAI_WEBHOOK_SECRET",),
    base_url="https://api.openai.com/v1",
    base_url_variable="OPENAI_BASE_URL",
    endpoints=("/v1/chat/completions", "/v1/responses", "/v1/embeddings"),
    endpoint_of_prefix={"text-embedding-": "/v1/embeddings"},
    model_prefixes=("gpt-", "chatgpt-", "ft:gpt-", "text-embedding-"),
    batch_id_prefixes=("batch_",),
    creation="token",
    one_model_per_batch=True,
    one_endpoint_per_batch=True,
    keeps_metadata=True,
    price_id="openai",
    # https://platform.openai.com/docs/guides/batch, read 2026-11-23; cached input too.
    batch_discount=0.5,
    completion_windows=("24h",),
    is_result=_is_result,
    is_request=_is_request,
    format="batchwright.providers.openai.format:OpenAIFormat",
    client="batchwright.providers.openai.client:OpenAIProvider",
)
