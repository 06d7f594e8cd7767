"""Tests of which remote stores a run may be on."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from batchwright.data.job import BatchJob
from batchwright.errors import InputError
from batchwright.runs.directory.storage import Directory
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox


def job(folder: Path) -> BatchJob:
    """Return a job of one row."""
    (folder / "in.csv").write_text("text\none\n", encoding="utf-8")
    return BatchJob(
        input=str(folder / "in.csv"),
        output=str(folder / "out.csv"),
        prompt="Say something about {{ text }}",
        model="gpt-5-mini",
    )


def test_a_store_that_passes_over_the_condition_is_refused(
    bucket: str, s3: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """It would let two workers claim one batch, so no run is made there."""
    url = f"s3://careless-{bucket.rpartition('/')[2]}"
    httpx2.put(f"{s3}/{url.removeprefix('s3://')}").raise_for_status()
    with pytest.raises(InputError, match="must refuse a PUT with `If-None-Match"):
        open_run(job(tmp_path), f"{url}/run")
    assert Directory(url).names() == []


def test_looking_at_the_store_leaves_nothing(
    bucket: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A new run holds its job and no probe."""
    run = open_run(job(tmp_path), f"{bucket}/run")
    assert run.directory.names() == ["job.json"]
