"""Tests of runs over tables in memory: durable, exact, and paid for once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pydantic import BaseModel, computed_field, field_validator

import batchwright as bw
from batchwright.errors import (
    BatchNotEndedError,
    BatchwrightError,
    InputError,
    MissingKeyError,
    RunDiffersError,
    RunFinishedError,
)
from batchwright.models import Outcome
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run
from batchwright.sandbox import Sandbox

ASKED: dict[str, Any] = {"model": "gpt-5-mini", "prompt": "Classify: {{ text }}"}
TEXTS = ["one", None, "three"]

NOTEBOOK = """
import os
import polars as pl
from pydantic import BaseModel, field_validator
import batchwright as bw

class {name}(BaseModel):
    label: str

    @field_validator("label")
    @classmethod
    def shout(cls, label: str) -> str:
        return label.upper()

frame = pl.DataFrame({{"text": {texts}}})
asked = {{"model": "gpt-5-mini", "prompt": "Classify: {{{{ text }}}}"}}
bw.submit(frame, **asked, response_model={name})
os._exit(9)
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of all runs."""
    monkeypatch.setenv("BATCHWRIGHT_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def frame() -> pd.DataFrame:
    """Return rows of several types, with an index of two levels."""
    frame = pd.DataFrame(
        {
            "text": TEXTS,
            "count": pd.Series([1, None, 2**60 + 1], dtype=object),
            "day": pd.Series([None, "2020-01-01", None]).astype("datetime64[s]"),
            "tags": [["a"], None, []],
            "kind": pd.Categorical(
                ["b", None, "a"], ["b", "unused", "a"], ordered=True
            ),
        }
    )
    index = [("x", 2), ("x", 1), ("y", 1)]
    frame.index = pd.MultiIndex.from_tuples(index, names=["k", None])
    return frame


def dying_notebook(name: str) -> None:
    """Run a process that submits with a class of its own, and is killed."""
    code = NOTEBOOK.format(name=name, texts=TEXTS)
    done = subprocess.run([sys.executable, "-c", code], env=os.environ, check=False)
    assert done.returncode == 9


def response_model(name: str, *, computed: bool = False) -> type[BaseModel]:
    """Return the class that `dying_notebook` has, defined once more."""

    def shout(_cls: type[BaseModel], label: str) -> str:
        return label.upper()

    def length(self: Any) -> int:
        return len(self.label)

    namespace: dict[str, Any] = {
        "__module__": __name__,
        "__annotations__": {"label": str},
        "shout": field_validator("label")(classmethod(shout)),
    }
    if computed:
        namespace["length"] = computed_field(property(length))
    return type(name, (BaseModel,), namespace)


def test_a_frame_of_pandas_goes_in_and_comes_out(
    root: Path,
    sandbox: Sandbox,
    frame: pd.DataFrame,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Values, types, index and order of each row are its own, over several batches."""
    caplog.set_level("INFO", "batchwright")
    labels = bw.run(frame, **ASKED, max_requests_per_batch=1, name="tickets")
    pd.testing.assert_frame_equal(labels[frame.columns], frame)
    assert labels["_outcome"].tolist() == ["succeeded"] * 3
    assert labels["_input_tokens"].dtype == "Int64"
    assert sandbox.created() == 3
    assert caplog.text.count("Created batch") == 3

    (directory,) = root.iterdir()
    run = bw.open_run(directory.name)
    pd.testing.assert_frame_equal(run.table(), labels)
    assert (run.run_dir, run.name) == (str(directory), directory.name)
    assert directory.name.startswith("tickets-")
    assert run.status().ok
    with pytest.raises(RunFinishedError):
        run.cancel()

    again = bw.run(frame.copy(), **ASKED, max_requests_per_batch=1, name="tickets")
    pd.testing.assert_frame_equal(again, labels)
    assert sandbox.created() == 3
    assert [*root.iterdir()] == [directory]


@pytest.mark.usefixtures("root")
def test_each_kind_of_table_comes_back_as_its_own(sandbox: Sandbox) -> None:
    """Polars gives Polars; relations, Arrow tables and mappings give Arrow tables."""
    polars = pl.DataFrame(
        {"text": TEXTS, "kind": pl.Series(["b", None, "a"], dtype=pl.Enum(["b", "a"]))}
    )
    labels = bw.run(polars, **ASKED)
    assert labels.select("text", "kind").equals(polars)
    assert labels.schema["kind"] == polars.schema["kind"]
    assert labels["_outcome"].to_list() == ["succeeded"] * 3
    rows = [{"text": text, "n": n} for n, text in enumerate(TEXTS)]
    for data in (
        pa.Table.from_pylist(rows),
        (row for row in rows),
        duckdb.sql(
            "SELECT * FROM (VALUES ('one', 0), (NULL, 1), ('three', 2)) AS t(text, n)"
        ),
    ):
        table = bw.run(data, **ASKED, name=type(data).__name__)
        assert isinstance(table, pa.Table)
        assert table.select(["text", "n"]).to_pylist() == rows
    assert sandbox.created() == 4


