"""Tests of creations that the provider refuses for want of capacity."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchwright.data.job import BatchJob
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox


def test_a_refused_creation_waits_for_capacity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A create call over the limit of enqueued tokens is sent again later."""
    (tmp_path / "in.csv").write_text("text\na\nb\nc\n", encoding="utf-8")
    monkeypatch.setenv("BATCHWRIGHT_POLL_SECONDS", "0.05")
    with Sandbox(faults=QUICK) as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        job = BatchJob(
            input=str(tmp_path / "in.csv"),
            output=str(tmp_path / "out.jsonl"),
            prompt="Say {{ text }}",
            model="azure/deployment",
            max_requests_per_batch=1,
        )
        report = drive(open_run(job, str(tmp_path / "run")), wait=True)
        assert report.outcomes == {"succeeded": 3}
        created = [call for call in sandbox.calls() if call.operation == "create"]
        assert len(created) > sandbox.created() == 3


QUICK = {
    "durations": {"validating": 0, "in_progress": 0.7, "finalizing": 0},
    "limits": {"openai_enqueued_tokens": 50},
}
"""Tokens of one request at a time."""
