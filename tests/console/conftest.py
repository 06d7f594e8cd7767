"""The command line in this process, in a folder of its own, against a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from batchwright.cli import app
from batchwright.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
MODEL = f"{ROOT}/examples/email_model.py:Classification"
MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BATCHWRIGHT_RUNS_DIR", "runs")
    return tmp_path


@pytest.fixture
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox of this test's own."""
    with Sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def cli(folder: Path, sandbox: Sandbox) -> Run:
    """Run a command with the sandbox's variables; `env` replaces some of them."""

    def run(*args: str | Path, env: dict[str, str | None] | None = None) -> Result:
        variables = {**sandbox.environment(), "COLUMNS": "200", **(env or {})}
        return CliRunner().invoke(app, [str(arg) for arg in args], env=variables)

    return run


@pytest.fixture
def requests(folder: Path) -> Callable[[str, int], Path]:
    """Write a request file for a provider, with so many rows."""

    def write(provider: str, rows: int = 3) -> Path:
        lines = "".join(f"{number}\n" for number in range(rows))
        (folder / "rows.csv").write_text(f"text\n{lines}", encoding="utf-8")
        path = folder / f"{provider}.jsonl"
        arguments = ["generate", "rows.csv", "--model", MODELS[provider]]
        arguments += ["--prompt", "Say {{ text }}", "--output", str(path)]
        done = CliRunner().invoke(app, [*arguments, "--overwrite"])
        assert done.exit_code == 0, done.output
        return path

    return write
