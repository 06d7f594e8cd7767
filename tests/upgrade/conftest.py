"""Unpacks runs of an earlier version, and starts the sandbox that has their batches."""

from __future__ import annotations

import csv
import json
import sqlite3
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from batchwright.cli import app
from batchwright.providers.sandbox import Sandbox


@dataclass(frozen=True)
class Unpacked:
    """A run of an earlier version, its job's files, and the sandbox as provider."""

    folder: Path
    sandbox: Sandbox
    facts: dict[str, Any]
    """`fixture.json`."""

    @property
    def run_dir(self) -> str:
        """The run directory."""
        return str(self.folder / "runs" / "run")

    def cli(self, *arguments: str | Path) -> Result:
        """Run a command against the sandbox."""
        variables = {**self.sandbox.environment(), "COLUMNS": "200"}
        return CliRunner().invoke(app, [str(each) for each in arguments], env=variables)

    def rows(self) -> list[dict[str, Any]]:
        """Return the input."""
        return _table(self.folder / "in.csv")

    def table(self) -> list[dict[str, Any]]:
        """Return the output, whatever its format."""
        (output,) = self.folder.glob("out.*")
        return _table(output)

    def files(self) -> dict[Path, tuple[bytes, int]]:
        """Return content and modification time of every file but the sandbox's."""
        return {
            path: (path.read_bytes(), path.stat().st_mtime_ns)
            for path in self.folder.rglob("*")
            if path.is_file() and "sandbox" not in path.parts
        }

    def sent(self) -> Counter[str | None]:
        """Return how many batches were ever created, by their first `custom_id`.

        None counts those that were refused before they started.
        """
        batches = self.sandbox.batches()
        own = Path(self.run_dir, "sandbox")  # of a run with `--sandbox`
        if own.exists():
            with Sandbox(own) as sandbox:
                batches += sandbox.batches()
        return Counter(batch.first_custom_id for batch in batches)

    def asked(self, operation: str) -> int:
        """Return how many calls of this operation the sandbox received since then."""
        return sum(call.operation == operation for call in self.sandbox.calls())


@pytest.fixture
def unpack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Path], Unpacked]]:
    """Return a function that unpacks an archive and starts its sandbox."""
    with ExitStack() as stack:

        def unpack(path: Path) -> Unpacked:
            with tarfile.open(path) as archive:
                archive.extractall(tmp_path, filter="data")
            facts = json.loads((tmp_path / "fixture.json").read_bytes())
            written_at = datetime.fromisoformat(facts["written_at"])
            for database in tmp_path.rglob("sandbox.sqlite3"):
                _set_clock_back(database, written_at)
            sandbox = stack.enter_context(Sandbox(tmp_path / "sandbox"))
            for name, value in sandbox.environment().items():
                monkeypatch.setenv(name, value)
            monkeypatch.chdir(tmp_path)
            moved = {facts["folder"]: str(tmp_path), facts["url"]: sandbox.url}
            for file in tmp_path.rglob("*.json"):
                _rewrite(file, moved)
            facts = json.loads((tmp_path / "fixture.json").read_bytes())
            return Unpacked(tmp_path, sandbox, facts)

        yield unpack


def _set_clock_back(database: Path, written_at: datetime) -> None:
    """Let the sandbox's clock continue from then, so that nothing has expired."""
    passed = time.time() - written_at.timestamp()
    with closing(sqlite3.connect(database)) as connection, connection:
        changed = connection.execute(
            "UPDATE meta SET value = value - ? WHERE name = 'clock_offset'", (passed,)
        )
        assert changed.rowcount == 1


def _rewrite(file: Path, moved: dict[str, str]) -> None:
    """Replace paths and addresses that were right where the file was written."""
    text = file.read_text(encoding="utf-8")
    for before, now in moved.items():
        text = text.replace(before, now)
    file.write_text(text, encoding="utf-8")


def _table(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return rows
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            return list(csv.DictReader(file))
        return [json.loads(line) for line in file]
