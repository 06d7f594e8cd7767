"""Tests of task runners: the flow's own decides where the steps of a run are done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from batchwright import BatchJob, run_batch
from batchwright.sandbox import Sandbox

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.usefixtures("prefect_server"),
]

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}


def job(folder: Path, provider: str) -> BatchJob:
    """Return a job of two shards."""
    rows = folder / "rows.csv"
    rows.write_text("text\none\ntwo\n", encoding="utf-8")
    return BatchJob(
        input=str(rows),
        prompt="Say something about {{ text }}",
        model=MODELS[provider],
        max_requests_per_batch=1,
        output=str(folder / "out.csv"),
    )


class NotingRunner(ThreadPoolTaskRunner[Any]):
    """Runs in threads, and notes what it was given."""

    given: list[str]

    def duplicate(self) -> NotingRunner:
        """Return itself: a flow runs with a copy, which nobody else sees."""
        return self

    def submit(self, task: Any, parameters: Any, *rest: Any, **options: Any) -> Any:
        """Note the step and its shard."""
        self.given.append(f"{parameters['kind']} {parameters['shard']}".strip())
        return super().submit(task, parameters, *rest, **options)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_the_task_runner_gets_every_step(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Each shard is uploaded, downloaded and parsed as a task of its own."""
    runner = NotingRunner()
    runner.given = []
    flow = run_batch.with_options(task_runner=runner)
    assert flow(job(tmp_path, provider), str(tmp_path / "run")).ok
    assert sorted(runner.given) == [
        *(f"download shards/{shard:05}" for shard in range(2)),
        "generate",
        *(
            f"{step} shards/{shard:05}"
            for step in ("parse", "submit")
            for shard in range(2)
        ),
        "write-output",
    ]


@pytest.mark.long
def test_other_processes_do_the_steps(sandbox: Sandbox, tmp_path: Path) -> None:
    """A process pool runs a whole job: the steps need nothing but the directory."""
    runner = ProcessPoolTaskRunner(max_workers=1)
    flow = run_batch.with_options(task_runner=runner)
    assert flow(job(tmp_path, "openai"), str(tmp_path / "run")).ok
    assert sandbox.created() == 2
