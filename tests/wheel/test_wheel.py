"""Tests of what is shipped, in an environment that holds the wheel and nothing else."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import distribution, entry_points
from pathlib import Path

import pytest

pytestmark = pytest.mark.wheel

HERE = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def _batchwright(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(cwd),
        "PREFECT_HOME": os.environ["PREFECT_HOME"],
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    return subprocess.run(
        [str(BIN / "batchwright"), *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_it_is_the_wheel_that_is_tested() -> None:
    """The package comes from site-packages and not from a checkout."""
    import batchwright

    assert "site-packages" in (batchwright.__file__ or "")


@pytest.mark.parametrize("name", ["flows", "tasks", "providers", "cli", "runs", "data"])
def test_the_layers_import_from_anywhere(name: str, tmp_path: Path) -> None:
    """`batchwright.<layer>` works from an unrelated folder."""
    subprocess.run(
        [sys.executable, "-c", f"import batchwright.{name}"],
        cwd=tmp_path,
        check=True,
        timeout=120,
    )


def test_site_packages_gains_one_name() -> None:
    """Nothing but `batchwright` appears at the top level."""
    files = distribution("batchwright").files or ()
    tops = {
        file.parts[0] for file in files if file.parts[0] != ".." and file.suffix != ""
    }
    assert {top for top in tops if not top.endswith(".dist-info")} == {"batchwright"}


def test_the_wheel_holds_the_package_alone() -> None:
    """Tests and documentation stay out of it; of the rest it has what `init` copies."""
    from batchwright.console.commands.project import PROJECT

    (wheel,) = HERE.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    folders = {name.split("/")[1] for name in names if name.startswith("batchwright/")}
    assert not folders & {"tests", "docs", "benchmarks"}
    copied = {f"{folder}/{name}".lstrip("/") for name, folder in PROJECT.items()}
    pages = {f"runs/report/page.{kind}" for kind in ("html", "css", "js")}
    expected = {"py.typed", "examples/show_table.py", *copied, *pages}
    found = {name.removeprefix("batchwright/") for name in names}
    data = ("deployments/", "examples/")
    assert {name for name in found if name.startswith(data)} <= expected <= found


def test_prefect_finds_our_blocks() -> None:
    """Installed, the package offers the blocks for keys to Prefect's servers."""
    (found,) = entry_points(group="prefect.collections", name="batchwright")
    assert found.load().OpenAICredentials.get_block_type_slug() == "openai-credentials"


def test_the_sdist_holds_the_tests() -> None:
    """Whoever packages it further can test it."""
    (sdist,) = HERE.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
    assert any(name.endswith("tests/wheel/test_wheel.py") for name in names)


@pytest.mark.parametrize("model", ["gpt-5-mini", "claude-sonnet-4-5"])
def test_a_pipeline_runs(model: str, tmp_path: Path) -> None:
    """The command turns a table into a typed one, with nothing set up."""
    done = _batchwright(
        "run",
        str(HERE / "examples" / "emails.csv"),
        "--sandbox",
        "--model",
        model,
        "--prompt",
        "Classify: {{ email }}",
        "--response-model",
        f"{HERE / 'examples' / 'email_model.py'}:Classification",
        "--output",
        "labels.csv",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    with (tmp_path / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert {row["_outcome"] for row in rows} == {"succeeded"}


def test_the_version_is_printed(tmp_path: Path) -> None:
    """`--version` says what is installed."""
    done = _batchwright("--version", cwd=tmp_path)
    assert done.stdout == f"batchwright {distribution('batchwright').version}\n"
