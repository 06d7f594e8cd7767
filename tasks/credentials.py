"""Read the key that a job or a task names from its block, when it is needed.

The key stays in this process: it is never a parameter or a result.
"""

from __future__ import annotations

from functools import partial

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from ..errors import InputError
from ..providers import Provider, get_provider
from ..providers.address import checked_url
from ..runs.directory.access import Credentials, keys_from

__all__ = ["client_of", "named_keys", "read_credentials"]


def client_of(provider: str, credentials: str | None) -> Provider:
    """Return the provider's client; None takes key and address of the environment.

    Raises:
        InputError: There is no such block, or it is of another kind.
        MissingKeyError: There is no key in the environment.
    """
    if credentials is None:
        return get_provider(provider)
    found = read_credentials(credentials, provider)
    return get_provider(provider, found.base_url, found.api_key)


def read_credentials(name: str, provider: str) -> Credentials:
    """Return the key in `secret/NAME` or `VENDOR-credentials/NAME`.

    One call to the Prefect server.

    Raises:
        InputError: There is no such block, it is of another kind, or its address
            holds a password.
    """
    kind, _, label = name.partition("/")
    own = f"{provider}-credentials"
    if kind not in {"secret", own}:
        raise InputError(
            f"{name!r} holds no key for {provider}: name a block as `secret/NAME` or"
            f" `{own}/NAME`."
        )
    with get_client(sync_client=True) as client:
        try:
            data = client.read_block_document_by_name(label, kind).data
        except ObjectNotFound as exc:
            raise InputError(
                f"There is no block {name!r} on the Prefect server; create it, or name"
                " another as `credentials`."
            ) from exc
    key = data.get("api_key" if kind == own else "value")
    if not isinstance(key, str) or not key.strip():
        raise InputError(f"The block {name!r} holds no key; a key is one line of text.")
    base_url = data.get("base_url") if kind == own else None
    return Credentials(key, checked_url(base_url) if base_url else None)


named_keys = partial(keys_from, read_credentials)
"""`with named_keys():` reads the credentials that jobs name from their blocks."""
