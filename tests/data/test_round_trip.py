"""Input columns in the output: every value as it came."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

MakeRun = Callable[..., Any]
Line = Callable[..., bytes]
Jsonl = Callable[[list[Any]], Path]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_csv_cells_come_back_unchanged(
    small_run: MakeRun, tmp_path: Path, answer_line: Line, suffix: str
) -> None:
    """Cells that look like numbers, booleans or nothing stay the text they are."""
    cells = ["t", "TRUE", "01234", "1.10", "", "  ", 'a "b"\nc', "x" * 10_000_000, "ü,"]
    source = tmp_path / "in.csv"
    with source.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Email", "email"])
        writer.writerows([cell, cell] for cell in cells)
        file.write('"",""\r\n')
    run = small_run(source, f"out{suffix}", prompt="hi", max_requests_per_batch=4)
    run.join([answer_line(row, "é\u2028") for row in range(len(cells) + 1)])
    before = csv.field_size_limit(20_000_000)
    try:
        table = run.table()
    finally:
        csv.field_size_limit(before)
    assert before == 131_072, "the limit of the process was changed"
    assert [row["Email"] for row in table] == [*cells, ""]
    assert [row["email"] for row in table] == [*cells, ""]
    assert {row["answer"] for row in table} == {"é\u2028"}


@pytest.mark.parametrize(
    ("encoding", "bom"),
    [("utf-8", b""), ("utf-8-sig", b"\xef\xbb\xbf"), ("utf-16", b"\xef\xbb\xbf")],
)
@pytest.mark.parametrize("header", ['"a\n,b";c', "a;c"])
def test_a_bom_is_written_again(
    small_run: MakeRun,
    tmp_path: Path,
    answer_line: Line,
    header: str,
    encoding: str,
    bom: bytes,
) -> None:
    """What Excel needs to read a file as UTF-8 is in its output too, once."""
    source = tmp_path / "in.csv"
    source.write_bytes(f"{header}\nä;1\nö;2\nü;3\n".encode(encoding))
    run = small_run(source, "out.csv", prompt="{{ c }}", max_requests_per_batch=1)
    run.join([answer_line(row, "ok") for row in range(3)])
    written = Path(run.job.job.output).read_bytes()
    first = header.replace(";", ",").encode()
    assert written.startswith(bom + first + b",answer,")
    assert written.count(b"\xef\xbb\xbf") == len(bom) // 3
    texts = [line.split(",")[0] for line in written.decode().splitlines()[-3:]]
    assert texts == ["ä", "ö", "ü"]


def test_json_lines_come_back_as_bytes(
    small_run: MakeRun, jsonl: Jsonl, answer_line: Line
) -> None:
    """A row's bytes stand unchanged before the new keys."""
    source = jsonl([])
    lines = [
        b'{"content": "a", "n": 1.10, "n": 2}',
        '{ "content":["\u2028", null], "big":123456789012345678901234567890 }'.encode(),
        b"{}",
        b"{ }",
    ]
    source.write_bytes(b" \r\n\n".join(lines))
    run = small_run(source, prompt="x")
    run.join([answer_line(row, "ok") for row in range(4)])
    written = Path(run.job.job.output).read_bytes().splitlines()
    for line, before in zip(written, lines, strict=True):
        assert line.startswith(before[:-1].rstrip())
        assert orjson.loads(line)["answer"] == "ok"


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_integers_of_any_size_keep_their_digits(
    small_run: MakeRun, jsonl: Jsonl, answer_line: Line, suffix: str
) -> None:
    """From the input to the prompt and to the output, also beyond 64 bits."""
    numbers = ["123456789012345678901234567890", "98765432109876543210", "-7"]
    source = jsonl([])
    source.write_text("".join(f'{{"id":{n},"in":[{n}]}}\n' for n in numbers))
    run = small_run(source, f"out{suffix}", prompt="{{ id }} {{ row['in'][0] }}")
    sent = [request["body"]["messages"][0]["content"] for request in run.requests()]
    assert sent == [f"{n} {n}" for n in numbers]
    run.join([answer_line(row, "ok") for row in range(len(numbers))])
    if suffix == ".jsonl":
        written = Path(run.job.job.output).read_text().splitlines()
        assert all(n in line for n, line in zip(numbers, written, strict=True))
    else:
        assert [row["id"] for row in run.table()] == numbers
        assert [row["in"] for row in run.table()] == [f"[{n}]" for n in numbers]


