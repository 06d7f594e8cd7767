"""Tests of composing: tasks and flows in a user's own flow, sync and async."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from prefect import flow, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import TaskRun

from batchwright import BatchJob, run_batch
from batchwright.errors import InputError
from batchwright.flows import advance_runs
from batchwright.models import Outcome
from batchwright.sandbox import Sandbox
from batchwright.tasks import (
    cancel_batch,
    download_results,
    generate_requests,
    list_batches,
    parse_results,
    save_rows,
    submit_batch,
    wait_for_batch,
)

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.usefixtures("prefect_server"),
]

ROWS = [{"id": f"{number:03}", "text": f"text {number}"} for number in range(5)]
MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}


def job(folder: Path, provider: str = "openai", **options: Any) -> BatchJob:
    """Return a job over rows that `save_rows` wrote."""
    given: dict[str, Any] = {"output": str(folder / "out.csv")} | options
    return BatchJob(
        input=str(folder / "rows.jsonl"),
        prompt="Say something about {{ text }}",
        model=MODELS[provider],
        **given,
    )


def write_rows(folder: Path) -> None:
    """Write the rows without a task."""
    save_rows.fn(ROWS, str(folder / "rows.jsonl"))


def test_rows_with_names_of_ours_are_not_saved(tmp_path: Path) -> None:
    """The output gets columns of these names; nothing is written."""
    rows = [{"text": "x"}, {"text": "y", "_outcome": "z"}]
    with pytest.raises(InputError, match="column '_outcome'"):
        save_rows.fn(rows, str(tmp_path / "rows.jsonl"))
    assert not (tmp_path / "rows.jsonl").exists()


def test_a_data_frame_is_saved_with_its_types(tmp_path: Path) -> None:
    """Parquet keeps them; as JSON lines the rows are what JSON can express."""
    frame = pl.DataFrame({"day": [date(2026, 11, 29), None]})
    path = save_rows.fn(frame, tmp_path / "rows.parquet")
    assert pl.read_parquet(path).equals(frame)
    path = save_rows.fn(frame, tmp_path / "rows.jsonl")
    lines = Path(path).read_text("utf-8").splitlines()
    assert lines == ['{"day":"2026-11-29"}', '{"day":null}']


def table(path: Path) -> list[Mapping[str, str]]:
    """Read a CSV output."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def task_runs(flow_run_id: str) -> list[TaskRun]:
    """Return the task runs of a flow run, as the server has them."""

    async def read() -> list[TaskRun]:
        async with get_client() as client:
            return await client.read_task_runs(
                flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))  # type: ignore[list-item]  # the API takes text
            )

    return asyncio.run(read())


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_flow_of_our_tasks(provider: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """Each operation is a task that works on its own in somebody else's flow."""

    @flow
    def mine() -> str:
        save_rows(ROWS, tmp_path / "rows.jsonl")
        requests = job(tmp_path, provider, output=str(tmp_path / "requests.jsonl"))
        (path,) = generate_requests(requests)
        batch = submit_batch(path, provider)
        assert submit_batch(path, provider).id == batch.id
        assert wait_for_batch(batch.id, provider).status.is_final
        results = download_results(batch.id, str(tmp_path / "r.jsonl"), provider)
        assert [each.id for each in list_batches(5, provider)] == [batch.id]
        assert cancel_batch(batch.id, provider).id == batch.id
        return parse_results(results, str(tmp_path / "parsed.csv"))

    rows = table(Path(mine()))
    assert {row["_outcome"] for row in rows} == {"succeeded"}
    assert len(rows) == len(ROWS)
    assert sandbox.created() == 1


def test_a_label_asks_for_a_new_batch(sandbox: Sandbox, tmp_path: Path) -> None:
    """The same file under another label is another batch, and each is found again."""
    write_rows(tmp_path)
    requests = job(tmp_path, output=str(tmp_path / "requests.jsonl"))

    @flow
    def mine() -> list[str]:
        (path,) = generate_requests(requests)
        labels = (None, "second", "second", None)
        return [submit_batch(path, label=label).id for label in labels]

    first, second, again, once_more = mine()
    assert (again, once_more) == (second, first)
    assert first != second
    assert sandbox.created() == 2


def test_our_flow_and_our_tasks_in_a_sync_flow(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """A user's flow saves rows, runs a job as a subflow, and uses what came out."""

    @flow
    def mine() -> int:
        save_rows(ROWS, tmp_path / "rows.jsonl")
        report = run_batch(job(tmp_path))
        assert report.ok
        assert len(list_batches()) == len(report.batches)
        return report.rows

    assert mine() == len(ROWS)
    assert [row["id"] for row in table(tmp_path / "out.csv")] == [
        row["id"] for row in ROWS
    ]


def test_our_flow_and_our_tasks_in_an_async_flow(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Everything is sync, and works the same from an async flow."""

    @flow
    async def mine() -> int:
        save_rows(ROWS, tmp_path / "rows.jsonl")
        report = run_batch(job(tmp_path, "anthropic"))
        assert len(list_batches(5, "anthropic")) == 1
        return report.outcomes[Outcome.SUCCEEDED]

    assert asyncio.run(mine()) == len(ROWS)


def test_a_retry_of_a_flow_re_attaches(sandbox: Sandbox, tmp_path: Path) -> None:
    """The second try of a flow run finds the batch of the first, as it is by then."""
    write_rows(tmp_path)
    tries = []

    @flow(retries=1)
    def mine() -> str:
        report = run_batch(job(tmp_path), wait="detach")
        tries.append(report)
        if len(tries) == 1:
            sandbox.settle()
            raise RuntimeError("the machine went away")
        return report.run_dir

    run_dir = mine()
    assert {report.run_dir for report in tries} == {run_dir}
    assert [report.state for report in tries] == ["open", "done"]
    assert sandbox.created() == 1


@pytest.mark.parametrize(
    ("rows", "fault", "step"),
    [
        ([{"id": "1"}], None, "generate"),
        (ROWS, {"status": 401}, "submit"),
    ],
)
def test_mistakes_are_not_tried_again(
    rows: list[dict[str, str]],
    fault: dict[str, Any] | None,
    step: str,
    sandbox: Sandbox,
    tmp_path: Path,
    recorded: Callable[[], None],
) -> None:
    """A column that is not there or a wrong key fails at once, and is tried once."""
    if fault is not None:
        sandbox.set_faults({"calls": [{"do": "status", **fault}]})
    save_rows.fn([*ROWS[:1], *rows], str(tmp_path / "rows.jsonl"))
    state = run_batch(job(tmp_path), return_state=True)
    assert state.is_failed()
    recorded()
    tried = {
        run.name.partition(" ")[0]: (run.state_name, run.run_count)
        for run in task_runs(str(state.state_details.flow_run_id))
    }
    assert tried.pop(step) == ("Failed", 1)
    assert set(tried.values()) <= {("Completed", 1)}
    assert sandbox.created() == 0


def test_task_runs_grow_with_shards(
    sandbox: Sandbox, tmp_path: Path, recorded: Callable[[], None]
) -> None:
    """A run has a few task runs per shard, none per row and none per poll."""
    sandbox.set_faults({"durations": {"in_progress": 1}})
    write_rows(tmp_path)
    counts = []
    for size in (5, 1):
        state = run_batch(
            job(tmp_path, max_requests_per_batch=size, overwrite=True),
            str(tmp_path / f"run-{size}"),
            return_state=True,
        )
        assert state.is_completed()
        recorded()
        names = [run.name for run in task_runs(str(state.state_details.flow_run_id))]
        assert sum(name.startswith("submit ") for name in names) == 5 // size
        counts.append(len(names))
    one, five = counts
    assert one <= 7
    assert five <= 7 * 5


def test_detached_runs_are_finished_by_the_sweep(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """`detach` ends after submission; `advance_runs` does the rest.

    A run that cannot be read is left as it is, and stops no other.
    """
    write_rows(tmp_path)
    root = tmp_path / "runs"
    (root / "broken").mkdir(parents=True)
    (root / "broken/job.json").write_text('{"job": {', encoding="utf-8")
    open_one = run_batch(job(tmp_path), str(root / "one"), wait="detach")
    assert open_one.state == "open"
    sandbox.settle()
    (report,) = advance_runs(str(root))
    assert report.state == "done"
    assert report.ok
    assert advance_runs(str(root)) == []
    assert sandbox.created() == 1
