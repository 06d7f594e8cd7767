"""A table is what a dictionary of results says, also where results spill to disk."""

from __future__ import annotations

import csv
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.data.answers.load import load_answer
from batchwright.data.columns import META
from batchwright.data.prices import price
from batchwright.data.results.block import Reading
from batchwright.data.results.row_ids import RowIds
from batchwright.data.results.tally import ShardTally
from batchwright.data.tables.concat import concat_parts
from batchwright.data.tables.formats import part_name
from batchwright.data.tables.join import BatchOutput, ShardRows, write_part
from batchwright.models import Outcome, Usage
from batchwright.providers import get_format

_NONCE = "0123abcd"
_FIRST, _ROWS = 10, 7
_MODEL = "gpt-5-mini"
_READING = Reading(load_answer(None), get_format("openai"), _MODEL)

_STRAYS = [
    b"not JSON\n",
    b"{}\n",
    b'{"custom_id":null,"error":null}\n',
    b'{"custom_id":"0123abcd-000000012-0\\n","error":null}\n',
    b'{"custom_id":"0123abcd-000000012-x","error":null}\n',
    '{"custom_id":"Größe","error":null}\n'.encode(),
    b'{"custom_id":"ffffffff-000000012-0","error":null}\n',
    b'{"custom_id":"0123abcd-000000017-0","error":null}\n',
]
_BLANK = [b"\n", b"  \r\n"]


class _Line(NamedTuple):
    """A result of a row of the shard."""

    row: int
    round_: int
    outcome: Outcome
    tokens: int | None
    text: str

    @property
    def custom_id(self) -> str:
        return f"{_NONCE}-{self.row:09}-{self.round_}"

    @property
    def usage(self) -> Usage | None:
        if self.outcome is Outcome.ERRORED or self.tokens is None:
            return None
        return Usage(self.tokens, 5, 2)

    def as_bytes(self) -> bytes:
        reason = "length" if self.outcome is Outcome.TRUNCATED else "stop"
        choice = {"message": {"content": self.text}, "finish_reason": reason}
        body: dict[str, Any] = {"model": _MODEL, "choices": [choice]}
        if self.tokens is not None:
            body["usage"] = {
                "prompt_tokens": self.tokens,
                "completion_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 2},
            }
        answer = {"response": {"status_code": 200, "body": body}, "error": None}
        if self.outcome is Outcome.ERRORED:
            answer = {"response": None, "error": {"message": self.text}}
        return orjson.dumps({"custom_id": self.custom_id} | answer) + b"\n"


_LINE = st.builds(
    _Line,
    st.integers(_FIRST, _FIRST + _ROWS - 1),
    st.integers(0, 3),
    st.sampled_from([Outcome.SUCCEEDED, Outcome.TRUNCATED, Outcome.ERRORED]),
    st.none() | st.integers(3, 9),
    st.text(st.sampled_from('ab,"\n\u2028Ö🙁{}'), min_size=1, max_size=40),
)
_FILE = st.lists(_LINE | st.sampled_from([*_STRAYS, *_BLANK]), max_size=12)


@given(
    st.lists(_FILE, max_size=3),
    st.sampled_from([".jsonl", ".csv", ".parquet"]),
    st.sampled_from([0, 300, 1 << 20]),
)
def test_a_table_is_what_a_dictionary_says(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[list[_Line | bytes]],
    suffix: str,
    memory_bytes: int,
) -> None:
    """Shuffled, doubled, stray, in several rounds: each row and count is right."""
    folder = tmp_path_factory.mktemp("join")
    rows = folder / "rows.jsonl"
    rows.write_bytes(b"".join(b'{"n":%d}\n' % n for n in range(_ROWS)))
    outputs = []
    for number, lines in enumerate(files):
        path = folder / f"{number}.jsonl"
        path.write_bytes(b"".join(_bytes(line) for line in lines))
        outputs.append(BatchOutput(path, f"batch_{number}"))
    output = folder / f"out{suffix}"
    part = folder / part_name(str(output))
    shard = ShardRows(
        path=rows,
        ids=RowIds(_NONCE, _FIRST, _ROWS),
        first_row=_FIRST,
        count=_ROWS,
        absent=lambda row: (Outcome.MISSING, f"no line for {row}"),
        columns={"n": "int64"},
    )
    tally = write_part(shard, outputs, part, _READING, memory_bytes=memory_bytes)
    concat_parts([part], str(output))
    expected = [_expected(files, row) for row in range(_FIRST, _FIRST + _ROWS)]
    assert _table(output) == [
        _cells({"n": n, "answer": row.answer, **row.columns}, suffix)
        for n, row in enumerate(expected)
    ]
    _check(tally, files, expected)
    assert not list(folder.glob(".*"))


