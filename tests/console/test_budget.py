"""Tests of what each command loads: only what it cannot work without."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from batchwright.data.job import BatchJob
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox

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
RESULTS = ("--file-path", "results.jsonl")
BATCH = ("--batch-id", "x")
RESULT = (
    b'{"id":"a","custom_id":"b","response":{"status_code":200,"body":{"model":'
    b'"gpt-5-mini","choices":[{"message":{"content":"c"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":1,"completion_tokens":1}}},"error":null}\n'
)


@pytest.mark.parametrize(
    ("command", "allowed"),
    [
        (("--help",), set()),
        (("run", "--help"), set()),
        (("--version",), set()),
        (("doctor",), set()),
        (("list",), {"openai"}),
        (("list", "--use-anthropic"), {"anthropic"}),
        (("cancel", *BATCH), {"openai"}),
        (("show", *BATCH), {"openai"}),
        (("show", *BATCH, "--use-anthropic"), {"anthropic"}),
        (("create-from-file", *FILE), {"openai"}),
        (("validate", *FILE), set()),
        (("generate", *ROWS, "--overwrite"), {"jinja2"}),
        (("parse", *RESULTS, "--output", "out.csv"), {"genai_prices"}),
        (("parse", *RESULTS, "--output", "out.parquet"), {"genai_prices", "pyarrow"}),
        (("download-file", *BATCH, "--download-file-path", "got.jsonl"), {"openai"}),
        (("runs",), set()),
        (("status", "run"), set()),
        (("cancel", "--run-dir", "run"), {"jinja2", "openai"}),
    ],
)
def test_what_a_command_loads(
    sandbox: Sandbox,
    folder: Path,
    requests: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    allowed: set[str],
) -> None:
    """Neither Prefect, nor the other vendor's SDK, nor pyarrow where no table is."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    requests("openai")
    (folder / "results.jsonl").write_bytes(RESULT)
    job = BatchJob(
        input="rows.csv", prompt="{{ text }}", model="gpt-5-mini", output="out.csv"
    )
    open_run(job, "run")
    code = (
        "import sys\nfrom batchwright.cli import app\n"
        f"try: app({list(command)!r})\nexcept SystemExit: pass\n"
        f"print(*sorted(set(sys.modules) & set({sorted(WATCHED)!r})), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
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
