"""What a report says about rows: where they are, and which of them were empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchwright.data.job import BatchJob
from batchwright.models import RunReport
from batchwright.runs.decide.steps import Step
from batchwright.runs.directory.run import Run
from batchwright.runs.drive import drive, perform
from batchwright.runs.open import open_run
from batchwright.runs.report.dry_run import dry_run
from batchwright.sandbox import Sandbox


def job(folder: Path, files: dict[str, str], **options: Any) -> BatchJob:
    """Return a job over these files."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    source = folder / (name if len(files) == 1 else f"*{Path(name).suffix}")
    given: dict[str, Any] = {"prompt": "{{ text }}", "model": "gpt-5-mini"} | options
    return BatchJob(input=str(source), output=str(folder / "out.csv"), **given)


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"in.csv": "text\na\nb\nc\n"}, "in.csv row 4 (header is row 1)"),
        ({"in.csv": 'text\n"a\n\na"\n\n\nb\nc'}, "in.csv row 6 (header is row 1)"),
        ({"in.csv": "\n\ntext\na\nb\nc\n"}, "in.csv row 6 (header is row 3)"),
        (
            {"1.csv": "text\na\n", "2.csv": "text\nb\nc\n"},
            "2.csv row 3 (header is row 1)",
        ),
        ({"in.jsonl": '{"text":1}\n\n{"text":2}\n{"text":3}'}, "in.jsonl line 4"),
    ],
)
@pytest.mark.parametrize("requests", [None, 2])
def test_an_example_row_is_found_in_the_input(
    sandbox: Sandbox,
    tmp_path: Path,
    files: dict[str, str],
    place: str,
    requests: int | None,
) -> None:
    """The third row failed; the report says where a person finds it."""
    nth = {None: ([1], [3]), 2: ([2], [1])}[requests]
    fault = {"nth": nth[0], "answers": [{"status": 400, "nth": nth[1]}]}
    sandbox.set_faults({"batches": [fault]})
    given = job(tmp_path, files, max_requests_per_batch=requests, max_in_flight=1)
    report = drive(open_run(given, str(tmp_path / "run")), wait=True)
    (group,) = report.errors
    assert (group.example_row, group.example) == (2, place)
    assert f"| {place} |" in (tmp_path / "run/report.md").read_text("utf-8")
    stored = (tmp_path / "run/report.json").read_bytes()
    assert RunReport.model_validate_json(stored) == report


def test_places_are_bounded(tmp_path: Path) -> None:
    """With a blank line before each row, those of the first 10,000 rows are known."""
    lines = "\n".join('\n{"text": "x"}' for _ in range(10_010))
    run = open_run(
        job(tmp_path, {"in.jsonl": lines}, sandbox=True), str(tmp_path / "r")
    )
    perform(run, [Step("generate")])
    plan = Run.load(str(tmp_path / "r")).plan()
    assert plan.place(0) == "in.jsonl line 2"
    assert plan.place(9_999) == "in.jsonl line 20000"
    assert plan.place(10_005) is None


EMPTY = 'a,b,c\nx,,1\n"  ",,2\n"\t\n",y,3\n'


@pytest.mark.parametrize(
    ("prompt", "files", "expected"),
    [
        ("{{ a }} {{ b }}", {"in.csv": EMPTY}, {"a": 2, "b": 2}),
        ("{{ c }}", {"in.csv": EMPTY}, {}),
        ("{% for n in range(2) %}{{ row.b }}{% endfor %}", {"in.csv": EMPTY}, {"b": 2}),
        ("{{ row | tojson }}", {"in.csv": EMPTY}, {"a": 2, "b": 2}),
        (
            "{{ a }} {{ b | default('-') }}",
            {"in.jsonl": '{"a":null}\n{"a":0,"b":" "}\n{"a":[],"b":"x"}\n{"a":""}'},
            {"a": 2, "b": 3},
        ),
    ],
)
def test_empty_values_are_counted(
    sandbox: Sandbox,
    tmp_path: Path,
    prompt: str,
    files: dict[str, str],
    expected: dict[str, int],
) -> None:
    """Null, no text and white space, in the columns that the prompt uses."""
    given = job(tmp_path, files, prompt=prompt, max_requests_per_batch=2)
    assert dry_run(given).empty_values == expected
    report = drive(open_run(given, str(tmp_path / "run")), wait=True)
    assert report.empty_values == expected
    said = "Empty values in the prompt" in (tmp_path / "run/report.md").read_text()
    assert said is bool(expected)
