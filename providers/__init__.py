"""The batch APIs that batchwright speaks, each behind one protocol."""

from __future__ import annotations

from ..errors import InputError
from .base import Encode, Format, Limits, Progress, Provider

__all__ = [
    "PROVIDERS",
    "Encode",
    "Format",
    "Limits",
    "Progress",
    "Provider",
    "get_format",
    "get_provider",
    "split_model",
]

PROVIDERS = ("openai", "anthropic")


def split_model(model: str) -> tuple[str, str]:
    """Return provider and model name: `claude...` is Anthropic's.

    `openai/...` and `anthropic/...` say it outright; any other slash belongs to
    the model's name.
    """
    prefix, slash, rest = model.partition("/")
    if slash and prefix in PROVIDERS:
        return prefix, rest
    return ("anthropic" if model.startswith("claude") else "openai"), model


def get_format(name: str, base_url: str | None = None) -> Format:
    """Return the wire format of a provider, without loading its SDK.

    `base_url` matters to OpenAI alone: its own host wants other parameter names
    than the services that imitate it. None reads the SDK's variable.
    """
    if name == "openai":
        from .openai.format import OpenAIFormat  # noqa: PLC0415 - one vendor at a time

        return OpenAIFormat(base_url)
    if name == "anthropic":
        from .anthropic.format import AnthropicFormat  # noqa: PLC0415

        return AnthropicFormat()
    raise _unknown(name)


def get_provider(
    name: str, base_url: str | None = None, api_key: str | None = None
) -> Provider:
    """Return a provider with its client.

    None leaves `base_url` and `api_key` to the SDK's environment variables.

    Raises:
        MissingKeyError: No key was given and none is set.
    """
    if name == "openai":
        from .openai.client import OpenAIProvider  # noqa: PLC0415 - imports one SDK, not both

        return OpenAIProvider(base_url, api_key)
    if name == "anthropic":
        from .anthropic.client import AnthropicProvider  # noqa: PLC0415

        return AnthropicProvider(base_url, api_key)
    raise _unknown(name)


def _unknown(name: str) -> InputError:
    return InputError(
        f"Unknown provider {name!r}: it is one of {', '.join(PROVIDERS)}."
    )
