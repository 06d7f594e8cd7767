"""Tests of crashes at random times, and of flows: the next run finishes what died.

The conformance suite of the vendors kills runs at each step.

The invariants after each kill and resume: the provider made no batch twice, the table
is that of an undisturbed run, and no record is half-written.
"""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

PROVIDERS = ["openai", "anthropic"]
FAULTS = {
    "durations": {"validating": 0, "in_progress": 0.01, "finalizing": 0},
    "batches": [{"nth": [1], "answers": [{"status": 500, "nth": [2]}]}],
}
"""One request of the first batch fails, so that there is a second round."""


def kill_at_random(killable: Any, kills: int, seed: int) -> None:
    """Kill runs of both providers at random times until so many kills took place."""
    chance = random.Random(seed)  # noqa: S311 - chooses moments, keeps no secret
    expected = {}
    seconds = {}
    for provider in PROVIDERS:
        killable.sandbox.set_faults(FAULTS)
        command = killable.prepare(provider)
        started = time.monotonic()
        assert killable.run(command) == 0
        seconds[provider] = time.monotonic() - started
        expected[provider] = killable.table(command)
    killed = 0
    while killed < kills:
        provider = chance.choice(PROVIDERS)
        killable.sandbox.set_faults(FAULTS)
        command = killable.prepare(provider)
        for _ in range(5):
            after = chance.uniform(0, seconds[provider])
            code = killable.run(command | {"kill_after_seconds": after})
            if code == 0:
                break
            assert code == -9
            killed += 1
        assert killable.run(command) == 0
        assert killable.table(command) == expected[provider]
        assert killable.duplicates() == []


@pytest.mark.long
def test_kills_at_random_times_cost_nothing(killable: Any) -> None:
    """Sixty kills, several of them of the same run."""
    kill_at_random(killable, 60, seed=4)


@pytest.mark.long
def test_a_thousand_kills_cost_nothing(killable: Any) -> None:
    """The same for as long as it takes."""
    kill_at_random(killable, 1000, seed=5)


FLOW_KILLS = [
    "write shards/*/attempts/*.intent.json",
    "POST {create}",
    "write shards/*/attempts/*.output.jsonl",
    "write rounds/1/00000/attempts/*.intent.json",
    "write shards/*/tally.json",
]
"""Each comes after the one before, so that one run dies five times."""


@pytest.mark.prefect
@pytest.mark.parametrize(
    "provider", ["openai", pytest.param("anthropic", marks=pytest.mark.long)]
)
def test_a_flow_that_is_killed_five_times_ends_as_if_never(
    provider: str, killable: Any, prefect_server: str
) -> None:
    """`run_batch` on a shared server, each time called again with the same job."""
    killable.sandbox.set_faults(FAULTS)
    undisturbed = killable.prepare(provider)
    assert killable.run(undisturbed) == 0
    killable.sandbox.set_faults(FAULTS)
    command = killable.prepare(provider) | {"prefect_api_url": prefect_server}
    path = {
        "openai": "/openai/v1/batches",
        "anthropic": "/anthropic/v1/messages/batches",
    }
    for step in FLOW_KILLS:
        kill_at = (step.format(create=path[provider]), 1)
        code = killable.run(command | {"kill_at": kill_at})
        assert code == -9, f"{kill_at}: {killable.steps(command)[-1]}"
    assert killable.run(command) == 0
    killable.assert_alike(command, undisturbed)
    assert killable.duplicates() == []


@pytest.mark.prefect
def test_a_script_that_is_typed_again_pays_once(
    killable: Any, prefect_server: str
) -> None:
    """`run_batch` without `run_dir` continues what a killed process began."""
    killable.sandbox.set_faults(FAULTS)
    command = killable.prepare("openai") | {"prefect_api_url": prefect_server}
    command["run_dir"] = None
    command["environment"]["BATCHWRIGHT_RUNS_DIR"] = str(killable.folder / "runs")
    kill_at = ("write shards/*/attempts/*.batch.json", 2)
    assert killable.run(command | {"kill_at": kill_at}) == -9
    bought = killable.sandbox.created()
    assert killable.run(command) == 0
    assert killable.duplicates() == []
    assert bought == 2
    assert len(list((killable.folder / "runs").iterdir())) == 1


RETRY_KILLS = [
    "write rounds/1/00000/requests.jsonl",
    "write rounds/1/plan.json",
    "remove shards/00000/tally.json",
    "remove done.json",
    "write rounds/1/00000/attempts/*.intent.json",
    "POST {create}",
    "write rounds/1/00000/attempts/*.batch.json",
    "write rounds/1/00000/attempts/*.output.jsonl",
    "write rounds/1/00000/attempts/*.ended.json",
    "write shards/*/tally.json",
    "write report.json",
    "write done.json",
]
"""Each comes after the one before, so that one retry dies at every step."""


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("changes", [{}, {"prompt": "Again: {{ text }}"}])
def test_a_retry_that_is_killed_at_each_step_is_continued(
    provider: str, changes: dict[str, str], killable: Any
) -> None:
    """The same call asks each failed row once more, and what was valid stays."""
    faults = {"answers": [{"status": 400, "nth": [1, 2]}]}
    killable.sandbox.set_faults(FAULTS | {"batches": [{"nth": [1, 2], **faults}]})
    command = killable.prepare(provider)
    assert killable.run(command) == 0
    before = killable.table(command)
    created = killable.sandbox.created()
    command["retry"] = changes
    create = {
        "openai": "/openai/v1/batches",
        "anthropic": "/anthropic/v1/messages/batches",
    }
    for step in RETRY_KILLS:
        kill_at = (step.format(create=create[provider]), 1)
        code = killable.run(command | {"kill_at": kill_at})
        assert code == -9, f"{kill_at}: {killable.steps(command)[-1]}"
        rows = killable.table(command)
        assert [row["text"] for row in rows] == [row["text"] for row in before]
    assert killable.run(command) == 0
    assert killable.sandbox.created() == created + 2
    assert killable.duplicates() == []
    failed = [row["_outcome"] != "succeeded" for row in before]
    assert sum(failed) == 4
    for was, row, is_asked in zip(before, killable.table(command), failed, strict=True):
        assert row["_outcome"] == "succeeded"
        assert row["_round"] == 1 if is_asked else row == was
