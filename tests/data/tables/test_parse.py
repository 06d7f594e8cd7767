"""Results into a table, without rows."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from batchwright.data.columns import META
from batchwright.data.tables.parse import parse_file
from batchwright.errors import InputError

Line = Callable[..., bytes]


def _table(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    if path.suffix == ".jsonl":
        return [orjson.loads(line) for line in path.read_bytes().splitlines()]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_results_become_a_table(
    tmp_path: Path, answer_line: Line, model_file: str, suffix: str
) -> None:
    """Every result is a row, in the order of the file, with outcome and cost."""
    source = tmp_path / "results.jsonl"
    source.write_bytes(
        answer_line(1, '{"label":"SPAM","score":1}')
        + answer_line(0, '{"label":"MAYBE"}')
        + answer_line(2, None, status=500)
    )
    output = tmp_path / f"out{suffix}"
    tally = parse_file(source, output, model_file)
    assert (tally.results, tally.written, tally.failed) == (3, 3, 2)
    first, second, third = _table(output)
    assert list(first) == ["label", "score", *META]
    assert (first["label"], float(first["score"])) == ("SPAM", 1.0)
    assert float(first["_cost_usd"]) > 0
    assert second["_outcome"] == "invalid"
    assert second["_raw"] == '{"label":"MAYBE"}'
    assert third["_outcome"] == "errored"


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_field_with_a_name_of_ours_is_refused(
    tmp_path: Path, answer_line: Line, suffix: str
) -> None:
    """A table has no two columns of one name."""
    source, model = tmp_path / "results.jsonl", tmp_path / "model.json"
    source.write_bytes(answer_line(0, '{"_error":"a"}'))
    schema = {"type": "object", "properties": {"_error": {"type": "string"}}}
    model.write_bytes(orjson.dumps(schema))
    with pytest.raises(InputError, match="has a field '_error'"):
        parse_file(source, tmp_path / f"out{suffix}", str(model))
    assert sorted(tmp_path.iterdir()) == [model, source]


def test_failures_alone_are_written(
    tmp_path: Path, answer_line: Line, model_file: str
) -> None:
    """With `only_failed` the valid answers and the answer's columns are left out."""
    source = tmp_path / "results.jsonl"
    source.write_bytes(answer_line(0, '{"label":"SPAM"}') + answer_line(1, "{}"))
    output = tmp_path / "failed.csv"
    tally = parse_file(source, output, model_file, only_failed=True)
    assert (tally.results, tally.written, tally.failed) == (2, 1, 1)
    (row,) = _table(output)
    assert list(row) == list(META)
    assert row["_error"] == "label: Field required"


@pytest.mark.parametrize(
    ("data", "output", "message"),
    [
        (b"", "out.csv", "holds no results"),
        (b'{"custom_id":"a","params":{}}\n', "out.csv", "line 1 is no result"),
        (b"", "out.txt", "must end in"),
        (b"", "results.jsonl", "exists"),
        (b"", "results.jsonl/out.csv", "cannot be written"),
    ],
)
def test_what_cannot_be_parsed_leaves_nothing(
    tmp_path: Path, data: bytes, output: str, message: str
) -> None:
    """An error is one sentence, and no half-written table is left."""
    source = tmp_path / "results.jsonl"
    source.write_bytes(data)
    with pytest.raises(InputError, match=message):
        parse_file(source, tmp_path / output)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [source]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file of results that is not there is one sentence."""
    with pytest.raises(InputError, match=r"absent\.jsonl cannot be read"):
        parse_file(tmp_path / "absent.jsonl", tmp_path / "out.csv")


_RUNAWAY = {
    "400 digits": '{"x":1' + "0" * 400 + "}",
    "4,000 digits": '{"x":-1' + "0" * 4000 + "}",
    "5,000 digits": '{"x":1' + "0" * 5000 + "}",
    "out of range": '{"x":1e999}',
    "infinity": '{"x":Infinity}',
    "not a number": '{"x":NaN}',
    "infinity inside": '{"x":1,"more":[{"y":1e999}]}',
    "not a number inside": '{"x":1,"more":{"y":[NaN]}}',
    "deep": '{"x":1,"more":' + "[" * 300 + "]" * 300 + "}",
    "deeper": '{"x":1,"more":' + "[" * 950 + "]" * 950 + "}",
    "bottomless": '{"x":1,"more":' + "[" * 40_000 + "]" * 40_000 + "}",
}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("kind", ["class", "schema"])
def test_one_runaway_value_spoils_its_row_alone(
    tmp_path: Path, answer_line: Line, kind: str, suffix: str
) -> None:
    """A number or a depth that no table can hold makes that row invalid."""
    model = tmp_path / "odd.py"
    model.write_text(
        "from typing import Any\nfrom pydantic import BaseModel\n\n\n"
        "class Odd(BaseModel):\n    x: float\n    more: Any = None\n"
    )
    schema = tmp_path / "odd.json"
    schema.write_text(
        '{"type":"object","properties":{"x":{"type":"number","multipleOf":0.5},'
        '"more":{}},"required":["x"]}'
    )
    source, output = tmp_path / "results.jsonl", tmp_path / f"out{suffix}"
    answers = ['{"x":0.5,"more":[{}]}', *_RUNAWAY.values(), '{"x":2}']
    source.write_bytes(b"".join(map(answer_line, range(len(answers)), answers)))
    parse_file(source, output, f"{model}:Odd" if kind == "class" else str(schema))
    rows = _table(output)
    found = [row["_outcome"] for row in rows]
    assert found == ["succeeded", *["invalid"] * len(_RUNAWAY), "succeeded"]
    assert [float(rows[number]["x"]) for number in (0, -1)] == [0.5, 2]
    assert all(row["_error"] for row in rows[1:-1])
    assert max(len(row["_error"]) for row in rows[1:-1]) < 10_000
    assert {float(row["_cost_usd"]) > 0 for row in rows} == {True}


_VECTORS = {
    "null": "null",
    "text": '"not base64"',
    "half a number": '"AAA="',
    "of texts": '["1"]',
    "nested": "[[1]]",
    "with a null": "[1,null]",
    "400 digits": "[1" + "0" * 400 + "]",
    "infinity": "[Infinity]",
    "object": "{}",
}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_one_odd_vector_spoils_its_row_alone(tmp_path: Path, suffix: str) -> None:
    """What is no list of numbers is invalid; base64 is decoded."""
    lines = [
        '{"id":"b","custom_id":"row-0","response":{"status_code":200,"body":{"object":'
        f'"list","model":"text-embedding-3-small","data":[{{"embedding":{each}}}],'
        '"usage":{"prompt_tokens":5,"total_tokens":5}}},"error":null}\n'
        for each in ("[0.5,2.5]", *_VECTORS.values(), '"AAAAPwAAIEA="')
    ]
    source, output = tmp_path / "results.jsonl", tmp_path / f"out{suffix}"
    source.write_text("".join(lines))
    parse_file(source, output)
    rows = _table(output)
    found = {
        name: row["_outcome"] for name, row in zip(_VECTORS, rows[1:-1], strict=True)
    }
    assert found == dict.fromkeys(_VECTORS, "invalid")
    assert rows[0]["_outcome"] == rows[-1]["_outcome"] == "succeeded"
    assert rows[0]["answer"] == rows[-1]["answer"]
