"""Tests of admission: no more than fits, and what did not fit waits and goes on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from batchwright.data.job import BatchJob
from batchwright.models import Outcome, RunEvent, RunReport
from batchwright.runs.directory.records import Verdict
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import drive
from batchwright.runs.events import listening
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox


def run(folder: Path, texts: list[str], **options: Any) -> RunReport:
    """Run a job over these texts to its end, one request in each batch."""
    lines = "".join(f"{text}\n" for text in ["text", *texts])
    (folder / "in.csv").write_text(lines, encoding="utf-8")
    given: dict[str, Any] = {"model": "gpt-5-mini"} | options
    job = BatchJob(
        input=str(folder / "in.csv"),
        output=str(folder / "out.jsonl"),
        prompt="{{ text }}",
        max_requests_per_batch=1,
        **given,
    )
    return drive(open_run(job, str(folder / "run")), wait=True)


def verdicts(folder: Path) -> Counter[Verdict]:
    """Return how the attempts of the run ended."""
    shards = Run.load(str(folder / "run")).state().shards.values()
    return Counter(
        attempt.ended.verdict
        for shard in shards
        for attempt in shard.attempts.all
        if attempt.ended
    )


def test_forty_shards_where_three_fit(sandbox: Sandbox, tmp_path: Path) -> None:
    """None is lost, none is double, and no file is sent up twice."""
    slow = {"nth": [1, 2, 3], "durations": {"in_progress": 2}}
    sandbox.set_faults({"limits": {"openai_enqueued_tokens": 250}, "batches": [slow]})
    report = run(tmp_path, [f"text {row}" for row in range(40)])
    assert report.outcomes == {Outcome.SUCCEEDED: 40}
    ended = verdicts(tmp_path)
    assert ended[Verdict.DOWNLOADED] == 40
    assert ended[Verdict.PARKED] > 0
    calls = Counter(call.operation for call in sandbox.calls())
    assert calls["upload"] == 40
    assert calls["create"] == 40 + ended[Verdict.PARKED]


def test_the_named_limit_is_learned(sandbox: Sandbox, tmp_path: Path) -> None:
    """After the first refusals and results, hardly a batch is made in vain."""
    sandbox.set_faults({"limits": {"openai_enqueued_tokens": 1200}})
    texts = [f"{row} " + "word " * 200 for row in range(24)]
    report = run(tmp_path, texts, max_in_flight=6)
    assert report.outcomes == {Outcome.SUCCEEDED: 24}
    assert verdicts(tmp_path)[Verdict.PARKED] <= 6


def test_an_upload_that_is_gone_is_made_again(sandbox: Sandbox, tmp_path: Path) -> None:
    """A file that was sent up before is only used while the provider has it."""
    refused = {"nth": [1], "fail": [{"code": "token_limit_exceeded"}]}
    lost = {"operation": "file", "do": "status", "status": 404, "first": 1}
    sandbox.set_faults({"batches": [refused], "calls": [lost]})
    report = run(tmp_path, ["text"])
    assert report.outcomes == {Outcome.SUCCEEDED: 1}
    calls = Counter(call.operation for call in sandbox.calls())
    assert calls["upload"] == 2


@pytest.mark.parametrize("model", ["gpt-5-mini", "claude-sonnet-4-5"])
def test_at_most_so_many_in_flight(
    model: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """`max_in_flight` holds at every creation."""
    open_now = 0
    most = 0

    def count(event: RunEvent) -> None:
        nonlocal open_now, most
        open_now += (event.kind == "submitted") - (event.kind == "downloaded")
        most = max(most, open_now)

    with listening(count):
        report = run(tmp_path, list("abcdef"), model=model, max_in_flight=2)
    assert report.outcomes == {Outcome.SUCCEEDED: 6}
    assert most == 2


@pytest.mark.parametrize("model", ["gpt-5-mini", "claude-sonnet-4-5"])
@pytest.mark.parametrize(
    ("operation", "words"),
    [("create", "Creating a batch failed"), ("retrieve", "Looking at")],
)
def test_trouble_is_said_once(
    model: str, operation: str, words: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """However often a call fails for the same reason, one line is enough."""
    # The SDKs try three times by themselves where that is safe.
    fault = {"operation": operation, "do": "status", "status": 429, "first": 9}
    sandbox.set_faults({"calls": [fault | {"retry_after_ms": 1}]})
    said: list[str] = []

    def listen(event: RunEvent) -> None:
        if event.kind == "notice":
            said.append(event.text or "")

    with listening(listen):
        report = run(tmp_path, ["text"], model=model)
    assert report.outcomes == {Outcome.SUCCEEDED: 1}
    assert sum(text.startswith(words) for text in said) == 1, said
