"""Azure OpenAI, where a token of Microsoft Entra ID can stand in for a key."""

from __future__ import annotations

import os
from collections.abc import Callable

import httpx2

from ...errors import AccessError, MissingKeyError, in_one_line
from ..http.keys import NO_KEY
from .client import OpenAIProvider
from .record import OPENAI, Dialect

__all__ = ["AzureProvider"]

_SCOPE = "https://cognitiveservices.azure.com/.default"


class AzureProvider(OpenAIProvider):
    """Batches of one Azure OpenAI resource.

    Without a key, tokens come from `azure.identity.DefaultAzureCredential`, which looks
    for an identity in the environment, of the machine, or of the Azure command line.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        vendor: Dialect = OPENAI,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        has_key = api_key or any(map(os.environ.get, vendor.key_variables))
        tokens = None if has_key else _tokens(vendor)
        super().__init__(
            base_url,
            api_key or (NO_KEY if tokens else None),
            vendor=vendor,
            transport=transport,
        )
        if tokens:
            self._client = self._client.with_options(api_key=tokens)


def _tokens(vendor: Dialect) -> Callable[[], str]:
    try:
        from azure import identity  # noqa: PLC0415 - of an extra
        from azure.core import exceptions  # noqa: PLC0415
    except ImportError:
        raise MissingKeyError(
            f"No API key for {vendor.title}: set {vendor.key_variables[0]}, or use"
            " Microsoft Entra ID: pip install 'batchwright[azure]'."
        ) from None
    fetch = identity.get_bearer_token_provider(
        identity.DefaultAzureCredential(), _SCOPE
    )

    def token() -> str:
        try:
            return str(fetch())
        except exceptions.AzureError as exc:
            said = in_one_line(exc)
            raise AccessError(
                f"No token of Microsoft Entra ID for {vendor.title}: {said}."
            ) from None

    return token
