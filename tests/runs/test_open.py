"""Tests of `runs.open`: which directory a job gets, and whether it is the same job."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from batchwright.data.job import BatchJob
from batchwright.errors import (
    InputError,
    MissingKeyError,
    RunDiffersError,
)
from batchwright.runs.directory.lock import locked
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import cancel_run
from batchwright.runs.events import listening
from batchwright.runs.generate import generate_shards
from batchwright.runs.open import changed_input, open_run, reopen_run
from batchwright.runs.report.report import read_status

WHEN = datetime(2026, 11, 23, 6, tzinfo=UTC)


def job(folder: Path, **options: Any) -> BatchJob:
    """Return a job over one row."""
    (folder / "in.csv").write_text("text\none\n", encoding="utf-8")
    given: dict[str, Any] = {
        "input": str(folder / "in.csv"),
        "output": str(folder / "labels.jsonl"),
        "prompt": "{{ text }}",
        "model": "gpt-5-mini",
    }
    return BatchJob(**given | options)


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHWRIGHT_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-nobody")


def test_a_directory_is_named_after_output_and_job(tmp_path: Path) -> None:
    """The same job finds its directory again, another job gets its own."""
    first = open_run(job(tmp_path)).directory.url
    assert Path(first).parent == tmp_path / "runs"
    assert Path(first).name.startswith("labels-")
    assert open_run(job(tmp_path)).directory.url == first
    assert open_run(job(tmp_path, prompt="Say {{ text }}")).directory.url != first


def test_a_prompt_that_names_no_column_leaves_nothing_behind(tmp_path: Path) -> None:
    """As in a prefect.yaml, where Prefect fills `{{ text }}` with nothing."""
    with pytest.raises(InputError, match=r"names no column of .*in\.csv.*@FILE"):
        open_run(job(tmp_path, prompt="Summarise: "))
    assert not (tmp_path / "runs").exists()
    assert open_run(job(tmp_path, prompt="Summarise: ", same_prompt=True))


def test_the_content_of_the_input_is_no_part_of_the_job(tmp_path: Path) -> None:
    """The plan stands, so a file that grew meanwhile is the same job."""
    given = job(tmp_path)
    first = open_run(given).directory.url
    (tmp_path / "in.csv").write_text("text\none\ntwo\n", encoding="utf-8")
    assert open_run(given).directory.url == first


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"prompt": "Say {{ text }}"}, "`prompt`"),
        ({"model": "gpt-5"}, "`model`"),
        ({"max_rounds": 0, "temperature": 0.5}, "`temperature`"),
        ({"max_requests_per_batch": 7}, "`max_requests_per_batch`"),
    ],
)
def test_another_job_is_refused_by_name(
    change: dict[str, Any], named: str, tmp_path: Path
) -> None:
    """What differs is said, and both ways out."""
    url = str(tmp_path / "run")
    open_run(job(tmp_path), url)
    with pytest.raises(RunDiffersError) as caught:
        open_run(job(tmp_path, **change), url)
    assert named in str(caught.value)
    assert "--run-dir" in str(caught.value)
    assert f"batchwright resume {url}" in str(caught.value)


def test_dates_are_filled_in_once(tmp_path: Path) -> None:
    """A run that goes on after midnight stays in the directory of its day."""
    pattern = f"{tmp_path}/{{date:%Y-%m-%d}}/run"
    run = open_run(job(tmp_path), pattern, when=WHEN)
    assert run.directory.url == f"{tmp_path}/2026-11-23/run"


@pytest.mark.parametrize("name", ["in.csv", "i*.csv"])
def test_a_changed_input_is_said(tmp_path: Path, name: str) -> None:
    """The run goes on with the rows it has, and a sentence says where others are."""
    (tmp_path / "in-2.csv").write_text("text\nx\n", encoding="utf-8")
    run = open_run(job(tmp_path, input=str(tmp_path / name)))
    generate_shards(run)
    assert changed_input(run) is None
    (tmp_path / "in.csv").write_text("text\ntwo\n", encoding="utf-8")
    sentence = changed_input(Run.load(run.directory.url))
    assert sentence is not None
    assert re.search(r"\.csv has changed since.*--run-dir", sentence)


def test_an_output_of_somebody_else_stays(tmp_path: Path) -> None:
    """Before a run exists, it is refused to write over a file it did not make."""
    (tmp_path / "labels.jsonl").write_text("mine\n", encoding="utf-8")
    with pytest.raises(InputError, match="--overwrite"):
        open_run(job(tmp_path), str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_without_a_key_there_is_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is asked for first, so that no run of no rows is left behind."""
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(MissingKeyError, match="OPENAI_API_KEY"):
        open_run(job(tmp_path))
    assert not (tmp_path / "runs").exists()
    assert open_run(job(tmp_path, sandbox=True)).directory.exists("job.json")


def test_a_folder_without_a_run_is_said(tmp_path: Path) -> None:
    """Resuming a wrong folder points to the command that lists the right ones."""
    with pytest.raises(InputError, match="batchwright runs"):
        Run.load(str(tmp_path))


def test_only_a_cancelled_run_is_uncancelled(tmp_path: Path) -> None:
    """A flag that does nothing is a mistake that somebody should know of."""
    url = open_run(job(tmp_path)).directory.url
    with pytest.raises(InputError, match="drop --uncancel"):
        reopen_run(url, uncancel=True)
    Run.load(url).directory.write("cancelled.json", b"{}")
    assert not reopen_run(url, uncancel=True).state().cancelled


def test_another_response_model_reopens_what_was_concluded(tmp_path: Path) -> None:
    """Counts go; the records of what was sent and received stay."""
    run = open_run(job(tmp_path))
    run.directory.write("shards/00000/tally.json", b"{}")
    kept = "shards/00000/attempts/000.output.jsonl"
    run.directory.write(kept, b"{}\n")
    model = tmp_path / "other.py"
    model.write_text(
        "import pydantic\nclass Other(pydantic.BaseModel):\n    label: str\n", "utf-8"
    )
    reopen_run(run.directory.url, response_model=f"{model}:Other")
    assert set(run.directory.names()) == {".lock", "job.json", "response-model", kept}


def test_an_open_run_is_not_ok(tmp_path: Path) -> None:
    """No row of it has failed, because none was sent."""
    assert not read_status(open_run(job(tmp_path)).directory.url).ok


def test_a_sandbox_run_is_cancelled_where_it_runs(tmp_path: Path) -> None:
    """The mark is written, and a sentence says who stops the batches."""
    directory = open_run(job(tmp_path, sandbox=True)).directory
    told: list[str | None] = []
    with locked(directory), listening(lambda event: told.append(event.text)):
        assert cancel_run(directory.url).state == "cancelled"
    assert directory.exists("cancelled.json")
    assert told == [f"{directory.url}: the process that works on it ends its batches."]
