"""Tests of `init`: a project that says what to type, and replaces nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from batchwright.console.commands.project import PROJECT

Cli = Callable[..., Result]

PAGE = Path(__file__).parents[3] / "docs" / "prefect.md"


def test_a_project_is_made_once(cli: Cli, folder: Path) -> None:
    """All files are there; where one of them would be replaced, none is written."""
    done = cli("init", "labels")
    assert (done.exit_code, done.stdout) == (0, f"{folder}/labels\n")
    assert f"  cd {folder}/labels\n  python flow.py\n" in done.stderr
    made = folder / "labels"
    found = {str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()}
    assert found == {*PROJECT}

    (made / "flow.py").write_text("mine", encoding="utf-8")
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "flow.py").write_text("mine", encoding="utf-8")
    for name in ("labels", "elsewhere"):
        refused = cli("init", name)
        assert refused.exit_code == 1
        assert "flow.py" in refused.stderr
        assert "nothing was written" in refused.stderr
        assert (folder / name / "flow.py").read_text(encoding="utf-8") == "mine"
    assert [path.name for path in (folder / "elsewhere").iterdir()] == ["flow.py"]

    (folder / "empty").mkdir()
    (folder / "file").touch()
    assert cli("init", "empty").exit_code == 0
    assert cli("init", "file").exit_code == 1


def test_its_readme_has_the_documented_commands(cli: Cli, folder: Path) -> None:
    """What the page about Prefect says is typed in the project."""
    assert cli("init").exit_code == 0
    text = PAGE.read_text(encoding="utf-8").partition("\n## A deployment\n")[2]
    found = re.search(r"^```bash\n.*\n((?:.*\n)+?)```$", text, re.MULTILINE)
    assert found is not None
    assert found[1] in (folder / "README.md").read_text(encoding="utf-8")
