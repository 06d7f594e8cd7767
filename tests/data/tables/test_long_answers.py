"""Tests of long answers, which take another way through memory: nothing is changed."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from batchwright.data.results.long_lines import LONG
from batchwright.data.tables.parse import parse_file

MODEL = """\
from typing import Literal
from pydantic import BaseModel

class Note(BaseModel):
    kind: Literal["a", "b"]
    text: str
"""
LONG_TEXT = 'Größe, 🙁 "quoted"\n' * (LONG // 12)


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a table, null as an empty text."""
    if path.suffix == ".parquet":
        rows = pq.read_table(path).to_pylist()
    elif path.suffix == ".jsonl":
        # Only a newline ends a line here.
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        rows = [json.loads(line) for line in lines]
    else:
        limit = csv.field_size_limit(sys.maxsize)
        with path.open(encoding="utf-8", newline="") as file:
            rows = [*csv.DictReader(file)]
        csv.field_size_limit(limit)
    return [{key: value or "" for key, value in row.items()} for row in rows]


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_a_long_answer_is_written_whole(suffix: str, tmp_path: Path) -> None:
    """Valid, of another kind, cut, or no JSON: the answer is there, short ones too."""
    (tmp_path / "note.py").write_text(MODEL, encoding="utf-8")
    cases = []
    for text in ("short", LONG_TEXT, "x" * (2 * LONG)):
        good = json.dumps({"kind": "a", "text": text}, ensure_ascii=False)
        bad = json.dumps({"kind": "c", "text": text}, ensure_ascii=False)
        cases += [(good, "stop"), (bad, "stop"), (good[:-1], "stop"), (good, "length")]
    with (tmp_path / "results.jsonl").open("w", encoding="utf-8") as file:
        for answer, reason in cases:
            choice = {"message": {"content": answer}, "finish_reason": reason}
            body = {"model": "gpt-5-mini", "choices": [choice]}
            response = {"status_code": 200, "body": body}
            line = {"custom_id": "a", "response": response, "error": None}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    output = tmp_path / f"out{suffix}"
    parse_file(tmp_path / "results.jsonl", output, f"{tmp_path}/note.py:Note")
    rows = read(output)
    outcomes = ["succeeded", "invalid", "invalid", "truncated"] * 3
    assert [row["_outcome"] for row in rows] == outcomes
    for row, (answer, _) in zip(rows, cases, strict=True):
        if row["_outcome"] == "succeeded":
            assert (row["kind"], row["text"]) == ("a", json.loads(answer)["text"])
            assert row["_raw"] == ""
        else:
            assert row["_raw"] == answer
            assert row["text"] == ""