@pytest.mark.usefixtures("root")
def test_conversations_are_sent_as_they_are(sandbox: Sandbox) -> None:
    """Rows with `messages` of any shape are no columns of one type, but JSON."""
    image = {"type": "image_url", "image_url": {"url": "https://example.org/x.png"}}
    rows = [
        {"id": 1, "messages": [{"role": "user", "content": "one"}]},
        {"id": 2, "messages": [{"role": "user", "content": [image]}]},
    ]
    run = bw.submit(rows, model="gpt-5-mini")
    assert run.wait().ok
    assert run.table().column("id").to_pylist() == [1, 2]
    sent = Path(run.run_dir, "shards/00000/requests.jsonl").read_bytes().splitlines()
    bodies = [json.loads(line)["body"]["messages"] for line in sent]
    assert bodies == [row["messages"] for row in rows]
    with pytest.raises(InputError, match="kept as JSON"):
        bw.run([rows[0] | {"x": {1}}], model="gpt-5-mini")


@pytest.mark.usefixtures("root")
def test_a_killed_notebook_pays_nothing_twice(sandbox: Sandbox) -> None:
    """The same call in another process finds the batches, and has the validators."""
    dying_notebook("Shouted")
    assert sandbox.created() == 1
    frame = pl.DataFrame({"text": TEXTS})
    labels = bw.run(frame, **ASKED, response_model=response_model("Shouted"))
    assert sandbox.created() == 1
    assert labels["label"].to_list() == ["SYNTHETIC LABEL"] * 3


def test_another_process_says_which_validators_it_lacks(
    root: Path, sandbox: Sandbox
) -> None:
    """Without the class, answers fit its schema; given again, it validates them."""
    dying_notebook("Whispered")
    (directory,) = root.iterdir()
    run = bw.open_run(directory.name)
    assert "validators of Whispered are not applied" in run._repr_html_()
    assert run.wait().ok
    assert run.table()["label"].to_list() == ["synthetic label"] * 3
    assert "validators of Whispered are not applied" in run._repr_html_()

    run = bw.open_run(directory, response_model=response_model("Whispered"))
    assert "validators of" not in run._repr_html_()
    run.wait()
    assert run.table()["label"].to_list() == ["SYNTHETIC LABEL"] * 3
    assert sandbox.created() == 1
    with pytest.raises(InputError, match="Other has another JSON Schema"):
        bw.open_run(directory, response_model=response_model("Other"))


@pytest.mark.usefixtures("root", "sandbox")
def test_one_table_is_parsed_in_one_way() -> None:
    """A process without the class parses again what one that had it left behind."""
    frame = pl.DataFrame({"text": TEXTS})
    model = response_model("Halved", computed=True)
    given = {"response_model": model, "max_requests_per_batch": 2}
    run = bw.submit(frame, **ASKED, **given)
    run.wait()
    assert run.table()["label"].to_list() == ["SYNTHETIC LABEL"] * 3
    assert run.table()["length"].to_list() == [15] * 3
    assert "are not applied" not in run._repr_html_()
    for name in ("done.json", "shards/00001/tally.json", "shards/00001/part.arrow"):
        Path(run.run_dir, name).unlink()
    code = f"import batchwright as bw; bw.open_run({run.run_dir!r}).wait()"
    subprocess.run([sys.executable, "-c", code], env=os.environ, check=True)
    assert run.table()["label"].to_list() == ["synthetic label"] * 3
    assert "length" not in run.table().columns
    assert "validators of Halved are not applied" in run._repr_html_()


def test_a_run_is_watched_and_cancelled(
    root: Path, sandbox: Sandbox, frame: pd.DataFrame
) -> None:
    """`submit` returns while batches run; what they bought is in the table."""
    sandbox.set_faults({"durations": {"in_progress": 3600}})
    run = bw.submit(frame, **ASKED, max_requests_per_batch=2)
    assert bw.submit(frame, **ASKED, max_requests_per_batch=2).name == run.name
    assert sandbox.created() == 2
    assert run.status().state == "open"
    assert repr(run) == f"<TableRun {run.name}: open, 3 rows>"
    assert "wait()" in run._repr_html_()
    with pytest.raises(BatchNotEndedError, match="is not done"):
        run.table()
    assert run.cancel().state == "cancelled"
    assert run.wait().outcomes == {Outcome.CANCELLED: 3}
    pd.testing.assert_frame_equal(run.table()[frame.columns], frame)
    assert [*root.iterdir()] == [Path(run.run_dir)]