class _Row(NamedTuple):
    answer: str | None
    columns: dict[str, Any]
    usages: list[Usage]
    unpriced: bool
    duplicates: int


def _expected(files: list[list[_Line | bytes]], row: int) -> _Row:
    """Merge the results of a row as the documentation says, one by one."""
    found = [
        (number, line)
        for number, lines in enumerate(files)
        for line in lines
        if isinstance(line, _Line) and line.row == row
    ]
    if not found:
        columns = dict.fromkeys(META)
        columns |= {"_outcome": "missing", "_error": f"no line for {row}"}
        columns |= {"_custom_id": f"{_NONCE}-{row:09}-0"}
        return _Row(None, columns, [], unpriced=True, duplicates=0)
    requests: dict[tuple[int, int], list[_Line]] = {}
    for number, line in found:
        requests.setdefault((number, line.round_), []).append(line)
    billed = [
        next((line for line in lines if line.usage is not None), lines[-1])
        for lines in requests.values()
    ]
    good = [each for each in found if each[1].outcome is Outcome.SUCCEEDED]
    number, line = (good or found[-1:])[0]
    usages = [each.usage for each in billed if each.usage is not None]
    unpriced = any(
        each.usage is None and each.outcome is not Outcome.ERRORED for each in billed
    )
    costs = [price("openai", _MODEL, usage) or 0.0 for usage in usages]
    answer = line.text if line.outcome is Outcome.SUCCEEDED else None
    error = None if answer is not None else line.text
    if line.outcome is Outcome.TRUNCATED:
        error = "The answer was cut at the token limit (finish_reason: length)."
    columns = {
        "_outcome": str(line.outcome),
        "_error": error,
        "_raw": line.text if line.outcome is Outcome.TRUNCATED else None,
        "_custom_id": line.custom_id,
        "_batch_id": f"batch_{number}",
        "_input_tokens": sum(each.input_tokens for each in usages) if usages else None,
        "_output_tokens": 5 * len(usages) if usages else None,
        "_cost_usd": round(sum(costs), 12) if usages and not unpriced else None,
        "_round": line.round_,
    }
    duplicates = len(found) - len(requests)
    return _Row(answer, columns, usages, unpriced, duplicates)


def _check(
    tally: ShardTally, files: list[list[_Line | bytes]], expected: list[_Row]
) -> None:
    assert tally.outcomes == Counter(row.columns["_outcome"] for row in expected)
    usages = [usage for row in expected for usage in row.usages]
    assert tally.rows == _ROWS
    assert tally.input_tokens == sum(usage.input_tokens for usage in usages)
    assert tally.cache_read_tokens == 2 * len(usages)
    if any(row.unpriced for row in expected):
        assert tally.cost_usd is None
    else:
        costs = [row.columns["_cost_usd"] or 0.0 for row in expected]
        assert tally.cost_usd == round(sum(costs), 12)
    lines = [line for file in files for line in file]
    assert tally.foreign.count == sum(line in _STRAYS for line in lines)
    assert tally.duplicate.count == sum(row.duplicates for row in expected)
    assert tally.missing.count == tally.outcomes.get(Outcome.MISSING, 0)
    failed = sum(row.columns["_error"] is not None for row in expected)
    assert sum(group.count for group in tally.errors) == failed


def _bytes(line: _Line | bytes) -> bytes:
    return line if isinstance(line, bytes) else line.as_bytes()


def _cells(row: dict[str, Any], suffix: str) -> dict[str, Any]:
    if suffix != ".csv":
        return row
    return {name: "" if value is None else value for name, value in row.items()}


def _table(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    if path.suffix == ".jsonl":
        return [orjson.loads(line) for line in path.read_bytes().splitlines()]
    with path.open(encoding="utf-8", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    for row in rows:
        for name in ("n", "_input_tokens", "_output_tokens", "_cost_usd", "_round"):
            with suppress(ValueError):
                row[name] = float(row[name])
    return rows
