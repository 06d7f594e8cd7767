"""Read the key that a job or a task names: from a block, at the moment of need.

What it returns lives in the process alone: it is no parameter and no result.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from ..errors import InputError
from ..providers import Provider, get_provider
from ..runs.directory.access import Credentials, keys_from

__all__ = ["client_of", "named_keys", "read_credentials"]


@contextmanager
def named_keys() -> Iterator[None]:
    """Let the jobs that are worked on within name their credentials.

    Each name is read once. A task does it in its body: what a decorator made of it
    could not be sent to another process.
    """
    with keys_from(read_credentials):
        yield


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
    """Return what a block holds; one call to the Prefect server.

    Args:
        name: `secret/NAME` or `VENDOR-credentials/NAME`.
        provider: Whose key it has to be.

    Raises:
        InputError: There is no such block, or it is of another kind.
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
    return Credentials(key, base_url.rstrip("/") if base_url else None)
