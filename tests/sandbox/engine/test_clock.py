"""Virtual time: a day passes in a second, or at a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from batchwright.sandbox import Sandbox
from batchwright.sandbox.engine.clock import Clock

DAY = 86_400


def test_time_runs_faster_by_its_scale() -> None:
    """At 86,400, a day of virtual time passes in each second."""
    clock = Clock(scale=DAY)
    before = clock.now()
    first = clock.advance(0)
    assert first - before < DAY
    assert clock.advance(DAY) - first >= DAY


def test_a_day_passes_in_a_second(connect: Any, chat: Any) -> None:
    """A batch that would take a week expires after a second of real time."""
    faults = {"durations": {"in_progress": 7 * DAY}}
    with Sandbox(faults=faults, time_scale=DAY) as sandbox:
        clients = connect(sandbox)
        batch_id = clients.create([chat(f"row-{i}") for i in range(7)])
        for _ in range(100_000):
            batch = clients.openai.batches.retrieve(batch_id)
            if batch.status not in {"in_progress", "validating"}:
                break
        assert batch.status == "expired"
        assert batch.expired_at - batch.created_at == DAY
        assert batch.request_counts.completed <= 1


def test_uploaded_files_expire(clients: Any, chat: Any) -> None:
    """A batch file is gone 30 days after its upload, or when it was asked to."""
    kept = clients.upload(b"{}")
    short = clients.openai.files.create(
        file=("x.jsonl", b"{}"),
        purpose="batch",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )
    clients.sandbox.advance(3601)
    with pytest.raises(openai.NotFoundError):
        clients.openai.files.retrieve(short.id)
    assert [file.id for file in clients.openai.files.list()] == [kept]
    clients.sandbox.advance(30 * DAY)
    with pytest.raises(openai.NotFoundError):
        clients.raw(kept)


def test_an_expired_input_file_fails_its_batch(clients: Any, chat: Any) -> None:
    """A file that is gone when the batch is made cannot be found."""
    file_id = clients.upload(b"{}")
    clients.sandbox.advance(31 * DAY)
    batch = clients.openai.batches.create(
        input_file_id=file_id, endpoint="/v1/responses", completion_window="24h"
    )
    clients.sandbox.settle()
    assert clients.openai.batches.retrieve(batch.id).errors.data[0].param == "file_id"


def test_result_files_expire(clients: Any, chat: Any) -> None:
    """They are gone 30 days after the end, or as `output_expires_after` has it."""
    usual = clients.run([chat()])
    after = {"anchor": "created_at", "seconds": 3600}
    short = clients.run([chat()], output_expires_after=after)
    clients.sandbox.advance(3601)
    assert clients.raw(usual.output_file_id)
    with pytest.raises(openai.NotFoundError):
        clients.raw(short.output_file_id)
    clients.sandbox.advance(30 * DAY)
    with pytest.raises(openai.NotFoundError):
        clients.raw(usual.output_file_id)


def test_anthropic_results_are_archived(clients: Any, message: Any) -> None:
    """29 days after its creation a batch is still there, without its results."""
    batch = clients.run_anthropic([message()])
    clients.sandbox.advance(29 * DAY)
    shown = clients.anthropic.messages.batches.retrieve(batch.id)
    assert shown.processing_status == "ended"
    assert shown.archived_at is not None
    assert shown.results_url is None
    with pytest.raises(anthropic.NotFoundError):
        clients.anthropic_raw(batch.id)


def test_the_clock_goes_on_after_a_restart(
    tmp_path: Path, connect: Any, message: Any
) -> None:
    """What was moved forward stays so in the next server."""
    with Sandbox(tmp_path) as sandbox:
        batch = connect(sandbox).run_anthropic([message()])
        sandbox.advance(29 * DAY)
    with Sandbox(tmp_path) as sandbox:
        batches = connect(sandbox).anthropic.messages.batches
        assert batches.retrieve(batch.id).archived_at is not None
