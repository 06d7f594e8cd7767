"""OpenRouter's record: one model and one upstream provider in each batch."""

from __future__ import annotations

from dataclasses import replace

from ..openai.dialects import OTHER, is_bare_request
from ..openai.record import limits_of

__all__ = ["OPENROUTER", "VENDORS"]

_SOURCE = "https://openrouter.ai/docs/batch-quickstart"

OPENROUTER = replace(
    OTHER,
    name="openrouter",
    title="OpenRouter",
    key_variables=("OPENROUTER_API_KEY",),
    key_prefixes=("sk-or-",),
    base_url="https://openrouter.ai/api/v1",
    base_url_variable="OPENROUTER_BASE_URL",
    endpoints=("/v1/chat/completions", "/v1/embeddings"),
    batch_id_prefixes=("batch-",),
    creation="candidates",
    keeps_metadata=False,
    can_cancel=False,
    price_id="openrouter",
    batch_price_suffix=":batch",
    batch_discount=None,
    client="batchwright.providers.openrouter.client:OpenRouterProvider",
    limits=limits_of(50_000, 200, f"{_SOURCE}; the number of requests is OpenAI's"),
    names_url=False,
    is_request=is_bare_request,
    file_days=None,
    links_only=True,
    source=f"{_SOURCE}; openrouter 1.3.84",
    guesses=("requests in a batch", "base_url_variable", "results of expired batches"),
)

VENDORS = (OPENROUTER,)
