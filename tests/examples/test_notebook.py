"""The notebook in `examples/`, executed in a real kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
CHECKS = """
import asyncio, sys
asyncio.get_running_loop()
assert "prefect" not in sys.modules
assert labels.index.equals(tickets.index)
assert labels["topic"].tolist() == ["Synthetic topic"] * 3
assert labels["urgency"].dtype == "Int64"
assert bw.run(
    tickets,
    prompt="Classify this ticket: {{ text }}",
    model="gpt-5-mini",
    response_model=Ticket,
    name="tickets",
    sandbox=True,
).equals(labels)
"""
"""What must be true in the kernel, after the notebook."""


class Watched(NotebookClient):
    """Executes a notebook, and keeps how its outputs were shown on the way."""

    def __init__(self, notebook: Any, **options: Any) -> None:
        super().__init__(notebook, timeout=120, **options)
        self.shown: list[str] = []

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        """Take a message of the kernel."""
        if msg["msg_type"] in {"display_data", "update_display_data"}:
            self.shown.append(msg["content"]["data"]["text/html"])
        return super().process_message(msg, cell, cell_index)


def test_the_notebook_runs_and_shows_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs show themselves while a loop runs, and answers pass the notebook's class."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "jupyter"))
    monkeypatch.setenv("BATCHWRIGHT_RUNS_DIR", str(tmp_path / "runs"))
    notebook = nbformat.read(ROOT / "examples" / "notebook.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    notebook.cells.append(nbformat.v4.new_code_cell(CHECKS))
    watched = Watched(notebook, resources={"metadata": {"path": tmp_path}})
    watched.execute()
    ran, submitted, opened, again = (
        "\n".join(output["data"]["text/html"] for output in cell.outputs)
        for cell in notebook.cells
        if cell.get("outputs")
    )
    assert "Rows: 3 · 3 succeeded" in ran
    assert "1042" in ran  # the frame, with its index
    assert "replies-" in submitted
    assert ": open" in submitted
    assert ": done" in opened
    assert ": done" in again
    assert any(": open" in html and "Reading rows" in html for html in watched.shown)
    names = [path.name.partition("-")[0] for path in (tmp_path / "runs").iterdir()]
    assert sorted(names) == ["replies", "tickets"]
