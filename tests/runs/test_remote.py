"""Tests of runs whose directory is on S3: nothing of them is on this machine's disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchwright.data.job import BatchJob
from batchwright.models import Outcome
from batchwright.runs.directory.storage import Directory
from batchwright.runs.drive import cancel_run, drive
from batchwright.runs.open import open_run, reopen_run
from batchwright.runs.report.report import list_runs
from batchwright.sandbox import Sandbox

BOTH = pytest.mark.parametrize("provider", ["openai", "anthropic"])
ROWS = 6
SECOND_ROUND = {
    "durations": {"validating": 0, "in_progress": 0.01, "finalizing": 0},
    "batches": [{"nth": [1], "answers": [{"status": 500, "nth": [2]}]}],
}
CREATED = {
    "openai": "/openai/v1/batches",
    "anthropic": "/anthropic/v1/messages/batches",
}
LATER_KILLS = [
    "write plan.json",
    "write shards/00000/attempts/000.batch.json",
    "write shards/00000/attempts/000.output.jsonl",
    "write shards/00000/attempts/000.ended.json",
    "write rounds/1/plan.json",
    "write rounds/1/00000/attempts/000.intent.json",
    "write shards/00000/part.jsonl",
    "write report.json",
]


def kill_and_resume(killable: Any, bucket: str, provider: str, step: str) -> None:
    """Kill a run after the step; the next process ends it as if nothing had been."""
    killable.sandbox.set_faults(SECOND_ROUND)
    undisturbed = killable.prepare(provider)
    assert killable.run(undisturbed) == 0
    killable.sandbox.set_faults(SECOND_ROUND)
    command = killable.prepare(provider, bucket)
    # A claim of a dead process is looked into when no call of it can be alive.
    command["environment"]["BATCHWRIGHT_HTTP_TIMEOUT_SECONDS"] = "1.5"
    assert killable.run(command | {"kill_at": (step, 1)}) == -9
    assert killable.run(command) == 0, killable.steps(command)[-1]
    assert len(killable.table(command)) == ROWS
    killable.assert_alike(command, undisturbed)
    assert killable.duplicates() == []


@BOTH
@pytest.mark.parametrize("step", ["claimed", "created"])
def test_a_killed_run_is_resumed_there(
    provider: str, step: str, killable: Any, bucket: str
) -> None:
    """Another machine finds the batch of a claim, or that there is none."""
    steps = {
        "claimed": "write shards/00000/attempts/000.intent.json",
        "created": f"POST {CREATED[provider]}",
    }
    kill_and_resume(killable, bucket, provider, steps[step])


@pytest.mark.long
@BOTH
@pytest.mark.parametrize("step", LATER_KILLS)
def test_a_run_killed_later_is_resumed_there(
    provider: str, step: str, killable: Any, bucket: str
) -> None:
    """The same after each other kind of write."""
    kill_and_resume(killable, bucket, provider, step)


@BOTH
def test_of_two_processes_one_creates(
    provider: str, killable: Any, bucket: str
) -> None:
    """The loser of the claim says so and sends nothing more; the winner ends the run.

    Both have read that nothing is claimed when the first listing is answered.
    """
    stall = {"operation": "list", "do": "stall", "seconds": 2, "first": 2}
    killable.sandbox.set_faults(SECOND_ROUND | {"calls": [stall]})
    winner = killable.prepare(provider, bucket)
    loser = winner | {"trace": winner["trace"] + "-2"}
    codes = killable.run_at_once(winner, loser)
    if codes == [1, 0]:
        winner, loser = loser, winner
    assert sorted(codes) == [0, 1]
    said = killable.steps(loser)[-1]
    assert said.startswith("RunBusyError: Another process is just creating the batch")
    assert said.endswith("nothing was sent from here.")
    assert f"POST {CREATED[provider]}" not in killable.steps(loser)
    assert killable.duplicates() == []
    assert len(killable.table(winner)) == ROWS


def test_two_processes_that_meet_later_share_the_work(
    killable: Any, bucket: str
) -> None:
    """Both land the same batches; whose record comes first, it stands."""
    killable.sandbox.set_faults({"durations": {"in_progress": 3600}})
    command = killable.prepare("openai", bucket)
    step = "write shards/00001/attempts/000.batch.json"
    assert killable.run(command | {"kill_at": (step, 1)}) == -9
    killable.sandbox.settle()
    other = command | {"trace": command["trace"] + "-2"}
    codes = killable.run_at_once(command, other)
    assert codes == [0, 0], [killable.steps(each)[-1] for each in (command, other)]
    assert killable.duplicates() == []
    assert len(killable.table(command)) == ROWS


def test_a_remote_run_is_listed_cancelled_and_resumed(
    bucket: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Whatever can be done with a local run can be done with a remote one."""
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    (tmp_path / "in.csv").write_text("text\none\ntwo\n", encoding="utf-8")
    job = BatchJob(
        input=str(tmp_path / "in.csv"),
        output=str(tmp_path / "out.parquet"),
        prompt="Say something about {{ text }}",
        model="gpt-5-mini",
    )
    url = f"{bucket}/deep/run"
    assert drive(open_run(job, url), wait=False).state == "open"
    assert [each.run_dir for each in list_runs(f"{bucket}/deep")] == [url]
    cancel_run(url)
    sandbox.settle()
    report = drive(reopen_run(url), wait=True)
    assert report.state == "cancelled"
    assert report.outcomes == {Outcome.CANCELLED: 2}
    assert sandbox.created() == 1
    assert Directory(url).exists("report.md")
    assert not list(tmp_path.glob("**/job.json"))
