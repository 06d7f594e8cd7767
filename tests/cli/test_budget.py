"""Tests of what each command loads: only what it cannot work without."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from batchwright.providers.sandbox import Sandbox

WATCHED = {
    "anthropic",
    "genai_prices",
    "jinja2",
    "openai",
    "prefect",
    "pyarrow",
    "starlette",
    "uvicorn",
}
ROWS = ("rows.csv", "--model", "gpt-5-mini", "--prompt", "Say {{ text }}")
FILE = ("--file-path", "openai.jsonl")


@pytest.mark.parametrize(
    ("command", "allowed"),
    [
        (("--help",), set()),
        (("run", "--help"), set()),
        (("--version",), set()),
        (("doctor",), set()),
        (("list",), {"openai"}),
        (("list", "--use-anthropic"), {"anthropic"}),
        (("cancel", "--batch-id", "x"), {"openai"}),
        (("show", "--batch-id", "x"), {"openai"}),
        (("show", "--batch-id", "x", "--use-anthropic"), {"anthropic"}),
        (("create-from-file", *FILE), {"openai"}),
        (("validate", *FILE), set()),
        (("generate", *ROWS, "--overwrite"), {"jinja2"}),
        (("runs",), {"jinja2", "starlette", "uvicorn"}),
    ],
)
def test_what_a_command_loads(
    sandbox: Sandbox,
    requests: Callable[..., Path],
    command: tuple[str, ...],
    allowed: set[str],
) -> None:
    """Neither Prefect, nor the other vendor's SDK, nor pyarrow where no table is."""
    requests("openai")
    code = (
        "import sys\nfrom batchwright.cli import app\n"
        f"try: app({list(command)!r})\nexcept SystemExit: pass\n"
        f"print(*sorted(set(sys.modules) & set({sorted(WATCHED)!r})), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **sandbox.environment()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stderr.splitlines()[-1].split()) <= allowed


def test_a_dry_run_loads_no_sdk(cli: Callable[..., Result], folder: Path) -> None:
    """What a job would cost is known without a client."""
    (folder / "rows.csv").write_text("text\nx\n", encoding="utf-8")
    arguments = ["run", *ROWS, "--output", "out.csv", "--dry-run"]
    code = (
        "import sys\nfrom batchwright.cli import app\n"
        f"try: app({arguments!r})\nexcept SystemExit: pass\n"
        "sys.exit(not {'prefect', 'openai', 'anthropic'}.isdisjoint(sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
