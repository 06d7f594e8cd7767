"""Which client talks for a run: the sandbox's own, or the account's.

The account's key comes from the environment, or from where the job's `credentials`
point; who can look there says so with `keys_from`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from ...data.job import BatchJob
from ...data.resolve import ResolvedJob
from ...errors import InputError, ScopeError
from ...providers import Provider, get_provider, get_vendor
from .storage import Directory

if TYPE_CHECKING:
    from ...sandbox import Sandbox

__all__ = [
    "Credentials",
    "KeySource",
    "credentials_of",
    "keys_from",
    "provider_for",
    "with_sandbox",
]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens an account."""

    api_key: str = field(repr=False)
    base_url: str | None = None
    """Where the key is good; None leaves it to the environment."""


KeySource = Callable[[str, str], Credentials]
"""From the name in a job's `credentials`, and its provider, to what it stands for."""

_key_source: ContextVar[KeySource | None] = ContextVar(
    "batchwright_key_source", default=None
)
_sandboxes: dict[str, Sandbox] = {}


@contextmanager
def keys_from(source: KeySource) -> Iterator[None]:
    """Ask `source`, once for each name, where a job of this block names credentials."""
    token = _key_source.set(cache(source))
    try:
        yield
    finally:
        _key_source.reset(token)


@contextmanager
def with_sandbox(directory: Directory, job: ResolvedJob) -> Iterator[None]:
    """Run the job's own sandbox for the block, if it is a job of the sandbox.

    Its state lies in the run directory, so a resumed run finds its batches.
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

    with Sandbox(directory.local_path("sandbox")) as sandbox:
        _sandboxes[directory.url] = sandbox
        try:
            yield
        finally:
            del _sandboxes[directory.url]


def credentials_of(job: BatchJob) -> Credentials | None:
    """Return what the job's `credentials` stand for; None means the environment.

    Raises:
        InputError: They cannot be had, here or at all.
    """
    if job.credentials is None or job.sandbox:
        return None
    source = _key_source.get()
    if source is None:
        raise InputError(
            f"The key of this job lies in {job.credentials!r} on the Prefect server,"
            " which is read in flows and tasks alone; use `run_batch` or the commands."
        )
    return source(job.credentials, job.provider)


def provider_for(directory: Directory, job: ResolvedJob) -> Provider:
    """Return the client that this run's batches are made and read with.

    Raises:
        MissingKeyError: There is no key.
        ScopeError: The job's credentials are good elsewhere by now.
    """
    if not job.synthetic:
        named = credentials_of(job.job)
        elsewhere = named.base_url if named else None
        if elsewhere and elsewhere != job.base_url.rstrip("/"):
            raise ScopeError(
                f"{job.job.credentials!r} is now for {elsewhere}, but the batches"
                f" of this run are at {job.base_url}. Nothing was sent."
            )
        key = named.api_key if named else None
        return _provider(
            job.provider, job.base_url, key, _environment_keys(job.provider)
        )
    sandbox = _sandboxes.get(directory.url)
    if sandbox is None:
        raise InputError(
            f"{directory.url} is a sandbox run; continue it with `batchwright resume"
            f" {directory.url}`, which starts its sandbox."
        )
    base_url = sandbox.base_url(job.provider)
    return _provider(job.provider, base_url, sandbox.api_key, ())


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