_ODD_COLUMNS = {
    "a date": (pa.array([2**31 - 1, 0], pa.date32()), "+5881580-07-11"),
    "a time": (pa.array([2**62, 0], pa.timestamp("us")), "+148108-07-06T14:00:27"),
    "a zone": (
        pa.array([0, 1], pa.timestamp("us", tz="US/Foo")),
        "1970-01-01T00:00:00+00:00",
    ),
    "a span": (pa.array([2**60, 0], pa.duration("s")), "13343998895912 days, 13:56:16"),
    "a struct": (
        pa.StructArray.from_arrays([pa.array([1, 2]), pa.array([3, 4])], ["a", "a"]),
        "[('a', 1), ('a', 3)]",
    ),
    "a list": (
        pa.array([[2**62], []], pa.list_(pa.timestamp("us"))),
        "+148108-07-06T14:00:27.387904",
    ),
}


@pytest.mark.parametrize("name", _ODD_COLUMNS)
@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_parquet_values_that_python_cannot_hold(
    small_run: MakeRun, tmp_path: Path, answer_line: Line, name: str, suffix: str
) -> None:
    """They pass to a Parquet output unchanged, and to a prompt or a CSV as text."""
    column, text = _ODD_COLUMNS[name]
    source = tmp_path / "in.parquet"
    pq.write_table(pa.table({"odd": column, "email": ["hi", "yo"]}), source)
    run = small_run(source, f"out{suffix}", prompt="{{ email }} {{ odd }}")
    sent = [request["body"]["messages"][0]["content"] for request in run.requests()]
    assert text in sent[0]
    run.join([answer_line(row, "ok") for row in range(2)])
    if suffix == ".parquet":
        written = pq.read_table(run.job.job.output)["odd"]
        assert written.combine_chunks().equals(column)
    else:
        in_json = {"[('a', 1), ('a', 3)]": '[["a",1],["a",3]]'}
        assert in_json.get(text, text) in run.table()[0]["odd"]


