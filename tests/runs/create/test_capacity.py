"""Tests of creations that the provider refuses for want of capacity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openai
import orjson
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


@pytest.mark.parametrize(
    ("model", "fields", "window", "limit"),
    [
        ("doubleword/some", {"completion_window": "1h"}, "1h", "max_tokens"),
        ("azure/mine", {"price_model": "gpt-5-mini"}, "24h", "max_completion_tokens"),
    ],
)
def test_what_a_provider_is_asked_for_arrives(
    model: str,
    fields: dict[str, Any],
    window: str,
    limit: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The window is the batch's; the model behind a deployment says price and limit."""
    (tmp_path / "in.csv").write_text("text\na\n", encoding="utf-8")
    with Sandbox(faults={"durations": QUICK["durations"]}) as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        job = BatchJob(
            input=str(tmp_path / "in.csv"),
            output=str(tmp_path / "out.jsonl"),
            prompt="Say {{ text }}",
            model=model,
            max_tokens=50,
            **fields,
        )
        report = drive(open_run(job, str(tmp_path / "run")), wait=True)
        provider = model.partition("/")[0]
        client = openai.OpenAI(
            base_url=sandbox.base_url(provider), api_key=sandbox.api_key
        )
        (batch,) = client.batches.list().data
    assert batch.completion_window == window
    line = (tmp_path / "run/shards/00000/requests.jsonl").read_bytes()
    assert orjson.loads(line)["body"][limit] == 50
    assert (report.cost_usd is not None) == ("price_model" in fields)
