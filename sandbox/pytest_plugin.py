"""A pytest plugin: the `batchwright_sandbox` fixture and the `sandbox_faults` marker.

Every pytest run loads it where batchwright is installed, so it imports the sandbox
only when a test uses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from . import Sandbox

__all__ = ["batchwright_sandbox", "pytest_configure"]


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "sandbox_faults(faults=None, **fields): faults of `batchwright_sandbox`:"
        " a fault file, or the fields of one",
    )


@pytest.fixture
def batchwright_sandbox(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Sandbox]:
    """Run a sandbox for one test, with the environment pointing the SDKs to it."""
    from . import Sandbox  # noqa: PLC0415 - only for tests that use it

    faults = None
    if marker := request.node.get_closest_marker("sandbox_faults"):
        faults = marker.args[0] if marker.args else marker.kwargs
    with Sandbox(tmp_path / "batchwright-sandbox", faults=faults) as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        yield sandbox
