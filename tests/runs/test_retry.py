"""Tests of `runs.retry`: a finished run opens again for the rows that failed."""

from __future__ import annotations

import csv
import json
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from batchwright.data.job import BatchJob
from batchwright.errors import (
    BatchNotEndedError,
    BatchwrightError,
    BudgetError,
    CanaryError,
    InputError,
    RunDiffersError,
)
from batchwright.models import Outcome, RunReport
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import cancel_run, drive
from batchwright.runs.open import open_run, reopen_run
from batchwright.runs.retry import open_retry
from batchwright.sandbox import Sandbox

MODEL = """
from typing import Literal
from pydantic import BaseModel

class Label(BaseModel):
    label: Literal["SPAM", "NOT_SPAM"]
    score: int
"""
FAILED = {
    "batches": [
        {
            "nth": [1],
            "answers": [
                {"kind": "wrong_shape", "nth": [1]},
                {"status": 400, "nth": [3]},
            ],
        }
    ]
}
"""Of the first batch, one answer is invalid, and one request fails for good."""


def begin(folder: Path, rows: int = 5, **options: Any) -> Run:
    """Open a run over so many rows, in a folder of its own."""
    (folder / "label.py").write_text(MODEL, encoding="utf-8")
    lines = ["id,text", *(f"{row},text number {row}" for row in range(rows))]
    (folder / "in.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    given: dict[str, Any] = {
        "input": str(folder / "in.csv"),
        "model": "gpt-5-mini",
        "prompt": "Classify: {{ text }}",
        "max_tokens": 100,
        "output": str(folder / "out.jsonl"),
        "response_model": f"{folder / 'label.py'}:Label",
        "max_rounds": 0,
    }
    return open_run(BatchJob(**given | options), str(folder / "run"))


def retry(
    folder: Path, outcomes: tuple[Outcome, ...] = (), **changes: Any
) -> RunReport:
    """Retry the run to its end."""
    return drive(open_retry(str(folder / "run"), changes, outcomes), wait=True)


def table(folder: Path, name: str = "out.jsonl") -> list[dict[str, Any]]:
    """Return the output."""
    path = folder / name
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    with path.open(encoding="utf-8", newline="") as lines:
        if path.suffix == ".csv":
            return [*csv.DictReader(lines)]
        return [json.loads(line) for line in lines]


def sent(folder: Path, number: int) -> list[dict[str, Any]]:
    """Return the requests of a round."""
    paths = sorted((folder / f"run/rounds/{number}").glob("*/requests.jsonl"))
    return [
        *map(
            orjson.loads,
            chain.from_iterable(p.read_bytes().splitlines() for p in paths),
        )
    ]


