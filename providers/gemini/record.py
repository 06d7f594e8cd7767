"""Gemini's record: the Gemini API of Google AI Studio, which is not Vertex AI."""

from __future__ import annotations

import re

from ..lines import object_of
from ..vendor import Vendor

__all__ = ["EMBEDDINGS", "GEMINI", "VENDORS"]

EMBEDDINGS = "/v1/embeddings"
"""The endpoint of embeddings, by the name that it has at other vendors."""

# Result lines as most clients have seen them; any other spelling is parsed.
_RESULT = re.compile(rb'\{"key": ?"[^"]*", ?"(?:response|error)":')


def _is_result(line: bytes) -> bool:
    if _RESULT.match(line):
        return True
    record = object_of(line)
    is_answer = "response" in record or "error" in record
    return is_answer and "key" in record and "custom_id" not in record


GEMINI = Vendor(
    name="gemini",
    title="Gemini",
    key_variables=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    base_url="https://generativelanguage.googleapis.com/v1",
    base_url_variable="GOOGLE_GEMINI_BASE_URL",
    base_path="/v1",
    endpoints=("/v1/generateContent", EMBEDDINGS),
    endpoint_of_prefix={
        "gemini-embedding-": EMBEDDINGS,
        "text-embedding-": EMBEDDINGS,
    },
    model_prefixes=("gemini-",),
    model_path="models/",
    key_prefixes=("AIza",),
    batch_id_prefixes=("batches/",),
    creation="token",
    one_model_per_batch=True,
    one_endpoint_per_batch=True,
    price_id="google",
    # https://ai.google.dev/gemini-api/docs/batch-api; what is cached costs no less.
    batch_discount=0.5,
    completion_windows=("24h",),
    is_result=_is_result,
    is_request=lambda line: "request" in line and "body" not in line,
    format="batchwright.providers.gemini.format:GeminiFormat",
    client="batchwright.providers.gemini.client:GeminiProvider",
    source="https://ai.google.dev/api/batch-api; google-genai 3.6.1",
    checked="2026-11-28",
    guesses=(
        "requests in a batch",
        "results of a cancelled batch",
        "the order of the list",
    ),
)

VENDORS = (GEMINI,)
