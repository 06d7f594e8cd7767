"""Which client talks for a run: the sandbox's own, or the account's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING

from ..data.job import ResolvedJob
from ..errors import InputError
from ..providers import Provider, get_provider
from .storage import Directory

if TYPE_CHECKING:
    from ..providers.sandbox import Sandbox

__all__ = ["KeySource", "keys_from", "provider_for", "with_sandbox"]

KeySource = Callable[[str], str | None]
"""From a provider's name to its API key; None leaves it to the environment."""

_key_source: ContextVar[KeySource | None] = ContextVar(
    "batchwright_key_source", default=None
)
_KEY_VARIABLES = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
_sandboxes: dict[str, Sandbox] = {}


@contextmanager
def keys_from(source: KeySource) -> Iterator[None]:
    """Ask `source` for keys within the block, before the environment."""
    token = _key_source.set(source)
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
    from ..providers.sandbox import Sandbox  # noqa: PLC0415 - a web server

    with Sandbox(directory.local_path("sandbox")) as sandbox:
        _sandboxes[directory.url] = sandbox
        try:
            yield
        finally:
            del _sandboxes[directory.url]


def provider_for(directory: Directory, job: ResolvedJob) -> Provider:
    """Return the client that this run's batches are made and read with."""
    if not job.synthetic:
        source = _key_source.get()
        key = source(job.provider) if source else None
        return _provider(job.provider, job.base_url, key, _environment_keys())
    sandbox = _sandboxes.get(directory.url)
    if sandbox is None:
        raise InputError(
            f"{directory.url} is a sandbox run; continue it with `batchwright resume"
            f" {directory.url}`, which starts its sandbox."
        )
    urls = {
        "openai": sandbox.openai_base_url,
        "anthropic": sandbox.anthropic_base_url,
    }
    return _provider(job.provider, urls[job.provider], sandbox.api_key, ())


def _environment_keys() -> tuple[str | None, ...]:
    return tuple(map(os.environ.get, _KEY_VARIABLES))


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
