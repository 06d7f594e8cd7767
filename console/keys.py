"""Keys of runs whose job names a block: read with Prefect, loaded only then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..runs.directory.access import Credentials, keys_from

__all__ = ["run_keys"]


@contextmanager
def run_keys() -> Iterator[None]:
    """Let the runs that are worked on within name their credentials."""
    with keys_from(_read):
        yield


def _read(name: str, provider: str) -> Credentials:
    from ..tasks.credentials import read_credentials  # noqa: PLC0415 - takes 2 s

    return read_credentials(name, provider)