def test_failed_rows_are_asked_again_in_place(root: Path, sandbox: Sandbox) -> None:
    """A retry with another prompt completes the table, and keeps the answers."""
    fault = {"answers": [{"nth": [2], "status": 400, "message": "no"}]}
    sandbox.set_faults({"batches": [fault]})
    frame = pd.DataFrame({"text": ["one", "two", "three"]}, index=[7, 8, 9])
    run = bw.submit(frame, **ASKED)
    with pytest.raises(BatchNotEndedError):
        run.retry()
    assert run.wait().outcomes == {Outcome.SUCCEEDED: 2, Outcome.ERRORED: 1}
    assert "<code>retry()</code> asks those again" in run._repr_html_()
    before = run.table()
    for wrong, said in (
        ({"output": "x.csv"}, "A retry cannot change `output`"),
        ({"outcomes": ["bad"]}, "'bad' is not a valid Outcome; outcomes are succeeded"),
        ({"max_tokens": 0}, "`max_tokens`"),
        ({"prompt": "the same"}, "names no column"),
    ):
        with pytest.raises(InputError, match=said):
            run.retry(**wrong)
    sandbox.set_faults(None)
    assert run.retry(prompt="Say in a word: {{ text }}").state == "open"
    assert run.wait().ok
    after = run.table()
    answered = before["_outcome"] == "succeeded"
    assert after["_outcome"].eq("succeeded").all()
    assert after[answered]["answer"].equals(before[answered]["answer"])
    assert after.index.tolist() == [7, 8, 9]
    assert bw.run(frame, **ASKED).equals(after)
    assert sandbox.created() == 2
    assert root.is_dir()


def test_hostile_text_is_only_text(root: Path, sandbox: Sandbox) -> None:
    """What a provider wrote cannot become HTML of the notebook."""
    hostile = "<img src=x onerror=alert(1)>"
    sandbox.set_faults(
        {"batches": [{"answers": [{"status": 400, "message": hostile}]}]}
    )
    html = bw.submit([{"text": "x"}], **ASKED).wait()._repr_html_()
    assert "&lt;img src=x" in html
    assert "<img" not in html
    assert root.is_dir()


def refused(**options: Any) -> str:
    """Return what is said about a call that cannot be done."""
    with pytest.raises(BatchwrightError) as caught:
        bw.run(options.pop("data", [{"text": "one"}]), **ASKED | options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"prompt": "Classify it"}, "The prompt names no column of the table"),
        ({"prompt": "{{ txet }}"}, "The table row 1: .*'txet' is undefined"),
        ({"data": "rows.csv"}, "of type str is no table"),
        ({"colour": "red"}, "A job has no option `colour`"),
        ({"output": "x.csv"}, "has no `output`"),
        ({"input": "x.csv"}, "has no `input`"),
        ({"max_tokens": 0}, "`max_tokens`: .*greater than or equal to 1"),
        ({"name": "a/b"}, "'a/b' is no name"),
        ({"response_model": "no.py:X"}, "There is no file no.py"),
        ({"data": [{"text": "x", "answer": 1}]}, "The table has a column 'answer'"),
        ({"credentials": "secret/x"}, "use `run_batch` or the commands"),
    ],
)
def test_what_cannot_be_run_leaves_nothing_behind(
    options: dict[str, Any], said: str, root: Path
) -> None:
    """One sentence says why, of the table and not of a temporary file."""
    text = refused(**options)
    assert re.search(said, text), text
    assert ".tmp" not in text
    assert not [*root.glob("*")]


def test_without_a_key_nothing_is_begun(root: Path) -> None:
    """The error names the variable, and no rows are kept."""
    with pytest.raises(MissingKeyError, match="OPENAI_API_KEY"):
        bw.run([{"text": "one"}], **ASKED)
    assert not [*root.iterdir()]


def test_equal_names_of_other_rows_are_told_apart(root: Path, sandbox: Sandbox) -> None:
    """Eight digits name a run; where they are those of other rows, that is an error."""
    run = bw.submit([{"text": "one"}], **ASKED)
    Path(run.run_dir, "input/rows.sha256").write_text("of other rows", encoding="utf-8")
    with pytest.raises(RunDiffersError, match="other rows"):
        bw.submit([{"text": "one"}], **ASKED)
    assert sandbox.created() == 1
    assert root.is_dir()


def test_any_run_can_be_opened(root: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    """Of a run over files, a Parquet output is its table; another is a file."""
    (tmp_path / "in.csv").write_text("text\none\n", encoding="utf-8")
    for suffix in ("parquet", "csv"):
        job = bw.BatchJob(
            input=tmp_path / "in.csv", output=tmp_path / f"out.{suffix}", **ASKED
        )
        drive(open_run(job, str(tmp_path / suffix)), wait=True)
    table = bw.open_run(tmp_path / "parquet").table()
    assert table.column("text").to_pylist() == ["one"]
    with pytest.raises(InputError, match=r"is the file .*out\.csv"):
        bw.open_run(tmp_path / "csv").table()
    with pytest.raises(InputError, match="There is no run"):
        bw.open_run("nothing")


def test_a_run_on_a_store_moves_with_it(
    bucket: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows and table are in the run's folder behind its URL."""
    monkeypatch.setenv("BATCHWRIGHT_RUNS_DIR", bucket)
    frame = pl.DataFrame({"text": TEXTS})
    labels = bw.run(frame, **ASKED)
    assert labels.select("text").equals(frame)
    assert bw.run(frame, **ASKED).equals(labels)
    assert sandbox.created() == 1
