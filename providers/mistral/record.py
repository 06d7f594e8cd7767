"""Mistral's record: OpenAI's lines, without `method` and `url`, at jobs of its own."""

from __future__ import annotations

from dataclasses import replace

from ..openai.dialects import OTHER, is_bare_request
from ..openai.record import limits_of

__all__ = ["MISTRAL", "VENDORS"]

MISTRAL = replace(
    OTHER,
    name="mistral",
    title="Mistral",
    key_variables=("MISTRAL_API_KEY",),
    base_url="https://api.mistral.ai/v1",
    base_url_variable="MISTRAL_BASE_URL",
    base_path="/v1",  # the SDK's `server_url` names the server alone
    endpoints=("/v1/chat/completions", "/v1/embeddings"),
    endpoint_of_prefix={
        "mistral-embed": "/v1/embeddings",
        "codestral-embed": "/v1/embeddings",
    },
    model_has_slash=False,
    has_flat_errors=True,
    price_id="mistral",
    window_hours=(1, 167),
    is_request=is_bare_request,
    client="batchwright.providers.mistral.client:MistralProvider",
    limits=limits_of(
        100_000, 512, "https://docs.mistral.ai/capabilities/batch, November 2026"
    ),
    names_url=False,
    file_days=None,
    document_urls=True,
    # Of the types of mistralai 3.7.0.
    own_members=frozenset(
        {
            "guardrails",
            "min_tokens",
            "output_dimension",
            "output_dtype",
            "prompt_logprobs",
            "prompt_mode",
            "random_seed",
            "repetition_penalty",
            "safe_prompt",
            "top_k",
            "top_prompt_logprobs",
        }
    ),
    source="https://docs.mistral.ai/studio-api/batch-processing; mistralai 3.7.0",
    # One page has 100,000 pending requests for a workspace, another a million.
    guesses=("limits", "window_hours"),
)

VENDORS = (MISTRAL,)
