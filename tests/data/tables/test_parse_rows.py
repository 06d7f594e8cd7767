"""Results into a table, beside the rows that they answer."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batchwright.data.columns import META
from batchwright.data.tables.parse_rows import parse_with_rows
from batchwright.errors import InputError
from batchwright.models import RunEvent

Line = Callable[..., bytes]

_EMAILS = ["hi", "yo", "again"]


def _table(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    if path.suffix == ".jsonl":
        return [orjson.loads(line) for line in path.read_bytes().splitlines()]
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _rows(path: Path, custom_ids: list[Any] | None = None) -> Path:
    """Write the emails, with IDs if there are any."""
    rows: list[dict[str, Any]] = [{"email": email} for email in _EMAILS]
    for row, custom_id in zip(rows, custom_ids or [], strict=False):
        row["custom_id"] = custom_id
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    else:
        lines = [";".join(rows[0])]
        lines += [";".join(map(str, row.values())) for row in rows]
        path.write_text("\n".join(lines), encoding="utf-8-sig")
    return path


def _named(line: bytes, custom_id: str) -> bytes:
    return orjson.dumps({**orjson.loads(line), "custom_id": custom_id}) + b"\n"


@pytest.mark.parametrize(
    ("results", "custom_ids"),
    [
        (["row-000000002", "row-000000000", "row-000000003"], None),
        (
            ["01234567-000000002-1", "01234567-000000000-0", "89abcdef-000000001-0"],
            None,
        ),
        (["z", "x", "w"], ["x", "y", "z"]),
        (["12", "10", "13"], [10, 11, 12]),
        (
            ["row-000000000", "row-000000002", "u"],
            ["row-000000002", "a", "row-000000000"],
        ),
        (["row-000000002", "row-000000000", "u"], ["x", "y", "z"]),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_each_row_gets_the_result_of_its_id(
    tmp_path: Path,
    answer_line: Line,
    model_file: str,
    results: list[str],
    custom_ids: list[Any] | None,
    suffix: str,
) -> None:
    """By the column of IDs, else by the number; rows and results left over are said."""
    rows = _rows(tmp_path / f"rows{suffix}", custom_ids)
    answers = ['{"label":"SPAM"}', '{"label":"MAYBE"}', '{"label":"SPAM"}']
    path, output = tmp_path / "results.jsonl", tmp_path / f"out{suffix}"
    lines = map(answer_line, range(3), answers)
    path.write_bytes(b"".join(map(_named, lines, results)))
    tally = parse_with_rows(str(rows), path, output, model_file)
    assert (tally.written, tally.failed, tally.missing) == (3, 2, 1)
    assert (tally.stray, tally.stray_ids) == (1, (results[2],))
    table = _table(output)
    own = ["email"] if custom_ids is None else ["email", "custom_id"]
    assert list(table[0]) == [*own, "label", "score", *META]
    assert [row["email"] for row in table] == _EMAILS
    found = [row["_outcome"] for row in table]
    assert found == ["invalid", "missing", "succeeded"]
    assert table[2]["label"] == "SPAM"
    assert table[2]["_custom_id"] == results[0]
    assert float(table[2]["_cost_usd"]) > 0
    assert [path.name for path in tmp_path.glob(".*")] == []


@pytest.mark.parametrize(
    ("custom_ids", "results", "message"),
    [
        (None, b"", "holds no results"),
        (None, b"{}\n", "line 1 is no result of"),
        (None, "x", "'x', which no row has .* a column 'custom_id'"),
        (["a", "b", "a"], "a", "row 4 .* has one of another row"),
        (["a", "", "c"], "a", "row 3 .* has no custom_id"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    tmp_path: Path,
    answer_line: Line,
    custom_ids: list[Any] | None,
    results: bytes | str,
    message: str,
) -> None:
    """An error is one sentence, and no half-written table is left."""
    rows = _rows(tmp_path / "rows.csv", custom_ids)
    path = tmp_path / "results.jsonl"
    if isinstance(results, str):
        results = _named(answer_line(0, "ok"), results)
    path.write_bytes(results)
    with pytest.raises(InputError, match=message):
        parse_with_rows(str(rows), path, tmp_path / "out.csv")
    assert {each.name for each in tmp_path.iterdir()} == {"rows.csv", "results.jsonl"}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_prefix_keeps_columns_apart(
    tmp_path: Path, answer_line: Line, model_file: str, suffix: str
) -> None:
    """A column that rows and answers have is refused; with a prefix there are two."""
    rows = tmp_path / f"rows{suffix}"
    table = pa.table({"label": ["old"]})
    if suffix == ".parquet":
        pq.write_table(table, rows)
    else:
        rows.write_text({".csv": "label\nold\n", ".jsonl": '{"label":"old"}'}[suffix])
    path, output = tmp_path / "results.jsonl", tmp_path / "out.csv"
    path.write_bytes(_named(answer_line(0, '{"label":"SPAM"}'), "row-000000000"))
    with pytest.raises(InputError, match="--answer-prefix"):
        parse_with_rows(str(rows), path, output, model_file)
    parse_with_rows(str(rows), path, output, model_file, prefix="new_")
    (row,) = _table(output)
    assert (row["label"], row["new_label"]) == ("old", "SPAM")


def test_what_is_found_out_about_the_rows_is_told(
    tmp_path: Path, answer_line: Line
) -> None:
    """A delimiter and the progress come as events."""
    rows = tmp_path / "rows.csv"
    rows.write_bytes("a;b\nä;1\n".encode("cp1252"))
    path, output = tmp_path / "results.jsonl", tmp_path / "out.csv"
    line = _named(answer_line(0, "ok"), "row-000000000")
    path.write_bytes(b"\xef\xbb\xbf" + line)
    events: list[RunEvent] = []
    tally = parse_with_rows(
        str(rows), path, output, encoding="cp1252", tell=events.append
    )
    assert tally.failed == 0
    assert [(event.kind, event.done) for event in events] == [
        ("notice", None),
        ("writing", 1),
    ]
    assert _table(output)[0]["a"] == "ä"
