"""Where the requests of a model go: host and endpoint."""

from __future__ import annotations

import os

from ..errors import InputError
from ..models import Endpoint

__all__ = ["base_url_for", "endpoint_for"]

_BASE_URLS = {
    "openai": ("OPENAI_BASE_URL", "https://api.openai.com/v1"),
    "anthropic": ("ANTHROPIC_BASE_URL", "https://api.anthropic.com"),
}


def base_url_for(provider: str, base_url: str | None, *, synthetic: bool) -> str:
    """Return the given base URL, else the one that the vendor's SDK would use.

    A sandbox run ignores the environment; its server has no fixed address.
    """
    variable, default = _BASE_URLS[provider]
    if base_url is None and not synthetic:
        base_url = os.environ.get(variable)
    return base_url or default


def endpoint_for(provider: str, model: str, endpoint: Endpoint | None) -> Endpoint:
    """Return the given endpoint, else the default one of the model.

    Raises:
        InputError: The provider has no such endpoint.
    """
    if provider == "anthropic":
        if endpoint not in {None, "/v1/messages"}:
            raise InputError(f"Anthropic has no endpoint {endpoint}; drop it.")
        return "/v1/messages"
    if endpoint == "/v1/messages":
        raise InputError(
            "OpenAI has no endpoint /v1/messages; drop it, or name the model"
            " `anthropic/...`."
        )
    if endpoint is None:
        embeds = model.startswith("text-embedding-")
        return "/v1/embeddings" if embeds else "/v1/chat/completions"
    return endpoint
