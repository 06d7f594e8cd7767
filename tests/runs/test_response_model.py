"""Tests of the code that a run directory names: only what the user named is run."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from batchwright import BatchJob
from batchwright.errors import InputError
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run, reopen_run
from batchwright.sandbox import Sandbox

MODEL = "from pydantic import BaseModel\nclass Label(BaseModel):\n    label: str\n"


def job(folder: Path, model: str) -> BatchJob:
    """Return a job of two rows."""
    (folder / "in.csv").write_text("text\none\ntwo\n", encoding="utf-8")
    return BatchJob(
        input=str(folder / "in.csv"),
        prompt="{{ text }}",
        model="gpt-5-mini",
        response_model=model,
        output=str(folder / "out.csv"),
    )


def hostile(path: Path) -> str:
    """Write the same class once more, in code that leaves a trace when it runs."""
    path.parent.mkdir(exist_ok=True)
    text = f"open({str(path.parent / 'ran')!r}, 'w').close()\n{MODEL}"
    path.write_text(text, encoding="utf-8")
    return f"{path}:Label"


def set_job(run_dir: Path, digest: str | None = "", **fields: object) -> None:
    """Edit the job of a run, and the digest of its response model if one is given."""
    path = run_dir / "job.json"
    text = json.loads(path.read_bytes())
    text["job"] |= fields
    if digest != "":
        text["response_model_digest"] = digest
    path.write_text(json.dumps(text), encoding="utf-8")


def edit_the_file(folder: Path) -> None:
    """Edit the file of the class, with the same schema."""
    hostile(folder / "label.py")


def name_another_file(folder: Path) -> None:
    """Let the job name another file."""
    set_job(folder / "run", response_model=hostile(folder / "other.py"))


def name_a_file_in_the_run(folder: Path) -> None:
    """Let the job name a file that came with the directory."""
    model = hostile(folder / "run" / "label.py")
    set_job(folder / "run", digest=None, response_model=model)


def name_a_module_in_the_run(folder: Path) -> None:
    """Let the job name a module that came with the directory."""
    hostile(folder / "run" / "label.py")
    set_job(folder / "run", digest=None, response_model="run.label:Label")


def name_another_model_later(folder: Path) -> None:
    """Name another file as `--response-model` does."""
    model = hostile(folder / "other.py")
    (folder / "run" / "response-model").write_text(model, encoding="utf-8")


def share_the_folder(folder: Path) -> None:
    """Let all write to the folder of a job without a digest."""
    set_job(folder / "run", None, response_model=hostile(folder / "other.py"))
    (folder / "run").chmod(0o777)


def share_the_job(folder: Path) -> None:
    """Let all write to a job without a digest."""
    set_job(folder / "run", None, response_model=hostile(folder / "other.py"))
    (folder / "run" / "job.json").chmod(0o666)


@pytest.fixture
def run_dir(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a run whose batch has ended and is not downloaded."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "label.py").write_text(MODEL, encoding="utf-8")
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    opened = open_run(job(tmp_path, "label.py:Label"), str(tmp_path / "run"))
    drive(opened, wait=False)
    sandbox.settle()
    return opened.directory.url


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (edit_the_file, "has changed since the requests were made"),
        (name_another_file, "has changed since the requests were made"),
        (name_a_file_in_the_run, "in the run directory itself"),
        (name_a_module_in_the_run, "in the run directory itself"),
        (name_another_model_later, "does not say what the code"),
        (share_the_folder, "does not say what the code"),
        (share_the_job, "does not say what the code"),
    ],
)
def test_no_other_code_is_run(
    change: Callable[[Path], None], sentence: str, run_dir: str, tmp_path: Path
) -> None:
    """Results are downloaded, one sentence says how to go on, and the code waits."""
    change(tmp_path)
    with pytest.raises(InputError, match=sentence) as refused:
        drive(reopen_run(run_dir), wait=True)
    assert "resume" in str(refused.value)
    assert "--response-model" in str(refused.value)
    assert not [*tmp_path.rglob("ran")]
    (shard,) = Run.load(run_dir).state().shards.values()
    assert shard.is_settled
    model = hostile(tmp_path / "trusted" / "label.py")
    assert drive(reopen_run(run_dir, response_model=model), wait=True).ok
    assert (tmp_path / "trusted" / "ran").exists()


def test_a_module_is_compared_before_it_is_imported(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same holds for `package.module:Class`, whose package is not loaded either."""
    monkeypatch.chdir(tmp_path)
    package = tmp_path / "labels_of_a_run"
    package.mkdir()
    (package / "label.py").write_text(MODEL, encoding="utf-8")
    name = f"{package.name}.label"
    run = open_run(job(tmp_path, f"{name}:Label"), str(tmp_path / "run"))
    assert run.job.response_model_digest
    for each in (name, package.name):  # as in another process
        monkeypatch.delitem(sys.modules, each)
    hostile(package / "label.py")
    (package / "__init__.py").write_text("raise SystemExit", encoding="utf-8")
    with pytest.raises(InputError, match="has changed since"):
        drive(run, wait=True)
    assert package.name not in sys.modules


def test_the_same_command_names_it_again(run_dir: str, tmp_path: Path) -> None:
    """Who types the command again after an edit has named the file as it is now."""
    edit_the_file(tmp_path)
    drive(open_run(job(tmp_path, "label.py:Label"), run_dir), wait=True)
    assert (tmp_path / "ran").exists()


def test_a_run_of_version_0_1_of_ones_own_is_continued(
    run_dir: str, tmp_path: Path
) -> None:
    """Its job has no digest, and nobody else can have named the code."""
    set_job(tmp_path / "run", digest=None)
    assert drive(reopen_run(run_dir), wait=True).ok
