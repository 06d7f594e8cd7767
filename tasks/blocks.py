"""Prefect blocks for API keys: one credentials block type for each vendor.

`prefect block register -m batchwright.tasks.blocks` puts their forms into the UI. A
job or a task names a block, `VENDOR-credentials/prod`, and never holds a key.
"""

from __future__ import annotations

import re
from types import new_class
from typing import TYPE_CHECKING, Any, ClassVar

from prefect.blocks import abstract  # a name of it would be registered as ours
from pydantic import BaseModel, Field, SecretStr

from ..providers import Provider, Vendor, get_provider, vendors


class _Account(BaseModel):
    """The fields of every credentials block; no block itself, so it gets no form."""

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


def _block(vendor: Vendor) -> type[_Account]:
    """Make the vendor's block type."""
    members = {
        "__module__": __name__,
        "__doc__": f"A key for the batch API of {vendor.title}.",
        "_block_type_name": f"{vendor.title} Credentials",
        "_block_type_slug": f"{vendor.name}-credentials",
        "provider": vendor.name,
    }
    bases = (_Account, abstract.CredentialsBlock)
    name = re.sub(r"\W", "", vendor.title) + "Credentials"
    return new_class(name, bases, exec_body=lambda namespace: namespace.update(members))


_BLOCKS = {block.__name__: block for block in map(_block, vendors())}
globals().update(_BLOCKS)  # Prefect registers the block types that a module holds
if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


__all__ = [*_BLOCKS]  # noqa: PLE0604 - names of classes
