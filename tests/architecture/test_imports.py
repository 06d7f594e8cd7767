"""Tests of start-up: nothing heavy is loaded before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"prefect", "openai", "anthropic", "pyarrow", "starlette", "genai_prices"}


def _loaded(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    names = done.stdout.splitlines()[-1].split()
    return {name.partition(".")[0] for name in names} & HEAVY


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import batchwright", set()),
        ("import batchwright.cli", set()),
        ("from batchwright import BatchJob", set()),
        ("import batchwright.providers as p; p.get_format('openai')", set()),
        (
            "import batchwright.providers as p; p.get_provider('openai', api_key='x')",
            {"openai"},
        ),
        (
            "import batchwright.providers as p; p.get_provider('anthropic', None, 'x')",
            {"anthropic"},
        ),
    ],
)
def test_what_an_import_loads(code: str, allowed: set[str]) -> None:
    """Only what the code asked for is paid for."""
    assert _loaded(code) <= allowed


def test_lazy_names_are_the_real_ones() -> None:
    """What `batchwright` gives is what its home module defines."""
    import batchwright
    from batchwright.data.job import BatchJob

    assert batchwright.BatchJob is BatchJob
    assert batchwright.__version__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = batchwright.nothing
