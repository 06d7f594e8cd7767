"""Tests of `runs.access`: which key and address a run's client has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from batchwright import BatchJob
from batchwright.cli import app
from batchwright.errors import InputError, ScopeError
from batchwright.runs.directory.access import (
    Credentials,
    credentials_of,
    keys_from,
    with_sandbox,
)
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox


def job(folder: Path, **options: Any) -> BatchJob:
    """Return a job that names credentials."""
    rows = folder / "rows.csv"
    rows.write_text("text\none\n", encoding="utf-8")
    given = {"model": "gpt-5-mini", "credentials": "secret/one"} | options
    return BatchJob(
        input=str(rows),
        prompt="{{ text }}",
        output=str(folder / "out.csv"),
        **given,
    )


def edit(run: Run, **fields: Any) -> Run:
    """Write other values into the `job.json` of a run."""
    path = run.directory.local_path("job.json")
    path.write_text(json.dumps(json.loads(path.read_bytes()) | fields), "utf-8")
    return Run.load(run.directory.url)


def test_credentials_that_nobody_can_read_stop_a_run(tmp_path: Path) -> None:
    """Where no one looks up names, one sentence says who does; nothing is made."""
    with pytest.raises(InputError, match="only flows and tasks can read"):
        open_run(job(tmp_path), str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_name_is_looked_up_once(sandbox: Sandbox, tmp_path: Path) -> None:
    """Key and address are those of the name, and not asked for with each call."""
    asked = []

    def source(name: str, provider: str) -> Credentials:
        asked.append((name, provider))
        return Credentials("the-key", sandbox.openai_base_url)

    with keys_from(source):
        run = open_run(job(tmp_path), str(tmp_path / "run"))
        assert run.provider() is run.provider()
        assert run.job.base_url == sandbox.openai_base_url
    assert asked == [("secret/one", "openai")]
    assert b"the-key" not in (tmp_path / "run" / "job.json").read_bytes()


def test_a_sandbox_run_asks_for_no_key(tmp_path: Path) -> None:
    """Its server has a key of its own, whatever the job names."""
    assert credentials_of(job(tmp_path, sandbox=True)) is None


def test_credentials_for_another_address_are_not_used(tmp_path: Path) -> None:
    """A key is never sent to an address that it is not for."""
    with keys_from(lambda *_: Credentials("key", "http://127.0.0.1:9/v1")):
        run = open_run(job(tmp_path), str(tmp_path / "run"))
        run.provider()
    with (
        keys_from(lambda *_: Credentials("key", "http://127.0.0.1:8/v1")),
        pytest.raises(ScopeError, match="Nothing was sent"),
    ):
        run.provider()


@pytest.mark.parametrize("model", ["gpt-5-mini", "claude-sonnet-4-5"])
@pytest.mark.parametrize("command", [["cancel", "--run-dir"], ["resume"]])
def test_a_key_goes_to_no_address_that_a_directory_names(
    command: list[str], model: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A sentence names both addresses and the variable; the host is not called."""
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    given = job(tmp_path, model=model, credentials=None)
    run = open_run(given, str(tmp_path / "run"))
    drive(run, wait=False)
    with Sandbox() as other:
        here = run.job.base_url
        there = other.base_url(run.job.provider)
        edit(run, base_url=there)
        done = CliRunner().invoke(app, [*command, run.directory.url])
        assert done.exit_code == 1
        assert there in done.stderr
        assert here in done.stderr
        assert f"_BASE_URL={there}." in done.stderr
        assert other.calls() == []
    edit(run, base_url=f"{here}/")
    assert (
        CliRunner().invoke(app, ["cancel", "--run-dir", run.directory.url]).exit_code
        == 0
    )


@pytest.mark.parametrize(
    "edited", [{"base_url": "http://127.0.0.1:9/v1"}, {"synthetic": False}]
)
def test_a_sandbox_run_stays_in_its_sandbox(
    edited: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that names a host, or says that it is none, is refused; no key is used."""
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    run = edit(open_run(job(tmp_path, sandbox=True), str(tmp_path / "run")), **edited)
    with (
        with_sandbox(run.directory, run.job),
        pytest.raises(ScopeError, match="a sandbox run has none there"),
    ):
        run.provider()


def test_a_real_run_is_not_taken_for_a_sandbox_run(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """A directory that says so for a job that is none is refused."""
    run = open_run(job(tmp_path, credentials=None), str(tmp_path / "run"))
    with pytest.raises(ScopeError, match="Nothing was sent"):
        edit(run, synthetic=True).provider()


def test_a_key_does_not_show(tmp_path: Path) -> None:
    """Credentials that get into a log by mistake say no key there."""
    assert "the-key" not in repr(Credentials("the-key"))
