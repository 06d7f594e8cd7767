"""Tests of what Prefect's pages show: true, bounded, and never in the way."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact

from batchwright import BatchJob, advance_runs, run_batch
from batchwright.errors import BudgetError
from batchwright.models import RunReport
from batchwright.runs.events import emit
from batchwright.runs.generate import generate_shards
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox
from batchwright.tasks.artifacts import artifact_key, shown, table_data

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.usefixtures("prefect_server"),
]


def job(folder: Path, **options: Any) -> BatchJob:
    """Return a job of four rows in two shards."""
    rows = folder / "rows.csv"
    rows.write_text("text\none\ntwo\nthree\nfour\n", encoding="utf-8")
    fields: dict[str, Any] = {
        "input": str(rows),
        "prompt": "Say {{ text }}",
        "model": "gpt-5-mini",
        "output": str(folder / "out.csv"),
        "max_requests_per_batch": 2,
    }
    return BatchJob(**(fields | options))


def artifacts_of(run_dir: str, kind: str) -> list[Artifact]:
    """Return the artifacts with a run's key, oldest first."""
    key = ArtifactFilterKey(any_=[artifact_key(run_dir, kind)])
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=key))
    return sorted(found, key=lambda each: str(each.created))


def rows_of(artifact: Artifact) -> list[dict[str, Any]]:
    """Return the rows of a table."""
    rows: list[dict[str, Any]] = json.loads(str(artifact.data))
    return rows


def run(folder: Path, **options: Any) -> tuple[RunReport, str]:
    """Run a job to its end; return the report and the flow run's ID."""
    state = run_batch(job(folder, **options), folder / "run", return_state=True)
    report = state.result()
    return report, str(state.state_details.flow_run_id)


def test_text_of_others_is_text_on_every_page(sandbox: Sandbox, tmp_path: Path) -> None:
    """A file name or an API error makes no link, HTML or escape sequence."""
    text = "\x1b]0;t\x07\u202e<b>|`[a](x)"
    answer = {"status": 400, "message": f"{text} http://a.b"}
    sandbox.set_faults({"batches": [{"answers": [answer], "status": text}]})
    given = job(tmp_path, output=str(tmp_path / f"{text}.csv"))
    run_dir = str(tmp_path / f"run-{text}")
    state = run_batch(given, run_dir, return_state=True)
    flow_run_id = state.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        name = client.read_flow_run(flow_run_id).name
    pages = {
        kind: found
        for kind in ("report", "output", "batches")
        for found in artifacts_of(run_dir, kind)
    }
    shown = [f"{each.description} {each.data}" for each in pages.values()]
    for page in [*shown, name]:
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", page)
    assert "http://" not in str(pages["report"].data)
    for page in shown:
        html = MarkdownIt("commonmark").enable("table").render(page)
        assert not re.search("<(?:b|em|img)>", html)
        assert set(re.findall('href="([a-z]*)', html)) <= {"file"}
        assert "\\x1b]0;t\\x07" in html


def test_a_finished_run_is_shown_whole(sandbox: Sandbox, tmp_path: Path) -> None:
    """Progress, batches, report and output: one of each on the flow run's page."""
    sandbox.set_faults({"batches": [{"answers": [{"status": 400, "nth": [2]}]}]})
    report, flow_run_id = run(tmp_path, max_rounds=0)
    (progress,) = artifacts_of(report.run_dir, "progress")
    (table,) = artifacts_of(report.run_dir, "batches")
    (text,) = artifacts_of(report.run_dir, "report")
    (link,) = artifacts_of(report.run_dir, "output")
    assert {str(each.flow_run_id) for each in (progress, table, text, link)} == {
        flow_run_id
    }
    assert progress.data == 100
    for row, line in zip(rows_of(table), report.batches, strict=True):
        assert (row["shard"], row["batch"]) == (line.shard, line.batch_id)
        assert (row["provider"], row["status"]) == ("openai", "completed")
        assert row["requests"] == row["succeeded"] + row["failed"] == 2
        assert re.fullmatch(r"0\.\d{6}", row["cost (USD)"])
    page = f"file://{tmp_path}/run/report.html"
    assert (
        str(text.data)
        .removesuffix(f"(<{page}>)\n")
        .startswith((tmp_path / "run" / "report.md").read_text(encoding="utf-8"))
    )
    assert str(text.data).endswith(f"(<{page}>)\n")
    assert "## Outcomes" in str(text.data)
    assert str(link.data).endswith(f"(<file://{tmp_path}/out.csv>)")


