"""Tests of `runs.directory.naming`: a job without `run_dir` gets its own directory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from batchwright.data.job import BatchJob
from batchwright.errors import BatchwrightError
from batchwright.runs.directory.run import Run
from batchwright.runs.open import open_run
from batchwright.runs.report.report import read_status

FLOW_RUN = "8c4b6a5e-1f7d-4f38-9a8e-3b1f0f0f0001"
BEGUN = datetime(2026, 11, 23, 6, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHWRIGHT_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-nobody")
    (tmp_path / "in.csv").write_text("text\none\n", encoding="utf-8")


@pytest.fixture
def job(tmp_path: Path) -> BatchJob:
    """Give a job over one row."""
    return BatchJob(
        input=str(tmp_path / "in.csv"),
        output=str(tmp_path / "labels.jsonl"),
        prompt="{{ text }}",
        model="gpt-5-mini",
    )


def opened(job: BatchJob, **how: Any) -> str:
    """Open the job's run, and return the name of its directory without the hash."""
    run = open_run(job, **how)
    name = Path(run.directory.url).name
    return name.replace(run.job.fingerprint()[:8], "HASH")


def finish(tmp_path: Path, name: str, at: datetime) -> None:
    """Mark the run of this name as done."""
    (folder,) = (
        path
        for path in (tmp_path / "runs").iterdir()
        if path.name.partition("-")[2][8:] == name.removeprefix("labels-HASH")
    )
    run = Run.load(str(folder))
    report = read_status(str(folder)).model_copy(update={"ended_at": at})
    run.directory.write("report.json", report.model_dump_json().encode())
    run.directory.write("done.json", b"{}")


def test_a_command_has_one_run(job: BatchJob, tmp_path: Path) -> None:
    """The same command finds its run, open or done."""
    assert opened(job) == "labels-HASH"
    finish(tmp_path, "labels-HASH", BEGUN)
    assert opened(job) == "labels-HASH"


def test_a_deployed_flow_run_has_its_own_run(job: BatchJob, tmp_path: Path) -> None:
    """Its retries find it, open or done; another night has another."""
    assert opened(job, flow_run=FLOW_RUN) == "labels-HASH-8c4b6a5e"
    finish(tmp_path, "labels-HASH-8c4b6a5e", BEGUN)
    assert opened(job, flow_run=FLOW_RUN) == "labels-HASH-8c4b6a5e"
    assert opened(job, flow_run="f" + FLOW_RUN[1:]) == "labels-HASH-fc4b6a5e"


def test_a_script_continues_an_open_run(job: BatchJob, tmp_path: Path) -> None:
    """Whatever began it; where all are done, the next is numbered."""
    assert opened(job, flow_run=FLOW_RUN) == "labels-HASH-8c4b6a5e"
    assert opened(job, anew_since=BEGUN) == "labels-HASH-8c4b6a5e"
    finish(tmp_path, "labels-HASH-8c4b6a5e", BEGUN - timedelta(hours=1))
    for name in ("labels-HASH", "labels-HASH-2", "labels-HASH-3"):
        assert opened(job, anew_since=BEGUN) == name
        assert opened(job, anew_since=BEGUN) == name
        finish(tmp_path, name, BEGUN - timedelta(seconds=1))


def test_a_retry_of_a_script_finds_what_it_finished(
    job: BatchJob, tmp_path: Path
) -> None:
    """A run that was done after the flow run began is that flow run's own."""
    assert opened(job, anew_since=BEGUN) == "labels-HASH"
    finish(tmp_path, "labels-HASH", BEGUN + timedelta(seconds=1))
    assert opened(job, anew_since=BEGUN) == "labels-HASH"


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("labels-0123abcd", {}),
        (f"{FLOW_RUN}-0123abcd", {"flow_run": FLOW_RUN}),
        (f"{FLOW_RUN}-0123abcd", {"anew_since": BEGUN}),
        ("labels-0123abcd", {"anew_since": BEGUN}),
    ],
)
def test_the_names_of_version_0_1_are_found(
    name: str, how: dict[str, Any], job: BatchJob, tmp_path: Path
) -> None:
    """The hash there is another, so the job in the directory decides."""
    open_run(job.model_copy(update={"prompt": "Say {{ text }}"}), f"{tmp_path}/runs/x")
    (tmp_path / "runs/x").rename(tmp_path / "runs/labels-01234567")
    open_run(job, str(tmp_path / "runs" / name))
    assert opened(job, **how) == name


@pytest.mark.parametrize("how", [{}, {"anew_since": BEGUN}])
def test_a_run_that_cannot_be_read_is_not_begun_again(
    how: dict[str, Any], job: BatchJob
) -> None:
    """It may have bought all; the sentence names its file."""
    run = open_run(job)
    run.directory.write("job.json", b'{"job": {')
    with pytest.raises(BatchwrightError, match=r"job\.json"):
        open_run(job, **how)