@pytest.mark.parametrize("model", ["gpt-5-mini", "claude-sonnet-4-5"])
@pytest.mark.parametrize("output", ["out.jsonl", "out.csv", "out.parquet"])
def test_failed_rows_are_asked_again_into_the_same_table(
    model: str, output: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """What has a valid answer keeps it, and each row says which round answered it."""
    sandbox.set_faults(FAILED)
    run = begin(tmp_path, model=model, output=str(tmp_path / output))
    first = drive(run, wait=True)
    assert first.outcomes[Outcome.SUCCEEDED] == 3
    before = table(tmp_path, output)
    (tmp_path / "in.csv").unlink()
    report = retry(tmp_path)
    assert report.outcomes == {Outcome.SUCCEEDED: 5}
    requests = {line.shard: line.requests for line in report.batches}
    assert requests == {"shards/00000": 5, "rounds/1/00000": 2}
    after = table(tmp_path, output)
    assert [str(row["_round"]) for row in after] == ["1", "0", "1", "0", "0"]
    assert [after[row] for row in (1, 3, 4)] == [before[row] for row in (1, 3, 4)]
    assert {row["label"] for row in after} <= {"SPAM", "NOT_SPAM"}
    first_bodies = (tmp_path / "run/shards/00000/requests.jsonl").read_bytes()
    for request in sent(tmp_path, 1):
        custom_id = request["custom_id"]
        again = orjson.dumps(request).replace(
            custom_id.encode(), f"{custom_id[:-1]}0".encode()
        )
        assert again in first_bodies


def test_only_the_chosen_outcomes_are_asked(sandbox: Sandbox, tmp_path: Path) -> None:
    """The others stay as they are, and can be asked later."""
    sandbox.set_faults(FAILED)
    drive(begin(tmp_path), wait=True)
    assert retry(tmp_path, (Outcome.REFUSED,)).outcomes[Outcome.SUCCEEDED] == 3
    assert sandbox.created() == 1
    report = retry(tmp_path, (Outcome.INVALID,))
    assert report.outcomes == {Outcome.SUCCEEDED: 4, Outcome.ERRORED: 1}
    assert retry(tmp_path).outcomes == {Outcome.SUCCEEDED: 5}
    assert [row["_round"] for row in table(tmp_path)] == [1, 0, 2, 0, 0]


def test_a_run_without_failed_rows_stays_done(sandbox: Sandbox, tmp_path: Path) -> None:
    """There is nothing to ask, so nothing changes."""
    drive(begin(tmp_path), wait=True)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json*")}
    assert retry(tmp_path, prompt="Say {{ text }}").ok
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_what_is_asked_may_change(sandbox: Sandbox, tmp_path: Path) -> None:
    """Requests are made anew from the rows that the run keeps, and so in later retries.

    Prices are those of the model that was asked.
    """
    sandbox.set_faults(FAILED)
    first = drive(begin(tmp_path, system="Be short."), wait=True)
    for path in (tmp_path / "in.csv", tmp_path / "label.py"):
        path.rename(path.with_suffix(".old"))
    (tmp_path / "label.py").write_text(MODEL, encoding="utf-8")
    sandbox.set_faults({"batches": [{"answers": [{"status": 400, "nth": [1]}]}]})
    changes = {
        "prompt": "Again: {{ id }}",
        "model": "gpt-5",
        "max_tokens": 50,
        "params": {"seed": 7},
    }
    report = retry(tmp_path, **changes)
    assert report.outcomes == {Outcome.SUCCEEDED: 4, Outcome.ERRORED: 1}
    assert report.model == "gpt-5-mini, gpt-5"
    bodies = [request["body"] for request in sent(tmp_path, 1)]
    assert [body["messages"][-1]["content"] for body in bodies] == [
        "Again: 0",
        "Again: 2",
    ]
    assert {(body["model"], body["seed"]) for body in bodies} == {("gpt-5", 7)}
    assert bodies[0]["messages"][0]["content"] == "Be short."
    assert first.cost_usd is not None
    costs = [row["_cost_usd"] for row in table(tmp_path)]
    assert costs[2] > 3 * costs[1]
    sandbox.set_faults({})
    assert retry(tmp_path).ok
    (body,) = [request["body"] for request in sent(tmp_path, 2)]
    assert body["messages"][-1]["content"] == "Again: 0"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"model": "claude-sonnet-4-5"}, "a model of Anthropic. A retry stays with"),
        ({"prompt": "Say {{ nothing }}"}, r"^in\.csv row 2 .*: .*nothing"),
        ({"prompt": "the same for all"}, "names no column of .*in.csv"),
        ({"messages": "none.yaml", "prompt": "{{ text }}"}, "Give either"),
        ({"params": {"tools": "{"}, "max_cost_usd": 1e-9}, "may cost"),
        ({"response_model": "nowhere.py:Label"}, "nowhere.py"),
    ],
)
def test_a_retry_that_cannot_be_changes_nothing(
    changes: dict[str, Any], problem: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """It is refused in a sentence; the run stays done, and the next retry works."""
    sandbox.set_faults(FAILED)
    drive(begin(tmp_path), wait=True)
    before = (tmp_path / "out.jsonl").read_bytes()
    with pytest.raises(BatchwrightError, match=problem):
        open_retry(str(tmp_path / "run"), changes)
    assert Run.load(str(tmp_path / "run")).state().report is not None
    assert (tmp_path / "out.jsonl").read_bytes() == before
    assert retry(tmp_path).ok


def test_a_new_response_model_judges_all_answers(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """What it takes is not asked again, and the table has its columns.

    It must take what was valid.
    """
    sandbox.set_faults(FAILED)
    drive(begin(tmp_path), wait=True)
    model = f"{tmp_path / 'label.py'}:Label"
    stricter = MODEL.replace('"SPAM", "NOT_SPAM"', '"HAM"')
    (tmp_path / "label.py").write_text(stricter, encoding="utf-8")
    with pytest.raises(
        InputError, match=r"in\.csv row \d.* does not fit the new response"
    ):
        open_retry(str(tmp_path / "run"), {"response_model": model})
    collides = MODEL.replace("score", "id")
    (tmp_path / "label.py").write_text(collides, encoding="utf-8")
    with pytest.raises(InputError, match="column 'id'"):
        open_retry(str(tmp_path / "run"), {"response_model": model})
    wider = MODEL.replace("score: int", "score: int = 0\n    why: str | None = None")
    (tmp_path / "label.py").write_text(wider, encoding="utf-8")
    report = retry(tmp_path, response_model=model)
    assert report.outcomes == {Outcome.SUCCEEDED: 5}
    assert all("why" in row for row in table(tmp_path))
    (tmp_path / "label.py").unlink()
    schema = {
        "type": "object",
        "title": "Any",
        "properties": {"label": {"type": "string"}},
        "required": ["label"],
    }
    (tmp_path / "any.json").write_text(json.dumps(schema), encoding="utf-8")
    report = retry(tmp_path, response_model=str(tmp_path / "any.json"))
    assert sandbox.created() == 2
    assert report.outcomes == {Outcome.SUCCEEDED: 5}
    assert "why" not in table(tmp_path)[0]


def test_a_retry_is_continued(sandbox: Sandbox, tmp_path: Path) -> None:
    """The same call, or `resume`; with other options it is refused while it is open."""
    sandbox.set_faults(FAILED | {"durations": {"in_progress": 1000}})
    run = begin(tmp_path)
    folder = str(tmp_path / "run")
    with pytest.raises(BatchNotEndedError, match="batchwright resume"):
        open_retry(folder)
    drive(run, wait=False)
    sandbox.settle()
    drive(Run.load(folder), wait=True)
    changes = {"prompt": "Say {{ text }}"}
    assert drive(open_retry(folder, changes), wait=False).state == "open"
    with pytest.raises(RunDiffersError, match="with other options"):
        open_retry(folder, {"prompt": "Name {{ text }}"})
    assert drive(open_retry(folder, changes), wait=False).state == "open"
    assert sandbox.created() == 2
    sandbox.settle()
    assert drive(reopen_run(folder), wait=True).ok
    assert sandbox.created() == 2


def test_a_deployed_flow_run_retries_once(sandbox: Sandbox, tmp_path: Path) -> None:
    """Started again after its end, it finds its own retry; another asks once more."""
    sandbox.set_faults({"batches": [{"answers": [{"status": 400, "nth": [1]}]}]})
    drive(begin(tmp_path), wait=True)
    folder = str(tmp_path / "run")
    for flow_run in ("one", "one", "two"):
        drive(open_retry(folder, flow_run=flow_run), wait=True)
    assert sandbox.created() == 3


def test_the_cap_counts_all_rounds(sandbox: Sandbox, tmp_path: Path) -> None:
    """What the run has cost is spent; a wider cap lets the retry go on."""
    sandbox.set_faults(FAILED)
    first = drive(begin(tmp_path, max_cost_usd=1), wait=True)
    assert first.cost_usd is not None
    with pytest.raises(BudgetError, match=r"stays as it is; give more with"):
        open_retry(str(tmp_path / "run"), {"max_cost_usd": first.cost_usd + 1e-6})
    report = retry(tmp_path, max_cost_usd=2)
    assert report.ok
    assert report.cost_usd is not None
    assert report.cost_usd > first.cost_usd


def test_a_canary_and_re_asking_are_those_of_the_retry(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Its first rows go alone, and an answer that is invalid again is asked again."""
    bad: dict[str, Any] = {"batches": [{"answers": [{"kind": "wrong_shape"}]}]}
    sandbox.set_faults(bad)
    drive(begin(tmp_path, canary=2, canary_success=0), wait=True)
    assert sandbox.created() == 2
    sandbox.set_faults({"batches": [{"nth": [1], **bad["batches"][0]}]})
    report = retry(tmp_path, reask=1)
    assert report.outcomes == {Outcome.SUCCEEDED: 5}
    assert {line.shard: line.requests for line in report.batches} == {
        "shards/00000": 2,
        "shards/00001": 3,
        "rounds/1/00000": 2,
        "rounds/1/00001": 3,
        "rounds/2/00000": 2,
    }
    assert "This answer is not valid" in str(sent(tmp_path, 2))


def test_a_canary_that_keeps_no_row_back_stops_nothing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Where all rows of a retry are sent at once, there is nothing to judge."""
    run = begin(tmp_path, rows=3, canary=2)
    sandbox.set_faults({"batches": [{"nth": [2], "answers": [{"status": 400}]}]})
    assert drive(run, wait=True).outcomes[Outcome.ERRORED] == 1
    sandbox.set_faults({"batches": [{"answers": [{"status": 400}]}]})
    assert retry(tmp_path).outcomes == {Outcome.SUCCEEDED: 2, Outcome.ERRORED: 1}


def test_a_retry_that_its_canary_stops(sandbox: Sandbox, tmp_path: Path) -> None:
    """The rest is not sent until `--go-on`, and another retry may take it over."""
    bad = {"batches": [{"answers": [{"kind": "wrong_shape"}]}]}
    sandbox.set_faults(bad)
    run = begin(tmp_path, rows=4, canary=1)
    with pytest.raises(CanaryError):
        drive(run, wait=True)
    folder = str(tmp_path / "run")
    cancel_run(folder)
    report = drive(Run.load(folder), wait=True)
    assert report.outcomes == {Outcome.INVALID: 1, Outcome.CANCELLED: 3}
    with pytest.raises(CanaryError):
        retry(tmp_path, prompt="One: {{ text }}")
    assert sandbox.created() == 2
    cancel_run(folder)
    drive(Run.load(folder), wait=True)
    sandbox.set_faults({})
    report = retry(tmp_path, prompt="Two: {{ text }}")
    assert report.outcomes == {Outcome.SUCCEEDED: 4}
    assert sandbox.created() == 4
    assert {row["_round"] for row in table(tmp_path)} == {2}


def test_lost_results_are_bought_again_only_if_they_are_named(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """`missing` rows of a batch that the provider lost may have been paid for."""
    sandbox.set_faults(
        {"calls": [{"operation": "download", "do": "status", "status": 404}]}
    )
    drive(begin(tmp_path), wait=True)
    sandbox.set_faults({})
    folder = str(tmp_path / "run")
    assert open_retry(folder).state().report is not None
    report = retry(tmp_path, (Outcome.MISSING,))
    assert report.outcomes == {Outcome.SUCCEEDED: 5}
    assert sandbox.created() == 2


def test_parts_of_another_version_are_written_anew(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """A table never gets lines with the columns of two versions."""
    run = begin(tmp_path, output=str(tmp_path / "out.csv"), max_requests_per_batch=3)
    drive(run, wait=True)
    before = (tmp_path / "out.csv").read_bytes()
    shard = tmp_path / "run/shards/00000"
    lines = (shard / "part.csv").read_text(encoding="utf-8").splitlines()
    fewer = "".join(f"{line.rpartition(',')[0]}\n" for line in lines)
    (shard / "part.csv").write_text(fewer, encoding="utf-8")
    tally = json.loads((shard / "tally.json").read_bytes())
    del tally["columns"]
    (shard / "tally.json").write_text(json.dumps(tally), encoding="utf-8")
    (tmp_path / "run/done.json").unlink()
    assert drive(run, wait=True).ok
    assert (tmp_path / "out.csv").read_bytes() == before
