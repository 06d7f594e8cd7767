"""Tests of `report.html`: what is in it, how much, and nothing that is markup."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.data.job import BatchJob
from batchwright.data.requests.conversation import conversation
from batchwright.runs.directory.run import Run
from batchwright.runs.directory.storage import Directory
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run
from batchwright.runs.report.embed import embedded, fitted
from batchwright.runs.report.page import write_page
from batchwright.runs.report.sample import Histogram, Sample
from batchwright.runs.retry import open_retry
from batchwright.sandbox import Sandbox

ROWS = 7
MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}
LABEL = "class Label(BaseModel):\n    label: Literal['A', 'B']\n"
MODEL = f"from typing import Literal\n\nfrom pydantic import BaseModel\n\n\n{LABEL}"
FAULTS = {
    "batches": [
        {
            "nth": [1],
            "answers": [
                {"status": 500, "nth": [2]},
                {"status": 400, "nth": [3], "message": "too long"},
            ],
        }
    ]
}


def job(folder: Path, **options: Any) -> BatchJob:
    """Return a job of seven rows, in batches of four."""
    rows = "".join(f'{number},"row {number}"\n' for number in range(ROWS))
    (folder / "in.csv").write_text(f"number,text\n{rows}", encoding="utf-8")
    (folder / "label.py").write_text(MODEL, encoding="utf-8")
    lines = "".join(f'{{"text": "row {number}"}}\n' for number in range(ROWS))
    (folder / "in.jsonl").write_text(lines, encoding="utf-8")
    made: dict[str, Any] = {
        "input": str(folder / "in.csv"),
        "prompt": "Label {{ text }}",
        "system": "Be brief.",
        "model": "gpt-5-mini",
        "response_model": f"{folder / 'label.py'}:Label",
        "output": str(folder / "out.csv"),
        "max_requests_per_batch": 4,
    }
    return BatchJob(**(made | options))


def page_of(run_dir: str) -> dict[str, Any]:
    """Return what is in a page."""
    text = (Directory(run_dir).read("report.html") or b"").decode()
    found = re.search(
        r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL
    )
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


@pytest.mark.parametrize(
    ("provider", "rows", "output"),
    [
        ("openai", "csv", "csv"),
        ("anthropic", "jsonl", "csv"),
        ("openai", "jsonl", "jsonl"),
        ("anthropic", "csv", "jsonl"),
        ("openai", "csv", "parquet"),
        ("anthropic", "jsonl", "parquet"),
    ],
)
def test_it_shows_what_the_table_has(
    provider: str, rows: str, output: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Of each format: counts, answers, errors, and what was asked in which round."""
    sandbox.set_faults(FAULTS)
    given_job = job(
        tmp_path,
        model=MODELS[provider],
        input=str(tmp_path / f"in.{rows}"),
        output=str(tmp_path / f"out.{output}"),
        answer_prefix="my_",
    )
    report = drive(open_run(given_job, str(tmp_path / "run")), wait=True)
    data = page_of(report.run_dir)
    assert (data["name"], data["system"]) == ("run", "Be brief.")
    assert data["outcomes"] == {"succeeded": ROWS - 1, "errored": 1}
    assert data["columns"] == ["my_label"]
    for number, row in enumerate(data["rows"]):
        index, outcome, custom_id, tokens, _, cost, error, raw, label, prompt = row
        assert index == number
        assert custom_id.endswith(f"-{number:09}-{int(number == 1)}")
        assert prompt == [["system", None], ["user", f"Label row {number}"]]
        if number == 2:
            assert (outcome, label or None) == ("errored", None)
            assert "too long" in error
        else:
            assert (outcome, error or None, raw or None) == ("succeeded", None, None)
            assert label in {"A", "B"}
            assert int(tokens) > 0 < float(cost)
    histogram = data["histograms"]["_input_tokens"]
    assert sum(histogram["counts"]) == ROWS - 1
    assert data["batchCount"] == len(data["batches"]) == 3


