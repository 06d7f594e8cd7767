"""Tests of runs that an earlier version started: this one continues and reports them.

`make_fixtures.py` wrote the archives, in a folder per version, and says what each
state is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batchwright import RunReport
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run, reopen_run
from batchwright.runs.retry import open_retry

Unpack = Callable[[Path], Any]

ARCHIVES = sorted(Path(__file__).parent.glob("*/*.tar.gz"))

CONTINUED = {
    # state: (batches ever created, once the run is done; rows by outcome)
    "open": (2, {"succeeded": 6}),
    "sandbox": (2, {"succeeded": 6}),
    "canary": (3, {"succeeded": 6}),
    "half": (2, {"succeeded": 6}),
    "parked": (3, {"succeeded": 6}),
    "rounds": (3, {"succeeded": 6}),
    "reask": (3, {"succeeded": 6}),
    "lost": (2, {"succeeded": 6}),
    "unsent": (2, {"succeeded": 6}),
    "downloaded": (3, {"succeeded": 6}),
    "cancelled": (2, {"succeeded": 2, "cancelled": 4}),
}
FINISHED = {"done": 0, "failed": 3, "cancelled-done": 3}
"""The exit code of `status` and `resume` for each state."""
FILES = {"file-open", "file-lost"}


def _name(archive: Path) -> str:
    return archive.name.removesuffix(".tar.gz")


def _state(archive: Path) -> str:
    return _name(archive).partition("-")[2]


def _archives(*states: str, provider: str = "") -> pytest.MarkDecorator:
    """Parametrize a test with the archives of these states, of every version."""
    return pytest.mark.parametrize(
        "archive",
        [
            pytest.param(path, id=f"{path.parent.name}-{_name(path)}")
            for path in ARCHIVES
            if _state(path) in states and path.name.startswith(provider)
        ],
    )


def _check_end(unpacked: Any, batches: int, outcomes: dict[str, int]) -> None:
    """Check that the table is complete and no request was sent in two batches."""
    table = unpacked.table()
    names = ("id", "email")
    assert [[row[name] for name in names] for row in table] == [
        [row[name] for name in names] for row in unpacked.rows()
    ]
    assert Counter(row["_outcome"] for row in table) == outcomes
    for row in table:
        if row["_outcome"] == "succeeded" and "label" in row:
            assert row["label"] in {"SPAM", "NOT_SPAM"}
            assert str(int(row["score"])) == str(row["score"])
    sent = unpacked.sent()
    assert sent.total() == batches
    assert all(count == 1 for count in sent.values()), sent


def _says(now: Any, before: Any) -> bool:
    """Whether `now` has everything that `before` had; it may have more fields."""
    if isinstance(before, dict):
        return all(name in now and _says(now[name], before[name]) for name in before)
    if isinstance(before, list):
        return len(now) == len(before) and all(map(_says, now, before))
    return bool(now == before)


def test_every_archive_is_tested() -> None:
    """Each state for which there is an archive is in a table above."""
    assert {_state(path) for path in ARCHIVES} == {*CONTINUED, *FINISHED, *FILES}


@_archives(*CONTINUED)
def test_a_run_is_continued(archive: Path, unpack: Unpack) -> None:
    """Every row is accounted for, and no batch is created twice."""
    unpacked = unpack(archive)
    unpacked.sandbox.settle()
    report = drive(reopen_run(unpacked.run_dir), wait=True)
    assert report.state != "open"
    batches, outcomes = CONTINUED[_state(archive)]
    _check_end(unpacked, batches, outcomes)
    assert report.outcomes == outcomes


@pytest.mark.prefect
@_archives("open", "lost", "sandbox", provider="openai")
def test_the_same_command_continues_it(
    archive: Path, unpack: Unpack, prefect_server: str
) -> None:
    """The command that started the run, typed again, continues it."""
    unpacked = unpack(archive)
    unpacked.sandbox.settle()
    command = [each for each in unpacked.facts["command"] if each != "--no-wait"]
    done = unpacked.cli(*command)
    assert done.exit_code == 0, done.output
    _check_end(unpacked, *CONTINUED[_state(archive)])


@pytest.mark.prefect
@_archives("half", "parked", "rounds")
def test_the_command_resume_continues_it(
    archive: Path, unpack: Unpack, prefect_server: str
) -> None:
    """`batchwright resume` needs nothing but the directory."""
    unpacked = unpack(archive)
    unpacked.sandbox.settle()
    done = unpacked.cli("resume", unpacked.run_dir)
    assert done.exit_code == 0, done.output
    _check_end(unpacked, *CONTINUED[_state(archive)])


@_archives(*CONTINUED, *FINISHED)
def test_a_run_is_reported(archive: Path, unpack: Unpack) -> None:
    """`status` and `runs` say what `status` said before, and change nothing."""
    unpacked = unpack(archive)
    before = unpacked.files()
    expected = unpacked.facts["status"]
    status = unpacked.cli("status", unpacked.run_dir, "--json")
    assert status.exit_code == expected["code"], status.output
    assert _says(json.loads(status.stdout), expected["report"])
    assert unpacked.cli("status", unpacked.run_dir).exit_code == expected["code"]
    listed = unpacked.cli("runs", "runs", "--json")
    assert _says(json.loads(listed.stdout), expected["report"])
    assert unpacked.files() == before
    assert unpacked.sandbox.calls() == []


@_archives(*FINISHED)
def test_a_finished_run_is_left_alone(archive: Path, unpack: Unpack) -> None:
    """`resume` gives the same report and exit code as before, and changes nothing."""
    unpacked = unpack(archive)
    before = unpacked.files()
    done = unpacked.cli("resume", unpacked.run_dir, "--json")
    assert done.exit_code == FINISHED[_state(archive)], done.output
    assert _says(json.loads(done.stdout), unpacked.facts["status"]["report"])
    assert unpacked.files() == before
    assert unpacked.sandbox.calls() == []


@_archives("done")
def test_a_finished_run_is_parsed_with_another_model(
    archive: Path, unpack: Unpack
) -> None:
    """The downloaded answers are parsed again, and nothing is sent."""
    unpacked = unpack(archive)
    model = unpacked.folder / "other.py"
    model.write_text(
        "from pydantic import BaseModel\nclass Other(BaseModel):\n    label: str\n",
        encoding="utf-8",
    )
    labels = [row["label"] for row in unpacked.table()]
    reopened = reopen_run(unpacked.run_dir, response_model=f"{model}:Other")
    assert drive(reopened, wait=True).ok
    assert [row["label"] for row in unpacked.table()] == labels
    assert "score" not in unpacked.table()[0]
    assert unpacked.asked("create") == 0


@_archives("cancelled", "cancelled-done")
def test_a_cancelled_run_stays_cancelled(archive: Path, unpack: Unpack) -> None:
    """It creates nothing until the cancellation is lifted with `--uncancel`."""
    unpacked = unpack(archive)
    unpacked.sandbox.settle()
    assert _end(unpacked).state == "cancelled"
    _check_end(unpacked, *CONTINUED["cancelled"])
    assert unpacked.asked("create") == 0
    report = _end(unpacked, uncancel=True)
    assert report.state == "done"
    _check_end(unpacked, 3, {"succeeded": 4, "cancelled": 2})


@_archives("failed", "cancelled-done")
def test_the_failed_rows_of_a_finished_run_are_retried(
    archive: Path, unpack: Unpack
) -> None:
    """What has an answer keeps it, and the table has the columns of this version."""
    unpacked = unpack(archive)
    before = {row["id"]: row for row in unpacked.table()}
    batches = unpacked.sent().total()
    assert drive(open_retry(unpacked.run_dir), wait=True).ok
    _check_end(unpacked, batches + unpacked.asked("create"), {"succeeded": 6})
    for row in unpacked.table():
        was = before[row["id"]]
        is_old = was["_outcome"] == "succeeded"
        assert str(row["_round"]) == "0" if is_old else str(row["_round"]) != "0"
        assert not is_old or row["_custom_id"] == was["_custom_id"]


def _end(unpacked: Any, *, uncancel: bool = False) -> RunReport:
    return drive(reopen_run(unpacked.run_dir, uncancel=uncancel), wait=True)


@pytest.mark.prefect
@_archives("file-open", "file-lost")
def test_a_request_file_is_not_sent_twice(
    archive: Path, unpack: Unpack, prefect_server: str
) -> None:
    """The task `submit_batch` returns the batch of the file, also a lost one."""
    from batchwright.tasks import submit_batch

    unpacked = unpack(archive)
    (existing,) = unpacked.sandbox.batches()
    requests = str(unpacked.folder / "requests.jsonl")
    assert submit_batch(requests, existing.provider).id == existing.id
    assert unpacked.asked("create") == 0


@_archives("file-open", "file-lost")
def test_the_command_knows_the_batch_of_a_request_file(
    archive: Path, unpack: Unpack
) -> None:
    """`create-from-file` finds a lost batch; otherwise it names the earlier one."""
    unpacked = unpack(archive)
    (existing,) = unpacked.sandbox.batches()
    done = unpacked.cli(*unpacked.facts["command"])
    assert done.exit_code == 0, done.output
    if _state(archive) == "file-lost":
        assert done.stdout.strip() == existing.id
        assert unpacked.sandbox.created() == 1
    else:
        assert f"was sent before: {existing.id}" in done.stderr
        assert unpacked.sandbox.created() == 2


@_archives("done", provider="openai")
def test_a_new_run_reuses_its_answers(archive: Path, unpack: Unpack) -> None:
    """A run beside it with `reuse` takes over its valid answers, and sends nothing."""
    unpacked = unpack(archive)
    before = unpacked.sent().total()
    old = Run.load(unpacked.run_dir).job.job
    output = str(unpacked.folder / "again.jsonl")
    job = old.model_copy(update={"output": output, "reuse": True})
    report = drive(open_run(job, str(unpacked.folder / "runs" / "again")), wait=True)
    assert report.reused == report.rows == 6
    assert report.ok
    assert unpacked.sent().total() == before
