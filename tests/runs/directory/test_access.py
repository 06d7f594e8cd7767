"""Tests of `runs.access`: which key and address a run's client has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchwright import BatchJob
from batchwright.errors import InputError, ScopeError
from batchwright.runs.directory.access import Credentials, credentials_of, keys_from
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox


def job(folder: Path, **options: Any) -> BatchJob:
    """Return a job that names credentials."""
    rows = folder / "rows.csv"
    rows.write_text("text\none\n", encoding="utf-8")
    return BatchJob(
        input=str(rows),
        prompt="{{ text }}",
        model="gpt-5-mini",
        output=str(folder / "out.csv"),
        credentials="secret/one",
        **options,
    )


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


def test_a_key_does_not_show(tmp_path: Path) -> None:
    """Credentials that get into a log by mistake say no key there."""
    assert "the-key" not in repr(Credentials("the-key"))