@pytest.mark.parametrize("stop", [False, True])
def test_many_events_are_few_updates(
    stop: bool,  # noqa: FBT001 - a case
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    """Pages are updated in place, at most every few seconds, and at the end."""
    opened = open_run(job(tmp_path), str(tmp_path / "run"))

    @flow
    def mine() -> float:
        with shown(opened):
            started = time.monotonic()
            for number in range(1000):
                emit("submitted", done=number)
            took = time.monotonic() - started
            if stop:
                raise BudgetError("that is too dear")
        return took

    state = mine(return_state=True)
    assert state.is_failed() == stop
    if not stop:
        assert state.result() < 10  # a thousand calls to the server take twice that
    assert len(artifacts_of(opened.directory.url, "progress")) == 1
    assert len(artifacts_of(opened.directory.url, "batches")) == 1


def test_a_sweep_that_changes_nothing_shows_nothing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """A detached run gains a page when something happened, as one more of its key."""
    sandbox.set_faults({"durations": {"in_progress": 1000}})
    root = str(tmp_path / "runs")
    run_dir = f"{root}/one"
    run_batch(job(tmp_path), run_dir, wait="detach")
    sandbox.advance(10)
    advance_runs(root)
    before = artifacts_of(run_dir, "batches")
    assert {row["status"] for row in rows_of(before[-1])} == {"in_progress"}
    advance_runs(root)
    assert len(artifacts_of(run_dir, "batches")) == len(before)
    sandbox.settle()
    advance_runs(root)
    after = artifacts_of(run_dir, "batches")
    assert len(after) == len(before) + 1
    assert {row["status"] for row in rows_of(after[-1])} == {"completed"}
    assert len(artifacts_of(run_dir, "report")) == 1


def test_what_stopped_is_shown_as_it_stands(sandbox: Sandbox, tmp_path: Path) -> None:
    """A run that its budget stops says on its page that nothing was sent."""
    run_dir = str(tmp_path / "run")
    state = run_batch(
        job(tmp_path, max_tokens=10, max_cost_usd=1e-9), run_dir, return_state=True
    )
    assert isinstance(state.result(raise_on_failure=False), BudgetError)
    (table,) = artifacts_of(run_dir, "batches")
    assert {row["status"] for row in rows_of(table)} == {"not sent"}
    assert artifacts_of(run_dir, "report") == []


def test_a_long_table_istable_data() -> None:
    """A page shows so many batches, and how many more there are."""
    *shards, last = json.loads(table_data([{"shard": "x"}] * 600))
    assert len(shards) == 500
    assert last == {"shard": "and 100 more"}


def test_nothing_happens_outside_of_a_flow_run(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Without a page there is nothing to show, and no warning."""
    opened = open_run(job(tmp_path), str(tmp_path / "run"))
    with shown(opened):
        emit("submitted")
    assert artifacts_of(opened.directory.url, "batches") == []


def test_trouble_with_the_pages_stops_no_run(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be shown is said once, and the work goes on."""
    opened = open_run(job(tmp_path), str(tmp_path / "run"))

    @flow
    def mine() -> str:
        with shown(opened):
            emit("started")
            emit("generated")
            (table,) = artifacts_of(opened.directory.url, "batches")
            with get_client(sync_client=True) as client:
                client.delete_artifact(table.id)
            generate_shards(opened)
        return "the work went on"

    assert mine() == "the work went on"
    said = [each for each in caplog.messages if "show nothing more" in each]
    assert len(said) == 1


@given(st.text())
def test_any_run_has_a_key_that_prefect_takes(run_dir: str) -> None:
    """Keys are lowercase letters, digits and dashes, whatever a directory is called."""
    key = artifact_key(run_dir, "batches")
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", key)
    assert artifact_key(f"other/{run_dir}", "batches") != key
