"""The client that a run's calls go through, and whether its key is the run's own.

The key comes from the environment, or from where the job's `credentials` point;
`keys_from` says how those are read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from ...data.endpoints import base_url_for
from ...data.job import BatchJob
from ...data.resolve import ResolvedJob
from ...errors import InputError, ScopeError, UnknownBatchError
from ...models import Account
from ...providers import Provider, get_provider, get_vendor
from ...providers.address import without_password
from .storage import Directory

if TYPE_CHECKING:
    from ...sandbox import Faults, Sandbox

__all__ = [
    "Credentials",
    "KeySource",
    "Known",
    "checked_account",
    "credentials_of",
    "keep_faults",
    "keys_from",
    "provider_for",
    "with_sandbox",
]


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key, and the service that it is for."""

    api_key: str = field(repr=False)
    base_url: str | None = None
    """The service's address; None leaves it to the environment."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is on record of the account in which a batch is created."""

    batch_ids: AbstractSet[str] = frozenset()
    """Batches that its key must see."""
    account: Account | None = None
    """Whose they are."""


KeySource = Callable[[str, str], Credentials]
"""Reads credentials, given the name in a job's `credentials` and its provider."""

_key_source: ContextVar[KeySource | None] = ContextVar(
    "batchwright_key_source", default=None
)
_sandboxes: dict[str, Sandbox] = {}

_FAULTS = "run-faults.json"
"""Beside the state of a run's own sandbox."""


@contextmanager
def keys_from(source: KeySource) -> Iterator[None]:
    """Read the credentials that jobs name with `source` within the block, each once."""
    token = _key_source.set(cache(source))
    try:
        yield
    finally:
        _key_source.reset(token)


def keep_faults(directory: Directory, faults: Faults) -> None:
    """Let the sandbox of this run inject these faults, also where it is resumed."""
    data = faults.model_dump_json(exclude_defaults=True).encode()
    directory.write(f"sandbox/{_FAULTS}", data)


@contextmanager
def with_sandbox(directory: Directory, job: ResolvedJob) -> Iterator[None]:
    """Run the job's own sandbox for the block, if it is a job of the sandbox.

    Its state is kept in the run directory, so a resumed run finds its batches.
    """
    if not job.synthetic or directory.url in _sandboxes:
        yield
        return
    if not directory.is_local:
        raise InputError(
            "A sandbox run needs a local run directory; drop --sandbox or give a"
            " folder as --run-dir."
        )
    from ...sandbox import Sandbox  # noqa: PLC0415 - a web server

    folder = directory.local_path("sandbox")
    faults = folder / _FAULTS
    with Sandbox(folder, faults=faults if faults.exists() else None) as sandbox:
        _sandboxes[directory.url] = sandbox
        try:
            yield
        finally:
            del _sandboxes[directory.url]


def credentials_of(job: BatchJob) -> Credentials | None:
    """Return the credentials that the job names; None means the environment.

    Raises:
        InputError: They cannot be read, here or at all.
    """
    if job.credentials is None or job.sandbox:
        return None
    source = _key_source.get()
    if source is None:
        raise InputError(
            f"The key of this job is in {job.credentials!r} on the Prefect server,"
            " which only flows and tasks can read; use `run_batch` or the commands."
        )
    return source(job.credentials, job.provider)


def provider_for(directory: Directory, job: ResolvedJob) -> Provider:
    """Return the client that creates and reads this run's batches.

    The key goes to the address that the environment, the job's block or the vendor's
    record names. The address in the directory is only compared with it, because
    anybody who can write there could send the key anywhere.

    Raises:
        MissingKeyError: There is no key.
        ScopeError: The directory names another address.
    """
    named = credentials_of(job.job)
    base_url = base_url_for(
        job.provider, named.base_url if named else None, synthetic=job.synthetic
    ).rstrip("/")
    if job.synthetic is not job.job.sandbox or base_url != job.base_url.rstrip("/"):
        raise ScopeError(_other_address(directory, job, base_url))
    if not job.synthetic:
        key = named.api_key if named else None
        return _provider(job.provider, base_url, key, _environment_keys(job.provider))
    sandbox = _sandboxes.get(directory.url)
    if sandbox is None:
        raise InputError(
            f"{directory.url} is a sandbox run; continue it with `batchwright resume"
            f" {directory.url}`, which starts its sandbox."
        )
    return _provider(job.provider, sandbox.base_url(job.provider), sandbox.api_key, ())


def _other_address(directory: Directory, job: ResolvedJob, base_url: str) -> str:
    there = without_password(job.base_url)
    says = f"{directory.url}/job.json says that the batches of this run are at {there}"
    if job.synthetic or job.job.sandbox:
        return f"{says}, but a sandbox run has none there. Nothing was sent."
    if job.job.credentials is not None:
        return (
            f"{says}, but {job.job.credentials!r} is now for {base_url}. Nothing was"
            " sent."
        )
    variable = get_vendor(job.provider).base_url_variable
    return (
        f"{says}, but the key here is for {base_url}. Nothing was sent. If that address"
        f" is yours, set {variable}={there}."
    )


def checked_account(provider: Provider, known: Known) -> Account:
    """Look at the account; make sure that the batches of the run are in it.

    Response headers show it where they name organisation and project, now and on
    record; otherwise one recorded batch must be retrievable.

    Raises:
        ScopeError: It is another account, so absence in it proves nothing.
    """
    account = provider.account()
    before = known.account
    if before is not None:
        pairs = (
            (before.organization, account.organization),
            (before.project, account.project),
        )
        for was, now in pairs:
            if was and now and was != now:
                raise ScopeError(
                    f"This key belongs to {now!r}, but the batches of this run belong"
                    f" to {was!r}; set the key that started the run. Nothing was sent."
                )
        if all(was and now for was, now in pairs):
            return account
    if known.batch_ids:
        batch_id = max(known.batch_ids)
        try:
            provider.retrieve(batch_id)
        except UnknownBatchError as exc:
            raise ScopeError(
                f"This key does not see batch {batch_id}, which this run created; set"
                " the key that started the run. Nothing was sent."
            ) from exc
    return account


def _environment_keys(provider: str) -> tuple[str | None, ...]:
    return tuple(map(os.environ.get, get_vendor(provider).key_variables))


# A client costs tens of milliseconds to build, mostly its TLS context. It keeps the
# key it was built with, so another key in the environment is another client.
@lru_cache(maxsize=8)
def _provider(
    name: str,
    base_url: str,
    api_key: str | None,
    _environment: tuple[str | None, ...],
) -> Provider:
    return get_provider(name, base_url, api_key)
