"""Tests of trouble on the way: whatever happens to a call, nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchwright.data.job import BatchJob
from batchwright.errors import AccessError, ScopeError
from batchwright.models import Outcome
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run, reopen_run
from batchwright.sandbox import Sandbox

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}
BOTH = pytest.mark.parametrize("provider", list(MODELS))
SPENT = {"status": 429, "details": {"error_code": "enforced_spend_limit_reached"}}


def job(folder: Path, rows: int, provider: str = "openai", **options: Any) -> BatchJob:
    """Return a job over so many rows."""
    lines = ["text", *(f"text {row}" for row in range(rows))]
    (folder / "in.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return BatchJob(
        input=str(folder / "in.csv"),
        output=str(folder / "out.jsonl"),
        prompt="Say something about {{ text }}",
        model=MODELS[provider],
        **options,
    )


@BOTH
def test_another_key_stops_the_run(
    provider: str, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that does not see the run's batches sends nothing."""
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    run_dir = str(tmp_path / "run")
    given = job(tmp_path, 4, provider, max_requests_per_batch=2, max_in_flight=1)
    drive(open_run(given, run_dir), wait=False)
    monkeypatch.setenv(f"{provider.upper()}_API_KEY", "somebody-else")
    with pytest.raises(ScopeError, match="Nothing was sent"):
        drive(reopen_run(run_dir), wait=True)
    assert sandbox.created() == 1


@pytest.mark.parametrize(
    ("provider", "fault"),
    [
        ("openai", {"status": 401}),
        ("openai", {"status": 403}),
        ("openai", {"status": 429, "code": "insufficient_quota"}),
        ("anthropic", {"status": 402}),
        ("anthropic", SPENT),
    ],
)
def test_what_a_person_has_to_mend_stops_at_once(
    provider: str, fault: dict[str, Any], sandbox: Sandbox, tmp_path: Path
) -> None:
    """A wrong key or no money is said, and the run stays resumable."""
    sandbox.set_faults({"calls": [{"do": "status"} | fault]})
    run_dir = str(tmp_path / "run")
    with pytest.raises(AccessError):
        drive(open_run(job(tmp_path, 2, provider), run_dir), wait=True)
    sandbox.set_faults({})
    assert drive(reopen_run(run_dir), wait=True).ok


@BOTH
@pytest.mark.parametrize(
    "fault",
    [
        {"do": "status", "status": 429, "retry_after_ms": 10},
        {"do": "status", "status": 503},
        pytest.param(
            {"do": "status", "status": 529}, marks=pytest.mark.long, id="status-529"
        ),
        {"do": "drop"},
        {"do": "cut", "operation": "download"},
        {"do": "cut_unframed", "operation": "download"},
        {"do": "bad_json", "operation": "create"},
        {"do": "html", "operation": "create"},
        {"do": "cut", "operation": "create"},
        {"do": "drop", "operation": "create", "after": True},
        {"do": "status", "status": 500, "operation": "create", "after": True},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_transport_faults_cost_nothing(
    provider: str, fault: dict[str, Any], sandbox: Sandbox, tmp_path: Path
) -> None:
    """No loss, no double, no crash, whatever happens to a call in three."""
    often = fault | {"probability": 0.3}
    sandbox.set_faults({"seed": 3, "calls": [fault | {"nth": [1]}, often]})
    given = job(tmp_path, 4, provider, max_requests_per_batch=2)
    report = drive(open_run(given, str(tmp_path / "run")), wait=True)
    assert report.outcomes == {Outcome.SUCCEEDED: 4}
    assert sandbox.created() == 2
