"""Runs and files with Bedrock: what needs a hundred records, and a model apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from batchwright.data.job import BatchJob
from batchwright.errors import InputError
from batchwright.providers import Provider, get_provider
from batchwright.runs.create.submit_file import submit_file
from batchwright.runs.drive import drive
from batchwright.runs.events import listening
from batchwright.runs.open import open_run, reopen_run
from batchwright.runs.trial import try_rows
from batchwright.sandbox import Sandbox
from tests.providers.bedrock.bedrock_server import BedrockServer

MODEL = "anthropic.claude-sonnet-5-v1:0"


@pytest.fixture
def server(sandbox: Sandbox, bucket: str) -> BedrockServer:
    """Give the sandbox and a bucket."""
    return BedrockServer(sandbox, bucket)


@pytest.fixture
def provider(server: BedrockServer, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """Give a client of ours in a new account."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return get_provider("bedrock")


def _job(folder: Path, rows: int, **options: Any) -> BatchJob:
    (folder / "in.csv").write_text("text\n" + "a\n" * rows, "utf-8")
    return BatchJob(
        input=str(folder / "in.csv"),
        output=str(folder / "out.jsonl"),
        model=f"bedrock/{MODEL}",
        prompt="Say {{ text }}",
        **options,
    )


def _outcomes(folder: Path) -> list[str]:
    lines = (folder / "out.jsonl").read_bytes().splitlines()
    return [orjson.loads(line)["_outcome"] for line in lines]


def _asked(sandbox: Sandbox) -> int:
    return sum(call.operation == "ask" for call in sandbox.calls())


def test_too_few_failed_rows_are_not_sent_again(
    provider: Provider,
    server: BedrockServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A row that failed for now keeps its error, and a message says why."""
    del provider
    monkeypatch.setenv("BEDROCK_BATCH_MIN_RECORDS", "3")
    server.fail_request()
    job = _job(tmp_path, 3)
    told: list[str] = []
    with listening(lambda event: told.append(event.text or "")):
        drive(open_run(job, str(tmp_path / "run")), wait=True)
    assert _outcomes(tmp_path) == ["succeeded", "errored", "succeeded"]
    said = "1 rows are not sent again: a batch has at least 3 requests"
    assert any(said in text for text in told)
    assert len(server.first_ids()) == 1


def test_rows_are_asked_in_realtime(
    provider: Provider,
    server: BedrockServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The model, which no request names, is that of the run; few rows are enough."""
    del provider
    monkeypatch.setenv("BEDROCK_BATCH_MIN_RECORDS", "100")
    job = _job(tmp_path, 2, finish_by_seconds=0)
    drive(open_run(job, str(tmp_path / "run")), wait=True)
    assert _outcomes(tmp_path) == ["succeeded"] * 2
    assert server.first_ids() == []


def test_what_a_late_job_leaves_is_asked_however_few(
    provider: Provider,
    server: BedrockServer,
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At the deadline, rows that are too few for a job are asked in realtime."""
    del provider
    monkeypatch.setenv("BEDROCK_BATCH_MIN_RECORDS", "4")
    sandbox.set_faults(server.faults(durations={"in_progress": 1000}))
    before = _asked(sandbox)
    job = _job(tmp_path, 4, finish_by_seconds="6h")
    drive(open_run(job, str(tmp_path / "run")), wait=False)
    assert sandbox.backend.worker.wait_idle(60)
    sandbox.advance(500)
    drive(reopen_run(str(tmp_path / "run"), finish_by="0"), wait=True)
    assert _outcomes(tmp_path) == ["succeeded"] * 4
    assert 0 < _asked(sandbox) - before < 4
    assert len(server.first_ids()) == 1


def test_a_few_rows_are_tried(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`try` makes no batch, so it needs no hundred rows, and it knows the model."""
    del provider
    monkeypatch.setenv("BEDROCK_BATCH_MIN_RECORDS", "100")
    job = _job(tmp_path, 2)
    trial = try_rows(job, 2)
    assert [row.values["_outcome"] for row in trial.rows] == ["succeeded"] * 2


def test_a_file_needs_the_name_of_its_model(provider: Provider, tmp_path: Path) -> None:
    """A request of Bedrock's does not name it, so it is asked for."""
    path = tmp_path / "in.jsonl"
    asked = {"messages": [{"role": "user", "content": [{"text": "Hi."}]}]}
    path.write_bytes(orjson.dumps({"recordId": "a", "modelInput": asked}) + b"\n")
    with pytest.raises(InputError, match=r"does not say which model .* --model"):
        submit_file(path, provider)
    with pytest.raises(InputError, match="does not name a model"):
        provider.ask(path.read_bytes())
    batch = submit_file(path, provider, model=MODEL).batch
    assert batch.metadata["jobName"].startswith("batchwright-")