def test_of_an_open_run_it_shows_what_is_known(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Answers that are here are shown as they came; the others are not counted."""
    slow = {"nth": [2], "durations": {"in_progress": 3600}}
    refused = {"nth": [1], "answers": [{"kind": "refusal", "nth": [4]}]}
    sandbox.set_faults({"batches": [slow, refused]})
    run = open_run(job(tmp_path, max_in_flight=1), str(tmp_path / "run"))
    while drive(run, wait=False).outcomes == {}:
        sandbox.advance(1)
    assert write_page(run) == f"{run.directory.url}/report.html"
    data = page_of(run.directory.url)
    assert data["report"]["state"] == "open"
    assert data["report"]["rows"] == ROWS
    assert data["outcomes"] == {"succeeded": 3, "refused": 1}
    assert [row[0] for row in data["rows"]] == [0, 1, 2, 3]
    assert json.loads(data["rows"][0][8]).keys() == {"label"}
    sandbox.settle()
    drive(run, wait=True)
    assert page_of(run.directory.url)["outcomes"] == {"succeeded": 6, "refused": 1}


def test_no_code_of_the_run_is_executed(sandbox: Sandbox, tmp_path: Path) -> None:
    """The response model may be gone; the page of a finished run needs it not."""
    run = open_run(job(tmp_path, reask=1), str(tmp_path / "run"))
    sandbox.set_faults(
        {"batches": [{"nth": [1], "answers": [{"kind": "wrong_shape", "nth": [1]}]}]}
    )
    drive(run, wait=True)
    (tmp_path / "label.py").write_text("raise SystemExit", encoding="utf-8")
    (tmp_path / "run" / "report.html").unlink()
    write_page(Run.load(run.directory.url))
    asked_again = page_of(run.directory.url)["rows"][0][-1]
    assert [role for role, _ in asked_again] == ["system", "user", "assistant", "user"]
    assert "not valid" in asked_again[-1][1]


def test_a_retried_row_shows_what_was_asked_last(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Another prompt for the rows that failed; the others keep the first."""
    sandbox.set_faults(FAULTS)
    run = open_run(job(tmp_path, max_rounds=0), str(tmp_path / "run"))
    drive(run, wait=True)
    assert page_of(run.directory.url)["outcomes"] == {"succeeded": 5, "errored": 2}
    sandbox.set_faults(None)
    changes = {"prompt": "Better: {{ text }}", "system": "Think."}
    drive(open_retry(run.directory.url, changes), wait=True)
    data = page_of(run.directory.url)
    assert data["outcomes"] == {"succeeded": ROWS}
    prompts = [row[-1] for row in data["rows"]]
    assert prompts[0] == [["system", None], ["user", "Label row 0"]]
    for row in (1, 2):
        assert prompts[row] == [["system", "Think."], ["user", f"Better: row {row}"]]


def test_it_is_written_on_s3(sandbox: Sandbox, bucket: str, tmp_path: Path) -> None:
    """A run on S3 has its page there, written in one call."""
    report = drive(open_run(job(tmp_path), f"{bucket}/run"), wait=True)
    assert len(page_of(report.run_dir)["rows"]) == ROWS
    assert write_page(Run.load(report.run_dir)) == f"{bucket}/run/report.html"


def test_a_page_that_cannot_be_written_stops_no_run(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The run is done all the same."""
    (tmp_path / "run" / "report.html").mkdir(parents=True)
    report = drive(open_run(job(tmp_path), str(tmp_path / "run")), wait=True)
    assert report.ok


def test_long_texts_are_cut(sandbox: Sandbox, tmp_path: Path) -> None:
    """A cell of 1 MB takes its share of the page, and the page says that it was cut."""
    long = tmp_path / "long.csv"
    long.write_text(f"text\nshort\n{'<' * (1 << 20)}\n", encoding="utf-8")
    report = drive(
        open_run(job(tmp_path, input=str(long)), str(tmp_path / "run")), wait=True
    )
    data = page_of(report.run_dir)
    assert data["cut"] == 1
    assert data["rows"][1][-1][1][1].endswith(" … (cut: 1,048,582 characters in all)")
    assert (tmp_path / "run" / "report.html").stat().st_size < 100_000


@given(st.integers(0, 100), st.sets(st.integers(0, 99)), st.integers(1, 20))
def test_rows_that_failed_are_shown_first(
    rows: int, failed: set[int], most: int
) -> None:
    """No success takes the place of a failure; what is left out is spread evenly."""
    sample: Sample[int] = Sample(most)
    for row in range(rows):
        if sample.takes(succeeded=row not in failed):
            sample.add(row, succeeded=row not in failed)
    shown = sample.items()
    failed &= {*range(rows)}
    assert len(shown) <= most
    if rows <= most:
        assert {*shown} == {*range(rows)}
    missing = failed - {*shown}
    assert not missing or {*shown} <= failed
    assert len(shown) * 2 >= min(most, len(failed)) - 1
    places = [row for row in range(rows) if row not in failed]
    good = [index for index, row in enumerate(places) if row in {*shown}]
    assert len({after - before for before, after in pairwise(good)}) <= 1


@given(st.lists(st.integers(0, 100_000)))
def test_a_histogram_counts_each_value_in_its_bin(values: list[int]) -> None:
    """At most 32 bins of one width hold every value, and begin and end with some."""
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    start, width, counts = histogram.bins()
    expected = Counter(int((value - start) / width) for value in values)
    assert len(counts) <= 32
    assert not counts or counts[0] > 0 < counts[-1]
    assert expected == Counter({n: count for n, count in enumerate(counts) if count})


@given(st.recursive(st.text(), st.lists), st.integers(100, 2000))
def test_text_of_others_is_json_without_markup(value: Any, most: int) -> None:
    """No text ends the element that it is in, and short ones come back unchanged."""
    data = embedded(value)
    assert not re.search("[<\u2028\u2029\ud800-\udfff]", data.decode())
    json.loads(data)
    short, is_cut = fitted(value, most)
    assert is_cut or short == data


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            b"""{"body": {"instructions": "Be", "input": [{"role": "user", "content": [
            {"type": "input_text", "text": "a"}, {"type": "x"}]}]}}""",
            [("system", "Be"), ("user", "a\n\n(x, 13 characters)")],
        ),
        (b'{"body": {"input": "a text"}}', [("user", "a text")]),
        (
            b'{"params": {"system": [{"text": "Be"}], "messages": []}}',
            [("system", "Be")],
        ),
        (b'{"body": {"prompt": null}}', [("user", "(data, 4 characters)")]),
        (b'{"else": {}}\n', [("", '{"else": {}}')]),
        (b"[1]", [("", "[1]")]),
        (b"\xff", [("", "\ufffd")]),
    ],
)
def test_what_a_request_asks(line: bytes, said: list[tuple[str, str]]) -> None:
    """Roles and texts of every form of a request, and of no form the line itself."""
    assert conversation(line) == said
