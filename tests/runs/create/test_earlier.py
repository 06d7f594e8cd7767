"""Tests of `runs.create.earlier`: a copy of a run buys nothing that the run has bought.

A copy is made at a given moment, and then the original goes on.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest

from batchwright.data.job import BatchJob
from batchwright.models import Outcome
from batchwright.runs.decide.steps import Step
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import drive, perform
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox

MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}
BOTH = pytest.mark.parametrize("provider", list(MODELS))
ROWS, EACH = 5, 2
LONG = {"durations": {"in_progress": 3600}}
SECOND_ROUND = {"batches": [{"nth": [1], "answers": [{"status": 500, "nth": [2]}]}]}
BOUGHT = 4
"""Three shards and a round."""


def new_run(folder: Path, provider: str) -> Run:
    """Return a run that has done nothing yet."""
    rows = [f"text {row}" for row in range(ROWS)]
    (folder / "in.csv").write_text("\n".join(["text", *rows]) + "\n", "utf-8")
    job = BatchJob(
        input=str(folder / "in.csv"),
        output=str(folder / "out.jsonl"),
        prompt="Say something about {{ text }}",
        model=MODELS[provider],
        max_requests_per_batch=EACH,
    )
    return open_run(job, str(folder / "runs/one"))


def copy_before(run: Run, kind: str, times: int, copy: Path) -> None:
    """Take a run to its end, and copy it before it does a step for the n-th time."""
    left = times

    def perform_and_copy(run: Run, steps: Sequence[Step]) -> None:
        nonlocal left
        for step in steps:
            left -= step.kind == kind
            if left == 0 and not copy.exists():
                shutil.copytree(run.directory.url, copy)
            perform(run, [step])

    drive(run, wait=True, perform=perform_and_copy)
    assert copy.exists()


def listings(sandbox: Sandbox) -> int:
    """Return how often the list of batches was read for more than its first batch."""
    return sum(
        call.operation == "list" and "limit=1" not in call.query.split("&")
        for call in sandbox.calls()
    )


@BOTH
@pytest.mark.parametrize(
    ("place", "kind", "times"),
    [
        pytest.param("restored", "submit", 1, id="nothing is bought"),
        pytest.param("restored", "submit", 2, id="one batch is bought"),
        pytest.param("restored", "download", 1, id="a batch runs"),
        pytest.param("restored", "round", 1, id="a round is due"),
        pytest.param("restored", "submit", 4, id="a round is planned"),
        pytest.param("beside", "submit", 2, id="beside the original"),
        pytest.param("elsewhere", "submit", 2, id="under another root"),
    ],
)
def test_a_copy_buys_nothing_again(
    place: str,
    kind: str,
    times: int,
    provider: str,
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    """What the original bought after the copy was made is found and recorded."""
    sandbox.set_faults(SECOND_ROUND)
    run = new_run(tmp_path, provider)
    copy = tmp_path / ("runs/two" if place == "beside" else "backups/one")
    copy_before(run, kind, times, copy)
    output = tmp_path / "out.jsonl"
    table = output.read_bytes()
    output.unlink()
    if place == "restored":
        shutil.rmtree(run.directory.url)
        copy = shutil.copytree(copy, run.directory.url)
    sandbox.set_faults({})
    report = drive(Run.load(str(copy)), wait=True)
    assert report.outcomes == {Outcome.SUCCEEDED: ROWS}
    assert output.read_bytes() == table
    assert sandbox.created() == BOUGHT


@BOTH
def test_a_claim_in_a_copy_finds_its_batch(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The copy was made before the batch was on record, and lies beside the original.

    What the original has on record is the copy's as well.
    """
    run = new_run(tmp_path, provider)
    copy = tmp_path / "runs/two"
    copy_before(run, "submit", 2, copy)
    (copy / "shards/00000/attempts/000.batch.json").unlink()
    (tmp_path / "out.jsonl").unlink()
    report = drive(Run.load(str(copy)), wait=True)
    assert report.outcomes == {Outcome.SUCCEEDED: ROWS}
    assert sandbox.created() == 3


@BOTH
def test_a_copy_waits_for_what_is_not_proved(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Whose a batch of Anthropic is shows when it ends, and none is bought before."""
    sandbox.set_faults(LONG)
    run = new_run(tmp_path, provider)
    copy = tmp_path / "copy"
    perform(run, [Step("generate")])
    shutil.copytree(run.directory.url, copy)
    drive(run, wait=False)
    bought = sandbox.created()
    report = drive(Run.load(str(copy)), wait=False)
    assert sandbox.created() == bought == 3
    assert report.state == "open"
    sandbox.settle()
    report = drive(Run.load(str(copy)), wait=True)
    assert report.outcomes == {Outcome.SUCCEEDED: ROWS}
    assert sandbox.created() == bought


@BOTH
def test_a_copy_of_a_run_that_bought_nothing_goes_on(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Another client's batches of the same size are not taken for its own."""
    params = {
        "model": MODELS["anthropic"],
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
    }
    requests = [{"custom_id": f"x-{n}", "params": params} for n in range(EACH)]
    httpx2.post(
        f"{sandbox.anthropic_base_url}/v1/messages/batches",
        headers={"x-api-key": sandbox.api_key, "anthropic-version": "2023-06-01"},
        json={"requests": requests},
    ).raise_for_status()
    run = new_run(tmp_path, provider)
    perform(run, [Step("generate")])
    shutil.copytree(run.directory.url, tmp_path / "copy")
    report = drive(Run.load(str(tmp_path / "copy")), wait=True)
    assert report.outcomes == {Outcome.SUCCEEDED: ROWS}
    assert sandbox.created() == 4


@BOTH
def test_only_a_run_that_is_continued_reads_the_list(
    provider: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A first start reads none, and a continuation one, however much it creates."""
    first = new_run(tmp_path, provider)
    drive(first, wait=True)
    assert listings(sandbox) == 0
    (tmp_path / "second").mkdir()
    second = new_run(tmp_path / "second", provider)
    perform(second, [Step("generate")])
    drive(Run.load(second.directory.url), wait=True)
    assert listings(sandbox) == (1 if provider == "openai" else 0)
    assert sandbox.created() == 6
