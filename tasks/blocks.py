"""Where an API key can lie besides the environment: blocks on the Prefect server.

`prefect block register -m batchwright.tasks.blocks` puts their forms into the UI. A
job or a task names a block, `openai-credentials/prod`, and never holds a key.
"""

from __future__ import annotations

from typing import ClassVar

from prefect.blocks import abstract  # a name of it would be registered as ours
from pydantic import BaseModel, Field, SecretStr

from ..providers import Provider, get_provider

__all__ = ["AnthropicCredentials", "OpenAICredentials"]


class _Account(BaseModel):
    """What both have; no block itself, so that it gets no form of its own."""

    provider: ClassVar[str]

    api_key: SecretStr = Field(title="API key", description="Stored encrypted.")
    base_url: str | None = Field(
        default=None,
        title="Base URL",
        description="The service's address; empty means the SDK's own variable.",
    )

    def get_client(self) -> Provider:
        """Return our client of this account."""
        return get_provider(
            self.provider, self.base_url, self.api_key.get_secret_value()
        )


class OpenAICredentials(_Account, abstract.CredentialsBlock):
    """A key of an OpenAI project, or of a service that speaks its Batch API."""

    _block_type_name = "OpenAI Credentials"
    _block_type_slug = "openai-credentials"
    provider = "openai"


class AnthropicCredentials(_Account, abstract.CredentialsBlock):
    """A key of an Anthropic workspace."""

    _block_type_name = "Anthropic Credentials"
    _block_type_slug = "anthropic-credentials"
    provider = "anthropic"