def test_a_late_text_in_a_column_of_integers(
    small_run: MakeRun, jsonl: Jsonl, answer_line: Line
) -> None:
    """JSON lines of mixed kinds become JSON text, in every part alike."""
    rows = [{"id": n, "price": n if n % 2 else n / 4} for n in range(9)]
    source = jsonl([*rows, {"id": "hello"}])
    run = small_run(source, "out.parquet", prompt="x", max_requests_per_batch=3)
    run.join([answer_line(row, "ok") for row in range(10)])
    table = pq.read_table(run.job.job.output)
    assert table.schema.field("id").type == pa.string()
    assert table.schema.field("price").type == pa.float64()
    assert table["id"].to_pylist() == [*map(str, range(9)), '"hello"']
    assert table["price"].to_pylist() == [*(row["price"] for row in rows), None]


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
@pytest.mark.parametrize("source", ["in.csv", "in.jsonl"])
def test_a_text_far_down_in_a_column_of_integers(
    small_run: MakeRun, tmp_path: Path, source: str, suffix: str
) -> None:
    """At line 60,002, in the second shard, as at any other: every value stays."""
    ids: list[Any] = [*range(60_000), "hello"]
    contents: list[Any] = ["text" if n % 2 else ["list"] for n in range(60_001)]
    path = tmp_path / source
    if path.suffix == ".csv":
        ids, contents = [*map(str, ids)], [*map(str, contents)]
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = zip(ids, contents, strict=True)
            csv.writer(file).writerows([("id", "content"), *rows])
    else:
        named = [{"id": ids[n], "content": contents[n]} for n in range(len(ids))]
        path.write_bytes(b"\n".join(map(orjson.dumps, named)))
    run = small_run(path, f"out{suffix}", prompt="{{ id }}")
    assert len(run.shards) == 2
    run.join()
    table = run.table()
    if path.suffix == ".jsonl" != suffix:  # of mixed kinds, so JSON text
        ids = [orjson.dumps(value).decode() for value in ids]
        contents = [orjson.dumps(value).decode() for value in contents]
    assert [row["id"] for row in table] == ids
    assert [row["content"] for row in table] == contents


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_parquet_keeps_its_types(
    small_run: MakeRun, tmp_path: Path, answer_line: Line, suffix: str
) -> None:
    """Times with zones, decimals, nested and empty columns come back as they were."""
    when = datetime(2026, 11, 23, 4, 5, 6, 789, tzinfo=UTC)
    table = pa.table(
        {
            "when": pa.array([when, None], pa.timestamp("us", tz="Europe/Berlin")),
            "fine": pa.array([1, 2], pa.timestamp("ns")),
            "price": pa.array([Decimal("1.10"), None], pa.decimal128(9, 2)),
            "nested": pa.array(
                [[{"a": 1}], None], pa.list_(pa.struct({"a": pa.int8()}))
            ),
            "nothing": pa.nulls(2),
            "data": pa.array([b"\xff", None]),
            "word": pa.array(["x", "y"]).dictionary_encode(),
            "large": pa.array(["x", None], pa.large_string()),
        }
    )
    source = tmp_path / "in.parquet"
    pq.write_table(table, source)
    run = small_run(
        source, f"out{suffix}", prompt="{{ word }}", max_requests_per_batch=1
    )
    run.join([answer_line(0, "ok"), answer_line(1, "ok")])
    if suffix == ".parquet":
        written = pq.read_table(run.job.job.output)
        assert written.select(table.column_names).equals(table)
        return
    first, second = run.table()
    assert first["price"] == "1.10"
    assert first["data"] == "/w=="
    assert first["when"].startswith("2026-11-23T05:05:06.000789")
    assert first["fine"].endswith("00.000000001")
    nested = first["nested"]
    assert (orjson.loads(nested) if suffix == ".csv" else nested) == [{"a": 1}]
    assert second["price"] in {"", None}


def test_row_groups_may_have_categories_of_their_own(
    small_run: MakeRun, tmp_path: Path, answer_line: Line
) -> None:
    """Dictionaries that differ within one shard come back as the values they mean."""
    source = tmp_path / "in.parquet"
    groups = [
        pa.table({"word": pa.array(words).dictionary_encode()})
        for words in (["x", "y"], ["z", "y", "q"])
    ]
    with pq.ParquetWriter(source, groups[0].schema) as writer:
        for group in groups:
            writer.write_table(group)
    run = small_run(source, "out.parquet", prompt="{{ word }}")
    run.join([answer_line(row, "ok") for row in range(5)])
    written = pq.read_table(run.job.job.output)
    assert written["word"].to_pylist() == ["x", "y", "z", "y", "q"]
    assert pa.types.is_dictionary(written.schema.field("word").type)


def test_headers_with_newlines_are_written_once(
    small_run: MakeRun, tmp_path: Path, answer_line: Line
) -> None:
    """Parts of a CSV are put together by bytes, whatever the header holds."""
    source = tmp_path / "in.csv"
    source.write_text('"a\nb",c\n1,2\n3,4\n', encoding="utf-8")
    run = small_run(source, "out.csv", prompt="{{ c }}", max_requests_per_batch=1)
    run.join([answer_line(0, "x"), answer_line(1, "y")])
    assert [row["a\nb"] for row in run.table()] == ["1", "3"]
